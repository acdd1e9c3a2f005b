"""The door of a fake: let faults and limits have their say, answer, and write all of it down."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from aiohttp import web

from tests.fakes.faults import Fault
from tests.fakes.ledger import Ledger
from tests.fakes.wire import Answer, cut, drop, garbage

LARGEST_CALL = 64 * 2**20


class RefusalError(Exception):
    """A call is refused: a code and a description, as the caller sees them."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


class Call(Protocol):
    """One call of a method that is being answered."""

    @property
    def number(self) -> int: ...


class Door(ABC):
    """What every platform does with a call: carry it out and write down how it ended, well or as a fault orders."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.tasks: set[asyncio.Task[Any]] = set()

    @abstractmethod
    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer anything that comes in."""

    @abstractmethod
    def carry_out(self, call: Any) -> Any:
        """Do what a call asks for and return its result, perhaps to be awaited; refuses with `RefusalError`."""

    @abstractmethod
    def success(self, result: Any) -> Answer:
        """Return the answer of a call that went well."""

    @abstractmethod
    def failure(self, error: RefusalError) -> Answer:
        """Return the answer of a call that is refused."""

    @abstractmethod
    def error_of(self, fault: Fault) -> RefusalError | None:
        """Return the refusal a fault stands for; None for a fault of the line."""

    def refused(self, call: Any, error: RefusalError, fault: Fault | None = None) -> None:  # noqa: B027  # a hook
        """Hear of a refusal before it is answered."""

    async def close(self) -> None:  # noqa: B027  # a hook
        """End what runs by itself."""

    def refuse(self, call: Any, error: RefusalError) -> Answer:
        self.ledger.refusals[call.number] = error.description
        self.refused(call, error)
        return self.failure(error)

    def finish(self, call: Call, answer: Answer) -> web.Response:
        self.ledger.answer(call.number, answer.status)
        return answer.response()

    async def perform(self, call: Any) -> Answer:
        """Carry a call out and return its answer."""
        try:
            result = self.carry_out(call)
            if isinstance(result, Coroutine):
                result = await result
        except RefusalError as error:
            return self.refuse(call, error)
        self.ledger.accept(call.number)
        return self.success(result)

    async def answer_badly(self, request: web.BaseRequest, call: Call, faults: list[Fault]) -> web.StreamResponse:
        """Answer a call that is struck by faults."""
        await delay(faults, accepted=False)
        wrong = next((fault for fault in faults if fault.kind != "delay"), None)
        if wrong is not None and self.changes(call, wrong):
            wrong = None
        answer = None
        if wrong is None or wrong.accepted or wrong.kind == "cut":
            answer = await self.perform(call)
        await delay(faults, accepted=True)
        if answer is not None and (wrong is None or answer.status != 200 or call.number in self.ledger.refusals):
            return self.finish(call, answer)
        assert wrong is not None
        return self._spoil(request, call, wrong, answer)

    def changes(self, call: Any, fault: Fault) -> bool:
        """Tell whether a fault changes what the call does and not how it is answered; do so."""
        return False

    def _spoil(self, request: web.BaseRequest, call: Call, fault: Fault, answer: Answer | None) -> web.StreamResponse:
        """Answer as the fault says; `answer` is what would have been said to a call that was accepted."""
        match fault.kind:
            case "reset":
                return drop(request)
            case "cut":
                return cut(request, answer or Answer(502, b'{"ok":false}'))
            case "garbage":
                return garbage()
        error = self.error_of(fault)
        assert error is not None
        if not fault.accepted:
            self.ledger.refusals[call.number] = error.description
        self.refused(call, error, fault)
        return self.finish(call, self.failure(error))


async def delay(faults: list[Fault], *, accepted: bool) -> None:
    """Wait as long as the delays among the faults say, those before or those after acceptance."""
    for fault in faults:
        if fault.kind == "delay" and fault.accepted is accepted:
            await asyncio.sleep(fault.delay_s)


class Server:
    """A fake that listens on 127.0.0.1."""

    def __init__(self, make_door: Callable[[], Door], port: int = 0) -> None:
        self._make_door = make_door
        self.port = port
        self._door: Door | None = None
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        """Listen; `port` is what was given, or the free one that was found for 0."""
        door = self._door = self._make_door()
        server = web.Server(door.answer, request_factory=make_request, access_log=None)
        runner = self._runner = web.ServerRunner(server, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port, backlog=1024).start()
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        if self._door is not None and self._runner is not None:
            await self._door.close()
            await self._runner.cleanup()


def make_request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    """Make a request whose body may be as large as an upload."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=LARGEST_CALL)
