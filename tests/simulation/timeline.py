"""Time that nobody waits for: an event loop for each process of ours, and one clock that moves them all.

A process is a loop. What befalls it is done to the loop: a pause holds its callbacks back, death drops
them. Inside a process callbacks run in the order asyncio promises; between processes, chance decides.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from itertools import count
from math import ceil
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")

LOOK_S = 1.0
"""Our processes look for work at least this often; a timer as short as this is such a look."""

MOST_STEPS = 8_000
FOREVER = float("inf")


PART: contextvars.ContextVar[str] = contextvars.ContextVar("part", default="")
"""Which part of a process is at work, if it is one that looks for work; tasks hand it on to the tasks they begin."""


class NeverCalm(Exception):
    """The run does not end: something goes round and round."""


class Handle(asyncio.Handle):
    """A callback that waits for its turn."""

    __slots__ = ("at", "made_at", "part")

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
        self.made_at = 0.0
        self.part = ""

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
        self.looks: list[Handle] = []
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
        part = PART.get()
        if part and abs(when - self.timeline.now - LOOK_S) < 1e-9:
            handle.made_at, handle.part = self.timeline.now, part
            self.looks.append(handle)
        else:
            heapq.heappush(self.firm, (when, next(self.timeline.order), handle))
        return handle

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.dead:
            self.trouble.append(f"{context.get('message')}: {context.get('exception')!r}")

    async def sleep(self, seconds: float) -> None:
        """Wait, and not as a look for work."""
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
    """The one clock.

    Looks for work are left out while there is nothing to find: a part of a process looks again once there is news
    for it (`tell`), or when a row that says when comes due. `next_work()` tells when the next one does.
    """

    def __init__(self, random: Random) -> None:
        self.now = 0.0
        self.random = random
        self.order = count()
        self.loops: list[Loop] = []
        self.next_work: Callable[[], float] = lambda: FOREVER
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._news: dict[str, float] = {}
        self._news_for_all = 0.0
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

    def tell(self, parts: Iterable[str]) -> None:
        """Note that there may be something to find for some parts of our processes."""
        for part in parts:
            self._news[part] = self.now

    def tell_all(self) -> None:
        """Note that there may be something to find for everybody."""
        self._news_for_all = self.now

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
        able = [loop for loop in self.loops if not loop.held]
        look, looks = self._next_look(able)
        work = self.next_work()
        to = min(self._next_firm(able), look, work)
        if to == FOREVER:
            return False
        self.now = max(self.now, to)
        if to == work:
            self.tell_all()
        while self._events and self._events[0][0] <= self.now:
            heapq.heappop(self._events)[2]()
        for loop in able:
            while loop.firm and loop.firm[0][0] <= self.now:
                loop.ready.append(heapq.heappop(loop.firm)[2])
        if look <= self.now:
            for loop, handle in looks:
                if not loop.dead:
                    loop.looks.remove(handle)
                    loop.ready.append(handle)
        return True

    def _next_firm(self, able: Sequence[Loop]) -> float:
        times = [self._events[0][0]] if self._events else []
        times += [loop.firm[0][0] for loop in able if _clean(loop.firm)]
        return min(times, default=FOREVER)

    def _next_look(self, able: Sequence[Loop]) -> tuple[float, list[tuple[Loop, Handle]]]:
        """Return when somebody looks next who may find something, and whose looks those are."""
        first, looks = FOREVER, list[tuple[Loop, Handle]]()
        for loop in able:
            loop.looks = [handle for handle in loop.looks if not handle._cancelled]
            for handle in loop.looks:
                at = self._looks_at(handle)
                if at < first:
                    first, looks = at, []
                if at == first < FOREVER:
                    looks.append((loop, handle))
        return first, looks

    def _looks_at(self, handle: Handle) -> float:
        news = max(self._news.get(handle.part, 0.0), self._news_for_all)
        if handle.made_at > news:
            return FOREVER
        # One that was left out keeps its pace: it comes at the next full second after the news.
        return handle.at + max(0.0, ceil(news - handle.at)) * LOOK_S


def _clean(timers: list[tuple[float, int, Handle]]) -> bool:
    """Drop cancelled timers from the front; tell whether any is left."""
    while timers and timers[0][2]._cancelled:
        heapq.heappop(timers)
    return bool(timers)
