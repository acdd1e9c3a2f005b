"""The chats of people on a fake, as they read them."""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar

from tests.fakes.records import Json, Said

WAIT_S = 10.0
AnySaid = TypeVar("AnySaid", bound=Said)


class Orders(Protocol):
    """What gives orders to the fake."""

    async def order(self, order: str, /, **fields: Any) -> Json: ...


class Inbox(Generic[AnySaid]):
    """The bot's messages in one chat, read one after the other."""

    def __init__(self, fake: Orders, chat_id: int, read_message: type[AnySaid]) -> None:
        self._fake = fake
        self._read_message = read_message
        self.chat_id = chat_id
        self._read = 0

    async def next(self, wait_s: float = WAIT_S) -> AnySaid:
        """Return the next message that was not read yet; `AssertionError` if there is none within `wait_s`."""
        found = await self._fake.order("wait_message", chat_id=self.chat_id, after=self._read, wait_s=wait_s)
        assert found["rows"], f"no message in chat {self.chat_id} within {wait_s} s after {self._read} others"
        self._read += 1
        return self._read_message.read(found["rows"][0])

    async def unread(self) -> list[AnySaid]:
        """Return what is there and was not read yet, at once."""
        found = await self._fake.order("wait_message", chat_id=self.chat_id, after=self._read, wait_s=0.0)
        self._read += len(found["rows"])
        return [self._read_message.read(row) for row in found["rows"]]
