"""Do what people do and tell the bot of it, in the shapes of the platform's events."""

from __future__ import annotations

import base64
import secrets
from typing import Any

from tests.fakes.updates import Update
from tests.fakes.zalo.world import Bot, Chat, World

Json = dict[str, Any]


class People:
    """The world's other half: people who write."""

    def __init__(self, world: World) -> None:
        self._world = world

    def message(
        self, bot: Bot, user: Json, kind: str, content: Json, *, group: str | None = None, mention: bool = True
    ) -> tuple[str, Update | None]:
        """Let a person send something of a kind (`text`, `image`, `sticker`, `voice`, `unsupported`).

        Returns the message's id and the update; None if the bot does not get to see it: in a group it has to be
        mentioned.
        """
        sender = self._world.open(user["id"], name=user["display_name"])
        chat = sender if group is None else self._world.open(group, is_group=True)
        message_id = secrets.token_hex(10)
        if chat.is_group and not (self._world.settings.groups and mention):
            return message_id, None
        bot.people.add(sender.id)
        bot.counted += 1
        event = {
            "event_name": f"message.{kind}.received",
            "message": {
                "message_id": message_id,
                "date": self._world.now_ms(),
                "from": {"id": sender.id, "display_name": sender.name, "is_bot": False},
                "chat": {"id": chat.id, "chat_type": "GROUP" if chat.is_group else "PRIVATE"},
                **self._content(kind, content),
            },
        }
        return message_id, bot.queue.add(event, chat_id=chat.number)

    def tell(self, bot: Bot, event: Json, chat: Chat) -> Update:
        """Queue an event as it stands."""
        return bot.queue.add(event, chat_id=chat.number)

    def _content(self, kind: str, content: Json) -> Json:
        match kind:
            case "text":
                return {"message_type": "CHAT_MESSAGE", "text": content["text"]}
            case "image":
                caption = {"caption": content["caption"]} if content.get("caption") else {}
                address = self._kept(base64.b64decode(content["picture"]), "jpg")
                return {"message_type": "CHAT_PHOTO", self._world.settings.photo_key: address, **caption}
            case "sticker":
                return {"sticker": secrets.token_hex(10), "url": self._kept(b"\x89PNG", "png")}
            case "voice":
                return {"message_type": "CHAT_VOICE", "voice_url": self._kept(b"\xff\xf1", "aac")}
            case _:
                return {}

    def _kept(self, content: bytes, ending: str) -> str:
        """Keep bytes where they can be fetched by anybody who knows the address."""
        name = f"{secrets.token_hex(12)}.{ending}"
        self._world.pictures[name] = content
        return f"{self._world.url}/cdn/{name}"
