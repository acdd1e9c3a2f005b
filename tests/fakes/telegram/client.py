"""Order the fake about and read its ledger, over HTTP: the same in the tests' process and in another."""

from __future__ import annotations

from typing import Any

from tests.fakes.client import Fake
from tests.fakes.records import Called, Done, Halt, Json
from tests.fakes.telegram.persons import Group, Person
from tests.fakes.telegram.records import Message
from tests.fakes.telegram.settings import NO_LIMITS, TOKEN


class FakeTelegram(Fake[Message]):
    """A running fake. `token` is the bot's; `api_url` and `file_url` are what a client takes as base addresses."""

    def __init__(self, port: int, token: str = TOKEN) -> None:
        super().__init__(port, token, Message)

    @property
    def api_url(self) -> str:
        """The address before the token, as python-telegram-bot's `base_url`."""
        return f"{self.url}/bot"

    @property
    def file_url(self) -> str:
        """The same for downloads, as `base_file_url`."""
        return f"{self.url}/file/bot"

    # --- People ---

    def person(self, user_id: int, first_name: str = "Mai", **fields: Any) -> Person:
        """Return a person to play: `last_name`, `username`, `language_code` as wished."""
        return Person(self, user_id, {"first_name": first_name, "language_code": "vi", **fields})

    def group(self, chat_id: int, title: str = "Chi hội làng Bối") -> Group:
        """Return a group; ids below -10**12 are supergroups."""
        return Group(self, chat_id, title)

    async def send_many(self, messages: list[tuple[Person, str]]) -> list[Done]:
        """Let many people write in one order: (who, what)."""
        bodies = [{"chat_id": one.id, "user": one.user, "content": {"text": text}} for one, text in messages]
        found = await self.order("messages_many", messages=bodies, spare_s=60)
        return [Done.read(row) for row in found["told"]]

    async def open_people(self, first: int, count: int) -> None:
        """Make so many people known to the bot, with ids from `first` on."""
        await self.order("open_people", first=first, count=count, spare_s=60)

    async def tell(self, kind: str, update: Json, chat_id: int, line: str = "") -> Done:
        """Queue an update of any kind as it stands."""
        return Done.read(await self.order("tell", kind=kind, update=update, chat_id=chat_id, line=line))

    # --- Settings and faults ---

    async def lift_limits(self) -> None:
        await self.set(**NO_LIMITS)

    async def trouble(self, chat_id: int, name: str | None) -> None:
        """Refuse every call about a chat, by a short name of `errors.NAMED`, until told None."""
        await self.order("trouble", chat_id=chat_id, name=name)

    async def restart_ids(self, to: int | None = None) -> int:
        """Go on with a random lower update id; return it."""
        return int((await self.order("restart_ids", to=to))["next"])

    async def expire_presses(self) -> None:
        """Make it too late to answer any button pressed so far."""
        await self.order("expire_presses")

    async def forget_files(self) -> None:
        """Make every file id invalid."""
        await self.order("forget_files")

    async def bot(self) -> Json:
        """Return what the bot set (`kept`), its answers to presses, the unconfirmed update ids, the allowed kinds."""
        return await self.order("bot", token=self.token)

    # --- The ledger ---

    async def peak_of_one_chat(self, span_s: float, *, groups: bool = False) -> int:
        """Return the same for the busiest private chat, or the busiest group."""
        return int((await self.order("peak_of_one_chat", span_s=span_s, groups=groups, spare_s=60))["peak"])

    async def halts(self) -> list[Halt]:
        return [Halt(**row) for row in (await self.order("halts"))["rows"]]

    async def in_halts(self, grace_s: float = 0.0) -> list[Called]:
        """Return the calls that came after the order to wait (and `grace_s`) and before its end."""
        rows = (await self.order("in_halts", grace_s=grace_s, spare_s=60))["rows"]
        return [Called(**row) for row in rows]

    # --- Waiting ---

    async def answer_to(self, press: Done, wait_s: float = 10.0) -> Json | None:
        """Return how the bot answered a press; None if it did not within `wait_s`."""
        found = await self.order("wait_answered", query_id=press.query_id, wait_s=wait_s)
        answer: Json | None = found["answer"]
        return answer
