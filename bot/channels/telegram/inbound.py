"""Read one raw update: who wrote, what it is in the words all channels share, and the key that makes it one message.

Nothing here keeps, sends or asks. What we have no use for (coordinates, voices, names) is not read out of the update
at all.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from telegram import CallbackQuery, Chat, ChatMemberUpdated, Message, Update

from bot.channels.telegram.content import content_of, is_note
from bot.channels.updates import NOTHING, Handed, NotAnUpdate, Renamed, Taken, Unreadable, as_it_came

GONE = ("kicked", "left")
THERE = ("member", "administrator", "creator")
_COMMAND = re.compile(r"/(\w+)(?:@(\w+))?(?=\s|$)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Me:
    """Who we are there. `username` is empty until the platform told us."""

    bot_id: str
    username: str = ""


def read(raw: Any, me: Me) -> Taken:
    """Return what an update holds; `NotAnUpdate` if it has no envelope. Raises nothing else, whatever it is given."""
    if not isinstance(raw, dict) or not _is_id(raw.get("update_id")):
        raise NotAnUpdate("no update id")
    message = raw.get("message")
    if isinstance(message, dict) and is_note(message):
        return NOTHING
    try:
        return _read(Update.de_json(raw), me)
    except Exception:
        # The platform adds kinds of updates all the time; whatever breaks on one is not worth losing a report for.
        return Taken(unreadable(raw, me))


def read_again(raw: str, bot_id: str, username: str) -> tuple[Mapping[str, Any], datetime | None] | None:
    """Return body and time of an update kept as `Unreadable`, if this version can read it; None if not."""
    what = read(json.loads(raw), Me(bot_id, username)).what
    return (what.body, what.sent_at) if isinstance(what, Handed) else None


def _read(update: Update, me: Me) -> Taken:
    if update.message is not None:
        return _message(update.message, me)
    if update.edited_message is not None:
        return _edited(update.edited_message, me)
    if update.callback_query is not None:
        return _pressed(update.callback_query, me)
    if update.my_chat_member is not None:
        return _membership(update.my_chat_member, me)
    return NOTHING


def _message(message: Message, me: Me) -> Taken:
    if message.migrate_to_chat_id is not None:
        return Taken(Renamed(_id(message.chat.id), _id(message.migrate_to_chat_id)))
    if message.migrate_from_chat_id is not None:
        return Taken(Renamed(_id(message.migrate_from_chat_id), _id(message.chat.id)))
    if message.chat.type != Chat.PRIVATE:
        return _in_group(message, me)
    return Taken(Handed(_id(message.chat.id), _message_key(message, me), _body(message, me), message.date))


def _edited(message: Message, me: Me) -> Taken:
    # Live locations "edit" themselves every few seconds.
    if message.chat.type != Chat.PRIVATE or message.location is not None or message.edit_date is None:
        return NOTHING
    body = _body(message, me)
    edited_s = int(message.edit_date.timestamp())
    key = f"{me.bot_id}:e:{_id(message.chat.id)}:{_id(message.message_id)}:{edited_s}:{_digest(body)[:12]}"
    return Taken(Handed(_id(message.chat.id), key, {**body, "edits": _message_key(message, me)}, message.edit_date))


def _message_key(message: Message, me: Me) -> str:
    return f"{me.bot_id}:m:{_id(message.chat.id)}:{_id(message.message_id)}"


def _body(message: Message, me: Me) -> dict[str, Any]:
    body = content_of(message)
    return {**body, "text": _without_our_name(body["text"], me)}


def _without_our_name(text: str, me: Me) -> str:
    command = _COMMAND.match(text)
    if command is None or command[2] is None or command[2].lower() != me.username.lower():
        return text
    return f"/{command[1]}{text[command.end() :]}"


def _pressed(query: CallbackQuery, me: Me) -> Taken:
    callback_id = _text(query.id)
    chat = query.message.chat if query.message is not None else None
    if not query.data or chat is None or chat.type != Chat.PRIVATE:
        return Taken(callback_id=callback_id)
    handed = Handed(_id(query.from_user.id), f"{me.bot_id}:c:{callback_id}", {"pressed": _text(query.data)})
    return Taken(handed, callback_id)


def _membership(change: ChatMemberUpdated, me: Me) -> Taken:
    event = _event(change)
    if event is None:
        return NOTHING
    external_id = _id(change.chat.id)
    status = _text(change.new_chat_member.status)
    key = f"{me.bot_id}:s:{external_id}:{int(change.date.timestamp())}:{status}"
    return Taken(Handed(external_id, key, {"event": event}, change.date))


def _event(change: ChatMemberUpdated) -> str | None:
    was, now = change.old_chat_member.status, change.new_chat_member.status
    if now in GONE:
        return "blocked"
    if now in THERE and was in GONE:
        return "unblocked" if change.chat.type == Chat.PRIVATE else "in_group"
    return None


def _in_group(message: Message, me: Me) -> Taken:
    if message.chat.type not in (Chat.GROUP, Chat.SUPERGROUP) or not _is_to_us(message, me):
        return NOTHING
    return Taken(Handed(_id(message.chat.id), _message_key(message, me), {"event": "in_group"}, message.date))


def _is_to_us(message: Message, me: Me) -> bool:
    answered = message.reply_to_message
    if answered is not None and answered.from_user is not None and _id(answered.from_user.id) == me.bot_id:
        return True
    words = message.text or message.caption or ""
    command = _COMMAND.match(words)
    if command is not None:
        return command[2] is None or command[2].lower() == me.username.lower()
    return bool(me.username) and re.search(rf"@{re.escape(me.username)}\b", words, re.IGNORECASE) is not None


def unreadable(raw: dict[str, Any], me: Me) -> Unreadable:
    """Return an update as it is kept where nothing better can be done; it must have its envelope."""
    text, digest = as_it_came(raw, {"update_id": raw["update_id"]})
    return Unreadable(_writer(raw), f"{me.bot_id}:u:{raw['update_id']}:{digest[:12]}", text)


def _writer(raw: Mapping[str, Any]) -> str:
    """Return whose chat an unreadable update seems to be from; `unknown` where not even that can be seen."""
    for part in raw.values():
        if isinstance(part, Mapping):
            inside = part.get("message")
            for holder in (part, inside if isinstance(inside, Mapping) else {}):
                chat = holder.get("chat")
                if isinstance(chat, Mapping) and _is_id(chat.get("id")):
                    return str(chat["id"])
    return "unknown"


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _id(value: Any) -> str:
    """Return a number of the platform as text; the library checks no types."""
    if not _is_id(value):
        raise TypeError("not an id")
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 128:
        raise TypeError("not a short text")
    return value
