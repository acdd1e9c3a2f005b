"""Do what people do and tell the bot of it, in the shapes of Telegram's updates."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any

from tests.fakes.telegram.chats import Chat
from tests.fakes.telegram.markup import commands_in
from tests.fakes.telegram.sending import as_message
from tests.fakes.telegram.updates import Update
from tests.fakes.telegram.world import Bot, World

Json = dict[str, Any]
STATUS_TROUBLE = {
    "kicked": {"private": "blocked", "group": "kicked", "supergroup": "kicked_supergroup"},
    "left": {"private": "blocked", "group": "not_member", "supergroup": "not_member"},
}


class People:
    """The world's other half: people who write, press, block, and groups that change."""

    def __init__(self, world: World) -> None:
        self._world = world

    def message(
        self,
        bot: Bot,
        chat_id: int,
        user: Json,
        content: Json,
        *,
        files: list[Json] | None = None,
        album: str | None = None,
        reply_to: int | None = None,
    ) -> tuple[int, Update | None]:
        """Put a person's message into a chat; return its id and the update, None if the bot did not ask for such."""
        chat, sender = self._chat(chat_id, user)
        if chat.standing == "kicked" and chat_id > 0:
            self.change_status(bot, chat_id, user, "member")  # nobody can write to whom she has blocked
        elif chat.standing == "left":
            chat.standing = "member"
        message = {
            "message_id": chat.next_message_id(),
            "from": sender.as_user(),
            "chat": chat.as_chat(),
            "date": int(self._world.wall()),
            **with_entities(content),
        }
        for file in files or ():
            message |= self._file(bot, file)
        if album is not None:
            message["media_group_id"] = album
        if reply_to is not None and (entry := self._world.ledger.find(chat_id, reply_to)):
            message["reply_to_message"] = as_message(self._world, bot, entry)
        chat.incoming[message["message_id"]] = dict(message)
        return message["message_id"], self._tell(bot, "message", message, chat_id)

    def edit(self, bot: Bot, chat_id: int, message_id: int, content: Json) -> Update | None:
        """Change a person's message; `KeyError` where it is not there."""
        message = self._world.chats.open(chat_id).incoming[message_id]
        message |= {**with_entities(content), "edit_date": int(self._world.wall())}
        return self._tell(bot, "edited_message", dict(message), chat_id)

    def press(self, bot: Bot, chat_id: int, user: Json, message_id: int, press: Json) -> tuple[str, Update | None]:
        """Press a button of a message (`label`, `data` or number `index`); return the query's id and the update.

        `stale`: the query can no longer be answered. Raises `LookupError` where there is no such button.
        """
        entry = self._world.ledger.find(chat_id, message_id)
        if entry is None:
            raise LookupError(f"no message {message_id} in chat {chat_id}")
        sender = self._chat(chat_id, user)[1]
        query: Json = {
            "id": str(secrets.randbits(62)),
            "from": sender.as_user(),
            "message": as_message(self._world, bot, entry),
            "chat_instance": str(int.from_bytes(hashlib.sha256(str(chat_id).encode()).digest()[:7])),
            "data": press["data"] if "data" in press else pressed(entry.markup, press)["callback_data"],
        }
        life_s = -1.0 if press.get("stale") else self._world.settings.callback_life_s
        bot.callbacks[query["id"]] = self._world.clock() + life_s
        return query["id"], self._tell(bot, "callback_query", query, chat_id, line=f"press {sender.id}")

    def change_status(self, bot: Bot, chat_id: int, user: Json, status: str) -> Update | None:
        """Block or unblock the bot, put it into a group or out: `member`, `administrator`, `kicked`, `left`."""
        chat, sender = self._chat(chat_id, user)
        old, chat.standing = chat.standing, status
        chat.trouble = STATUS_TROUBLE.get(status, {}).get(chat.kind)
        change = {
            "chat": chat.as_chat(),
            "from": sender.as_user(),
            "date": int(self._world.wall()),
            "old_chat_member": member(bot, old),
            "new_chat_member": member(bot, status),
        }
        update = self._tell(bot, "my_chat_member", change, chat_id, line=f"status {chat_id}")
        if status == "member" and chat_id < 0:
            self.message(bot, chat_id, user, {"new_chat_members": [bot.as_user()]})
        return update

    def move_group(self, bot: Bot, chat_id: int, user: Json, to: int) -> None:
        """Turn a group into a supergroup, with the two service messages that tell of it."""
        old, new = self._world.chats.move(chat_id, to)
        self.message(bot, old.id, user, {"migrate_to_chat_id": to})
        self.message(bot, new.id, user, {"migrate_from_chat_id": chat_id})

    def tell(self, bot: Bot, kind: str, body: Json, chat_id: int, line: str) -> Update | None:
        """Queue an update as it stands."""
        return self._tell(bot, kind, body, chat_id, line=line)

    def _tell(self, bot: Bot, kind: str, body: Json, chat_id: int, line: str = "") -> Update | None:
        return bot.queue.add(kind, body, chat_id=chat_id, line=line or str(chat_id))

    def _chat(self, chat_id: int, user: Json) -> tuple[Chat, Chat]:
        fields = {name: value for name, value in user.items() if name != "id"}
        sender = self._world.chats.open(int(user["id"]), **fields)
        return self._world.chats.open(chat_id), sender

    def _file(self, bot: Bot, file: Json) -> Json:
        """Keep a file somebody sends and return what its message says of it."""
        files, kind = self._world.files, file["kind"]
        content = base64.b64decode(file.get("content", ""))
        if kind == "photo":
            return {"photo": files.keep_photo(bot.id, content, file.get("size"))}
        facts = {name: file.get(name) for name in ("name", "media_type", "size", "width", "height")}
        kept = files.keep(bot.id, kind, content, **facts)
        about = {**kept.facts(), "mime_type": kept.media_type}
        more = {name: file[name] for name in ("duration", "width", "height") if name in file}
        return {kind: {**about, **more, **({"file_name": kept.name} if kind == "document" else {})}}


def with_entities(content: Json) -> Json:
    """Add what Telegram finds in a text by itself: commands."""
    found = commands_in(content["text"]) if "text" in content and "entities" not in content else []
    return {**content, "entities": found} if found else content


def member(bot: Bot, status: str) -> Json:
    found: Json = {"user": bot.as_user(), "status": status}
    return {**found, "until_date": 0} if status == "kicked" else found


def pressed(markup: Json | None, press: Json) -> Json:
    """Return the button of a message that is meant, by label or by number counted row by row."""
    buttons: list[Json] = [button for row in (markup or {}).get("inline_keyboard", ()) for button in row]
    if "label" in press:
        found = [button for button in buttons if button["text"] == press["label"]]
        found = found or [button for button in buttons if press["label"] in button["text"]]
    else:
        found = buttons[press["index"] :][:1]
    if not found or "callback_data" not in found[0]:
        raise LookupError(f"no button {press} among {[button['text'] for button in buttons]}")
    return found[0]
