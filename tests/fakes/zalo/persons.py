"""Play the people who talk to the bot."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from tests.fakes.inbox import WAIT_S, Inbox, Orders
from tests.fakes.records import Done, Json
from tests.fakes.zalo.ids import id_of, number_of
from tests.fakes.zalo.records import Message


class Person:
    """A person with a private chat. `id` is what the platform calls her; `group` is a group's id."""

    def __init__(self, fake: Orders, number: int, name: str) -> None:
        self._fake = fake
        self.id = id_of(number)
        self.user: Json = {"id": self.id, "display_name": name}
        self.inbox: Inbox[Message] = Inbox(fake, number_of(self.id), Message)

    async def next_message(self, wait_s: float = WAIT_S) -> Message:
        """Return the bot's next message to her that was not read yet; `AssertionError` if there is none in time."""
        return await self.inbox.next(wait_s)

    async def send(self, kind: str, content: Json, **more: Any) -> Done:
        """Send something of a kind: `text`, `image`, `sticker`, `voice`, `unsupported`."""
        return Done.read(await self._fake.order("message", user=self.user, kind=kind, content=content, **more))

    async def send_text(self, text: str, **more: Any) -> Done:
        return await self.send("text", {"text": text}, **more)

    async def send_photo(self, picture: bytes, caption: str = "") -> Done:
        return await self.send("image", {"picture": base64.b64encode(picture).decode(), "caption": caption})

    async def send_album(self, pictures: Sequence[bytes], caption: str = "") -> list[Done]:
        """Send several pictures at once: the platform makes a message of each, the caption stands under the first."""
        return [await self.send_photo(picture, "" if number else caption) for number, picture in enumerate(pictures)]

    async def send_sticker(self) -> Done:
        return await self.send("sticker", {})

    async def send_voice(self) -> Done:
        return await self.send("voice", {})

    async def send_unsupported(self) -> Done:
        """Send a file, a place, a card, a video; or be somebody whom the platform protects."""
        return await self.send("unsupported", {})
