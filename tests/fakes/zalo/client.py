"""Order the fake about and read its ledger, over HTTP: the same in the tests' process and in another."""

from __future__ import annotations

from tests.fakes.client import Fake
from tests.fakes.records import Done, Json
from tests.fakes.zalo.ids import id_of
from tests.fakes.zalo.persons import Person
from tests.fakes.zalo.records import Message
from tests.fakes.zalo.settings import TOKEN


class FakeZalo(Fake[Message]):
    """A running fake of the Bot Platform. `url` is the base address, `token` the bot's."""

    def __init__(self, port: int, token: str = TOKEN) -> None:
        super().__init__(port, token, Message)

    def person(self, number: int, name: str = "Mai") -> Person:
        """Return a person to play."""
        return Person(self, number, name)

    async def send_many(self, messages: list[tuple[Person, str]]) -> list[Done]:
        """Let many people write in one order: (who, what)."""
        bodies = [{"user": one.user, "kind": "text", "content": {"text": text}} for one, text in messages]
        found = await self.order("messages_many", messages=bodies, spare_s=60)
        return [Done.read(row) for row in found["told"]]

    async def open_people(self, first: int, count: int) -> None:
        """Make so many people known to the bot, with numbers from `first` on."""
        await self.order("open_people", first=first, count=count, spare_s=60)

    async def tell(self, event: Json, chat: str) -> Done:
        """Queue an event of any kind as it stands."""
        return Done.read(await self.order("tell", event=event, chat=chat))

    async def trouble(self, chat: str, name: str | None) -> None:
        """Refuse every call about a chat, by a short name of `errors.NAMED`, until told None."""
        await self.order("trouble", chat=chat, name=name)

    async def reset_token(self, new: str) -> None:
        """Give the bot another token; the old one is refused at once."""
        await self.order("reset_token", new=new, token=self.token)
        self.token = new

    async def webhook_url(self) -> str:
        """Return where events are brought; empty where nowhere."""
        return str((await self.order("webhook", token=self.token))["url"])

    async def group(self, number: int) -> str:
        """Return the id of a group."""
        return id_of(number, "group")
