"""Play the people who talk to the bot, and the groups it is in."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from tests.fakes import inbox
from tests.fakes.inbox import WAIT_S, Orders
from tests.fakes.records import Done, Json
from tests.fakes.telegram.records import Message


class Inbox(inbox.Inbox[Message]):
    """The bot's messages in one chat, which it may change."""

    def __init__(self, fake: Orders, chat_id: int) -> None:
        super().__init__(fake, chat_id, Message)

    async def changed(self, message: Message, wait_s: float = WAIT_S) -> Message:
        """Return a message as it is once it was edited again or deleted; as it was if that does not happen."""
        row = await self._fake.order(
            "wait_edit",
            chat_id=self.chat_id,
            message_id=message.message_id,
            after=len(message.edits),
            wait_s=wait_s,
        )
        return Message.read(row)


class Person:
    """A person with a private chat. `chat` in her methods is where she does it: at home, or in a group's id."""

    def __init__(self, fake: Orders, user_id: int, fields: Json) -> None:
        self._fake = fake
        self.id = user_id
        self.user: Json = {"id": user_id, **fields}
        self.inbox = Inbox(fake, user_id)

    async def next_message(self, wait_s: float = WAIT_S) -> Message:
        """Return the bot's next message to her that was not read yet; `AssertionError` if there is none in time."""
        return await self.inbox.next(wait_s)

    async def send(self, content: Json, chat: int | None = None, **more: Any) -> Done:
        """Send a message with any content of Telegram's message object."""
        place = self.id if chat is None else chat
        return Done.read(await self._fake.order("message", chat_id=place, user=self.user, content=content, **more))

    async def send_text(self, text: str, chat: int | None = None, *, reply_to: int | None = None) -> Done:
        return await self.send({"text": text}, chat, reply_to=reply_to)

    async def start(self, payload: str = "") -> Done:
        """Press Start, or follow a link with a payload."""
        return await self.send_text(f"/start {payload}".strip())

    async def send_photo(self, picture: bytes, caption: str = "", *, chat: int | None = None, **facts: Any) -> Done:
        """Send a picture; `size` claims another size in bytes."""
        return await self.send(captioned(caption), chat, files=[filed("photo", picture, facts)])

    async def send_album(self, pictures: Sequence[bytes], caption: str = "", *, chat: int | None = None) -> list[Done]:
        """Send several pictures as one set; the caption stands under the first."""
        album = (await self._fake.order("album_id"))["album"]
        return [
            await self.send(
                captioned("" if number else caption), chat, files=[filed("photo", picture, {})], album=album
            )
            for number, picture in enumerate(pictures)
        ]

    async def send_document(
        self, content: bytes, name: str = "bao-cao.pdf", media_type: str = "application/pdf", **facts: Any
    ) -> Done:
        facts |= {"name": name, "media_type": media_type}
        return await self.send({}, files=[filed("document", content, facts)])

    async def send_voice(self, content: bytes = b"OggS", duration_s: int = 3) -> Done:
        facts = {"media_type": "audio/ogg", "duration": duration_s}
        return await self.send({}, files=[filed("voice", content, facts)])

    async def send_video(self, content: bytes = b"video", duration_s: int = 3) -> Done:
        facts = {"media_type": "video/mp4", "duration": duration_s, "width": 640, "height": 480}
        return await self.send({}, files=[filed("video", content, facts)])

    async def send_location(self, latitude: float = 21.03, longitude: float = 105.85) -> Done:
        return await self.send({"location": {"latitude": latitude, "longitude": longitude}})

    async def send_sticker(self) -> Done:
        about = {"file_id": "CAACAgU-sticker", "file_unique_id": "AgAD-sticker", "type": "regular"}
        shape = {"width": 512, "height": 512, "is_animated": False, "is_video": False, "emoji": "🌸"}
        return await self.send({"sticker": {**about, **shape}})

    async def send_contact(self, phone: str, *, of: Person | int | None = None, first_name: str | None = None) -> Done:
        """Share a phone contact: her own, or that `of` somebody else (0: somebody who is not on Telegram)."""
        owner = of.id if isinstance(of, Person) else self.id if of is None else of
        contact = {"phone_number": phone, "first_name": first_name or self.user["first_name"]}
        return await self.send({"contact": {**contact, **({"user_id": owner} if owner else {})}})

    async def press(self, message: Message, button: int | str = 0, *, stale: bool = False) -> Done:
        """Press a button by its number or (part of) its label; `stale`: too late to be answered."""
        press: Json = {"label": button} if isinstance(button, str) else {"index": button}
        return await self.press_data(message, press, stale=stale)

    async def press_data(self, message: Message, press: Json, *, stale: bool = False) -> Done:
        """Press with data as they stand (`{"data": …}`), also such as no button carries."""
        body = {**press, "stale": stale}
        place = {"chat_id": message.chat_id, "message_id": message.message_id}
        return Done.read(await self._fake.order("press", **place, user=self.user, press=body))

    async def edit_text(self, done: Done, text: str, chat: int | None = None) -> Done:
        """Change what she wrote."""
        return await self.edit(done, {"text": text}, chat)

    async def edit(self, done: Done, content: Json, chat: int | None = None) -> Done:
        place = self.id if chat is None else chat
        found = await self._fake.order("edit", chat_id=place, message_id=done.message_id, content=content)
        return Done(found["update_id"], done.message_id)

    async def block(self) -> Done:
        """Block the bot: it can no longer write to her."""
        return Done.read(await self._fake.order("status", chat_id=self.id, user=self.user, status="kicked"))

    async def unblock(self) -> Done:
        return Done.read(await self._fake.order("status", chat_id=self.id, user=self.user, status="member"))


class Group:
    """A group; `chat` of a person's methods is its `id`."""

    def __init__(self, fake: Orders, chat_id: int, title: str) -> None:
        self._fake = fake
        self.id = chat_id
        self.title = title
        self.inbox = Inbox(fake, chat_id)

    async def open(self) -> None:
        """Make it known under its title."""
        await self._fake.order("open_chat", chat_id=self.id, title=self.title)

    async def message(self, person: Person, text: str) -> Done:
        """Let a person write in it."""
        await self.open()
        return await person.send_text(text, self.id)

    async def next_message(self, wait_s: float = WAIT_S) -> Message:
        """Return the bot's next message in it that was not read yet; `AssertionError` if there is none in time."""
        return await self.inbox.next(wait_s)

    async def set_status(self, person: Person, status: str) -> Done:
        """Let a person make the bot `member`, `administrator`, `kicked` or `left`."""
        await self.open()
        return Done.read(await self._fake.order("status", chat_id=self.id, user=person.user, status=status))

    async def migrate(self, person: Person, to: int) -> Group:
        """Turn it into a supergroup and return that."""
        await self.open()
        await self._fake.order("move_group", chat_id=self.id, user=person.user, to=to)
        return Group(self._fake, to, self.title)


def captioned(caption: str) -> Json:
    return {"caption": caption} if caption else {}


def filed(kind: str, content: bytes, facts: Json) -> Json:
    return {"kind": kind, "content": base64.b64encode(content).decode(), **facts}
