"""Order a fake about and read its ledger, over HTTP: the same in the tests' process and in another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar

import aiohttp

from tests.fakes.records import Called, Done, Json, Said, Totals, Update

SPARE_S = 10.0
AnySaid = TypeVar("AnySaid", bound=Said)


class OrderRefusedError(Exception):
    """The fake cannot do what the test ordered."""


class Fake(Generic[AnySaid]):
    """A running fake. `token` is the bot's; `read_message` reads a row of the ledger's messages."""

    def __init__(self, port: int, token: str, read_message: type[AnySaid]) -> None:
        self.port = port
        self.token = token
        self.url = f"http://127.0.0.1:{port}"
        self._read_message = read_message
        self._session: aiohttp.ClientSession | None = None

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

    # --- Settings and faults ---

    async def set(self, **values: Any) -> None:
        """Change settings (`settings.Settings`)."""
        await self.order("set", **values)

    async def fault(self, kind: str, **fields: Any) -> int:
        """Order a fault (`faults.Fault` tells the kinds and fields; `for_s` seconds from now) and return its number."""
        return int((await self.order("fault", kind=kind, **fields))["id"])

    async def clear_faults(self, *ids: int) -> None:
        """Take faults back: those named, or all."""
        await self.order("clear_faults", ids=list(ids) or None)

    async def revoke(self, *, revoked: bool = True) -> None:
        """Answer 401 to the bot's token, or no more."""
        await self.order("revoke", revoked=revoked, token=self.token)

    async def repeat(self, done: Done) -> None:
        """Let an update come once more, confirmed or not, as after an answer that was lost."""
        await self.order("repeat", update_id=done.update_id)

    # --- The ledger ---

    async def messages(self, chat_id: int | None = None) -> list[AnySaid]:
        """Return all accepted messages, or those of one chat, in their order."""
        return [self._read_message.read(row) async for row in self._rows("messages", chat_id=chat_id)]

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

    # --- Waiting ---

    async def wait_messages(self, count: int, wait_s: float = 10.0) -> None:
        """Wait until so many messages were accepted in all; `AssertionError` if it takes longer."""
        found = await self.order("wait_messages", count=count, wait_s=wait_s)
        assert found["is_so"], f"fewer than {count} messages after {wait_s} s: {await self.totals()}"

    async def wait_confirmed(self, count: int | None = None, wait_s: float = 10.0) -> None:
        """Wait until so many updates, or all there are now, are confirmed; `AssertionError` if it takes longer."""
        found = await self.order("wait_confirmed", count=count, wait_s=wait_s)
        assert found["is_so"], f"updates not confirmed after {wait_s} s: {await self.totals()}"
