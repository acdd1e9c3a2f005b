"""Obey the tests: `POST /control/<order>` with a JSON object, answered by a JSON object.

Orders and their fields are the methods of `Control`; a platform adds its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from aiohttp import web

from tests.fakes.faults import Faults
from tests.fakes.ledger import Ledger
from tests.fakes.server import RefusalError
from tests.fakes.updates import Queue, Update
from tests.fakes.wire import encode, parse_object

Json = dict[str, Any]
PAGE = 5000


class Bot(Protocol):
    """What every platform's bot has."""

    @property
    def queue(self) -> Queue: ...

    is_revoked: bool


class World(Protocol):
    """What every platform's memory has."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def faults(self) -> Faults: ...

    @property
    def clock(self) -> Callable[[], float]: ...

    def change(self, **values: Any) -> None: ...

    def bot(self, token: str | None = None) -> Any: ...


class Control:
    """Everything a test can order or ask on any platform."""

    def __init__(self, world: World) -> None:
        self._world: Any = world
        self._ledger: Ledger = world.ledger

    async def obey(self, request: web.BaseRequest, order: str) -> web.Response:
        """Carry out one order; 400 with the reason where it cannot be."""
        try:
            body = parse_object(await request.read())
            act = getattr(self, f"do_{order}", None)
            if act is None:
                raise LookupError(f"no such order: {order}")
            found = await act(**body) if order.startswith("wait") else act(**body)
        except (LookupError, ValueError, TypeError, AttributeError, RefusalError) as error:
            text = encode({"error": f"{type(error).__name__}: {error}"})
            return web.Response(status=400, text=text, content_type="application/json")
        return web.Response(body=encode(found or {}).encode(), content_type="application/json")

    # --- Settings and faults ---

    def do_set(self, **values: Any) -> None:
        self._world.change(**values)

    def do_fault(self, **fields: Any) -> Json:
        return {"id": self._world.faults.order(self._world.clock(), **fields).id}

    def do_faults(self) -> Json:
        return {str(fault.id): fault.done for fault in self._world.faults.in_force()}

    def do_clear_faults(self, ids: list[int] | None = None) -> None:
        self._world.faults.clear(ids)

    def do_revoke(self, token: str | None = None, revoked: bool = True) -> None:
        self._world.bot(token).is_revoked = revoked

    def do_repeat(self, update_id: int, token: str | None = None) -> None:
        self._world.bot(token).queue.repeat(update_id)

    # --- The ledger ---

    def do_messages(self, after: int = 0, limit: int = PAGE, chat_id: int | None = None) -> Json:
        ledger = self._world.ledger
        entries = ledger.entries if chat_id is None else ledger.by_chat.get(chat_id, [])
        page = entries[after : after + limit]
        return {"rows": [ledger.entry_row(entry) for entry in page], "after": after + len(page)}

    def do_calls(self, after: int = 0, limit: int = PAGE) -> Json:
        ledger = self._world.ledger
        numbers = range(after, min(after + limit, len(ledger.methods)))
        return {"rows": [ledger.call_row(number) for number in numbers], "after": after + len(numbers)}

    def do_updates(self, after: int = 0, limit: int = PAGE) -> Json:
        page = self._world.ledger.arrivals[after : after + limit]
        return {"rows": [arrival.as_row() for arrival in page], "after": after + len(page)}

    def do_totals(self) -> Json:
        return self._ledger.totals()

    def do_per_chat(self) -> Json:
        return {str(chat): count for chat, count in self._world.ledger.per_chat().items()}

    def do_copies(self, least: int = 2) -> Json:
        return {"rows": self._world.ledger.copies(least)}

    def do_peak(self, span_s: float, chat_id: int | None = None) -> Json:
        return {"peak": self._world.ledger.peak(span_s, chat_id)}

    # --- Waiting: answered when it is so, or after `wait_s` ---

    async def do_wait_message(self, chat_id: int, after: int, wait_s: float) -> Json:
        """Return the messages of a chat that come after so many others, once there is one."""
        by_chat = self._world.ledger.by_chat
        await self._until(lambda: len(by_chat.get(chat_id, ())) > after, wait_s, chat_id)
        return self.do_messages(after, PAGE, chat_id)

    async def do_wait_messages(self, count: int, wait_s: float) -> Json:
        """Wait until so many messages were accepted in all."""
        ledger = self._world.ledger
        return {"is_so": await self._until(lambda: ledger.messages >= count, wait_s)}

    async def do_wait_confirmed(self, wait_s: float, count: int | None = None) -> Json:
        """Wait until so many updates are confirmed; all there are now where no number is given."""
        ledger = self._world.ledger
        wanted = len(ledger.arrivals) if count is None else count
        return {"is_so": await self._until(lambda: ledger.confirmed >= wanted, wait_s)}

    async def _until(self, is_so: Callable[[], bool], wait_s: float, chat_id: int | None = None) -> bool:
        return await self._ledger.until(is_so, wait_s, chat_id)


def told(update: Update | None) -> Json:
    return {"update_id": update.id if update else None}
