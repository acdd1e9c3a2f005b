"""Time that nobody waits for: an event loop for each process of ours, and one clock that moves them all.

A process is a loop. What befalls it is done to the loop: a pause holds its callbacks back, death drops
them. Inside a process callbacks run in the order asyncio promises; between processes, chance decides.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from itertools import count
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")

LOOK_S = 1.0
"""Our processes look for work at least this often; a timer as short as this is such a look."""

QUIET_S = 1.1
"""After so long in which nothing happened everybody has looked and found nothing."""

MOST_STEPS = 60_000


class NeverCalm(Exception):
    """The run does not end: something goes round and round."""


class Handle(asyncio.Handle):
    """A callback that waits for its turn."""

    __slots__ = ("at",)

    def __init__(
        self,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: contextvars.Context | None,
        at: float = 0.0,
    ) -> None:
        self._callback: Any = callback
        self._args: Any = args
        self._context = context or contextvars.copy_context()
        self._cancelled = False
        self.at = at

    def when(self) -> float:
        """Return when it is due."""
        return self.at

    def cancel(self) -> None:
        """Let it not happen."""
        self._cancelled = True
        self._callback = self._args = None

    def run(self) -> None:
        """Do it."""
        self._context.run(self._callback, *self._args)


class Loop(asyncio.AbstractEventLoop):
    """The event loop of one process. `trouble` collects what no task caught."""

    def __init__(self, timeline: Timeline, name: str) -> None:
        self.timeline = timeline
        self.name = name
        self.ready: deque[Handle] = deque()
        self.firm: list[tuple[float, int, Handle]] = []
        self.looks: list[tuple[float, int, Handle]] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.trouble: list[str] = []
        self.held = False
        self.dead = False

    def time(self) -> float:
        return self.timeline.now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return self.dead

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Coroutine[Any, Any, T], **named: Any) -> asyncio.Task[T]:  # type: ignore[override]
        task = asyncio.Task(coro, loop=self, **named)
        self.tasks.append(task)
        return task

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> Handle:
        handle = Handle(callback, args, context)
        if not self.dead:
            self.ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> Handle:
        return self.call_at(self.timeline.now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> Handle:
        handle = Handle(callback, args, context, when)
        is_look = when - self.timeline.now <= LOOK_S
        heapq.heappush(self.looks if is_look else self.firm, (when, next(self.timeline.order), handle))
        return handle

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.dead:
            self.trouble.append(f"{context.get('message')}: {context.get('exception')!r}")

    async def sleep(self, seconds: float) -> None:
        """Wait without letting the timeline be late for it."""
        future = self.create_future()
        self.timeline.after(seconds, lambda: self.settle(future))
        await future

    def settle(self, future: asyncio.Future[Any], result: Any = None) -> None:
        """Answer a future of this process from outside; a dead or impatient one hears nothing."""
        if self.dead or future.done():
            return
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)

    def die(self) -> None:
        """Forget everything."""
        self.dead = True
        self.ready.clear()
        self.firm.clear()
        self.looks.clear()

    def bury(self) -> None:
        """Close what its tasks left open, so that nothing of it wakes when it is swept away."""
        self.die()
        for task in self.tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                coroutine: Any = task.get_coro()
                coroutine.close()
        self.tasks.clear()


class Timeline:
    """The one clock. `instants(now)` tells when stored rows come due next, so that empty time can be skipped."""

    def __init__(self, random: Random) -> None:
        self.now = 0.0
        self.random = random
        self.order = count()
        self.loops: list[Loop] = []
        self.instants: Callable[[], float] = lambda: float("inf")
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._stirred_at = 0.0
        self._steps = 0

    def open_loop(self, name: str) -> Loop:
        """Return the loop of a new process."""
        loop = Loop(self, name)  # type: ignore[abstract]
        self.loops.append(loop)
        return loop

    def at(self, when: float, event: Callable[[], None]) -> None:
        """Let something happen to the world."""
        heapq.heappush(self._events, (when, next(self.order), event))

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        """Let something happen to the world later."""
        self.at(self.now + seconds, event)

    def stir(self) -> None:
        """Note that something changed: everybody looks once more before time is skipped."""
        self._stirred_at = self.now

    def run(self) -> None:
        """Go on until nothing is left to happen."""
        while self._run_ready() or self._advance():
            self._steps += 1
            if self._steps > MOST_STEPS:
                raise NeverCalm

    def _run_ready(self) -> bool:
        able = [loop for loop in self.loops if loop.ready and not loop.held]
        if not able:
            return False
        loop = able[0] if len(able) == 1 else self.random.choice(able)
        asyncio._set_running_loop(loop)
        try:
            for _ in range(len(loop.ready)):
                handle = loop.ready.popleft()
                if not handle._cancelled:
                    handle.run()
                if not loop.ready:
                    break
        finally:
            asyncio._set_running_loop(None)
        return True

    def _advance(self) -> bool:
        firm, look = self._next_times()
        if self.now - self._stirred_at > QUIET_S:
            to = min(firm, self.instants())
            if to == float("inf"):
                return False
            self._stirred_at = to
        else:
            to = min(firm, look)
            if to == float("inf"):
                to = self.instants()
                if to == float("inf"):
                    return False
        self.now = max(self.now, to)
        self._fire()
        return True

    def _next_times(self) -> tuple[float, float]:
        able = [loop for loop in self.loops if not loop.held]
        firm = [self._events[0][0]] if self._events else []
        firm += [loop.firm[0][0] for loop in able if _clean(loop.firm)]
        looks = [loop.looks[0][0] for loop in able if _clean(loop.looks)]
        return min(firm, default=float("inf")), min(looks, default=float("inf"))

    def _fire(self) -> None:
        while self._events and self._events[0][0] <= self.now:
            self._stirred_at = self.now
            heapq.heappop(self._events)[2]()
        for loop in self.loops:
            if loop.held:
                continue
            if _due(loop, loop.firm, self.now):
                self._stirred_at = self.now
            _due(loop, loop.looks, self.now)


def _clean(timers: list[tuple[float, int, Handle]]) -> bool:
    """Drop cancelled timers from the front; tell whether any is left."""
    while timers and timers[0][2]._cancelled:
        heapq.heappop(timers)
    return bool(timers)


def _due(loop: Loop, timers: list[tuple[float, int, Handle]], now: float) -> bool:
    found = False
    while timers and timers[0][0] <= now:
        loop.ready.append(heapq.heappop(timers)[2])
        found = True
    return found
