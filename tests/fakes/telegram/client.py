"""Order the fake about and read its ledger, over HTTP: the same in the tests' process and in another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeVar

import aiohttp

from tests.fakes.telegram.persons import Group, Person
from tests.fakes.telegram.records import Called, Done, Halt, Json, Message, Totals, Update
from tests.fakes.telegram.settings import NO_LIMITS, TOKEN

Record = TypeVar("Record", Message, Update, Called, Halt)
SPARE_S = 10.0


class OrderRefusedError(Exception):
    """The fake cannot do what the test ordered."""


class FakeTelegram:
    """A running fake. `token` is the bot's; `api_url` and `file_url` are what a client takes as base addresses."""

    def __init__(self, port: int, token: str = TOKEN) -> None:
        self.port = port
        self.token = token
        self.url = f"http://127.0.0.1:{port}"
        self._session: aiohttp.ClientSession | None = None

    @property
    def api_url(self) -> str:
        """The address before the token, as python-telegram-bot's `base_url`."""
        return f"{self.url}/bot"

    @property
    def file_url(self) -> str:
        """The same for downloads, as `base_file_url`."""
        return f"{self.url}/file/bot"

    async def order(self, order: str, /, *, spare_s: float = SPARE_S, **fields: Any) -> Json:
        """Give any order of `control.Control`; raises `OrderRefusedError` where it cannot be done."""
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        timeout = aiohttp.ClientTimeout(total=fields.get("wait_s", 0.0) + spare_s)
        async with self._session.post(f"{self.url}/control/{order}", json=fields, timeout=timeout) as answer:
            found: Json = await answer.json()
            if answer.status != 200:
                raise OrderRefusedError(found.get("error", order))
            return found

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

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

    async def set(self, **values: Any) -> None:
        """Change settings (`settings.Settings`)."""
        await self.order("set", **values)

    async def lift_limits(self) -> None:
        await self.set(**NO_LIMITS)

    async def fault(self, kind: str, **fields: Any) -> int:
        """Order a fault (`faults.Fault` tells the kinds and fields; `for_s` seconds from now) and return its number."""
        return int((await self.order("fault", kind=kind, **fields))["id"])

    async def clear_faults(self, *ids: int) -> None:
        """Take faults back: those named, or all."""
        await self.order("clear_faults", ids=list(ids) or None)

    async def trouble(self, chat_id: int, name: str | None) -> None:
        """Refuse every call about a chat, by a short name of `errors.NAMED`, until told None."""
        await self.order("trouble", chat_id=chat_id, name=name)

    async def revoke(self, *, revoked: bool = True) -> None:
        """Answer 401 to the bot's token, or no more."""
        await self.order("revoke", revoked=revoked, token=self.token)

    async def restart_ids(self, to: int | None = None) -> int:
        """Go on with a random lower update id; return it."""
        return int((await self.order("restart_ids", to=to))["next"])

    async def repeat(self, done: Done) -> None:
        """Let an update come once more, confirmed or not, as after an answer that was lost."""
        await self.order("repeat", update_id=done.update_id)

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

    async def messages(self, chat_id: int | None = None) -> list[Message]:
        """Return all accepted messages, or those of one chat, in their order."""
        return [Message.read(row) async for row in self._rows("messages", chat_id=chat_id)]

    async def updates(self) -> list[Update]:
        return [Update(**row) async for row in self._rows("updates")]

    async def calls(self) -> list[Called]:
        """Return every call that reached the bot's methods, refused ones too."""
        return [Called(**row) async for row in self._rows("calls")]

    async def _rows(self, order: str, **fields: Any) -> AsyncIterator[Json]:
        after = 0
        while (page := await self.order(order, after=after, spare_s=60, **fields))["rows"]:
            for row in page["rows"]:
                yield row
            after = page["after"]

    async def totals(self) -> Totals:
        return Totals(**await self.order("totals", spare_s=60))

    async def per_chat(self) -> dict[int, int]:
        """Return chat → number of accepted messages."""
        return {int(chat): count for chat, count in (await self.order("per_chat", spare_s=60)).items()}

    async def copies(self, least: int = 2) -> list[tuple[int, str, int]]:
        """Return (chat, text, how often) of each text that came at least so often to one chat."""
        rows = (await self.order("copies", least=least, spare_s=60))["rows"]
        return [(row["chat_id"], row["text"], row["copies"]) for row in rows]

    async def peak(self, span_s: float, chat_id: int | None = None) -> int:
        """Return the most calls with a chat accepted within any window of `span_s`, in all or for one chat."""
        return int((await self.order("peak", span_s=span_s, chat_id=chat_id, spare_s=60))["peak"])

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

    async def wait_messages(self, count: int, wait_s: float = 10.0) -> None:
        """Wait until so many messages were accepted in all; `AssertionError` if it takes longer."""
        found = await self.order("wait_messages", count=count, wait_s=wait_s)
        assert found["is_so"], f"fewer than {count} messages after {wait_s} s: {await self.totals()}"

    async def wait_confirmed(self, count: int | None = None, wait_s: float = 10.0) -> None:
        """Wait until so many updates, or all there are now, are confirmed; `AssertionError` if it takes longer."""
        found = await self.order("wait_confirmed", count=count, wait_s=wait_s)
        assert found["is_so"], f"updates not confirmed after {wait_s} s: {await self.totals()}"

    async def answer_to(self, press: Done, wait_s: float = 10.0) -> Json | None:
        """Return how the bot answered a press; None if it did not within `wait_s`."""
        found = await self.order("wait_answered", query_id=press.query_id, wait_s=wait_s)
        answer: Json | None = found["answer"]
        return answer
