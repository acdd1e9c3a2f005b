"""What the tick does: due schedules become broadcasts, broadcasts become deliveries, and their end is told.

Every step is a transaction of its own that can be repeated after a kill; several processes may tick.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

import structlog

from bot import telling
from bot.beginning import look_at
from bot.firing import Firing, fire, firings, plan
from bot.progress import Progress
from dialogue.messages import Capabilities, Lines, Phrase, Reply, Say, opening
from dialogue.text import Wording
from storage import broadcasts, deliveries, schedules
from storage.broadcasts import LEAST_PAGE, MOST_PAGE, PAGE, SWEEP_PAGE, Todo, Untold
from storage.database import Connection, Database, NotKept, savepoint

LOOKED_AT = 200
TOGETHER = 20
"""Small steps that share a commit: enough to hide its cost, few enough that others need not wait long."""

PAGE_S = 0.025
"""How long a page of an audience may keep the writer."""

LOOK_AGAIN_S = 1.0
"""After so long at large audiences a look at what else is due."""

log = structlog.get_logger()
T = TypeVar("T")


class Broadcasts:
    """Takes every broadcast its next step further with each `tick`. `on_outgoing` wakes the sender.

    `channels` are those in use: a run whose text no longer fits one of them does not begin.
    """

    def __init__(
        self,
        db: Database,
        wording: Wording,
        *,
        now: Callable[[], datetime],
        on_outgoing: Callable[[], None],
        channels: Mapping[str, Capabilities] = MappingProxyType({}),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._wording = wording
        self._now = now
        self._monotonic = monotonic
        self._on_outgoing = on_outgoing
        self._channels = tuple(channels.values())
        editable = [name for name, each in channels.items() if each.edits_messages]
        self._progress = Progress(db, wording, now=now, channels=editable)
        self._page = PAGE

    async def tick(self) -> None:
        """Do what is due now. One item that fails is logged and keeps nobody else waiting."""
        try:
            await self._plan()
            await self._fire()
            await self._go_on(await self._db.read(broadcasts.todo))
            if await self._progress.step():
                self._on_outgoing()
        except Exception:
            # The boundary of the tick: the next one tries again a second later.
            log.exception("tick_failed")

    async def _plan(self) -> None:
        for schedule in await self._db.read(schedules.unplanned):
            await self._db.write(plan, schedule, self._wording, self._now())

    async def _fire(self) -> None:
        """Fire or skip what is due, in the order of time; one that fails is left for the next tick."""
        after = None
        while due := await self._db.read(firings, self._now(), most=LOOKED_AT, after=after):
            outcomes = await self._together("firing", due, lambda each: self._db.write_each(self._fire_each, each))
            if any(outcomes):
                self._on_outgoing()
            after = due[-1].due.due_at, due[-1].due.schedule_id

    def _fire_each(self, db: Connection, due: Sequence[Firing]) -> list[str | None]:
        return [fire(db, each, self._wording, self._now()) for each in due]

    async def _together(self, step: str, items: Sequence[T], work: Callable[[T], Awaitable[Any]]) -> list[Any]:
        """Do a step of each item, some of them in one commit; None stands for one that failed."""
        results: list[Any] = []
        for at in range(0, len(items), TOGETHER):
            some = items[at : at + TOGETHER]
            results += await asyncio.gather(*(work(item) for item in some), return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                log.error("step_failed", step=step, exc_info=result)
        return [None if isinstance(result, BaseException) else result for result in results]

    async def _go_on(self, todo: Todo) -> None:
        await self._freeze(await self._ready(todo.freezing))
        for broadcast_id in todo.cancelled:
            while await self._db.write(broadcasts.sweep_page, broadcast_id, at=self._now()) == SWEEP_PAGE:
                pass
        await self._each("sweeping", todo.cancelled, broadcasts.sweep_cancelled)
        await self._each("settling", todo.finished, broadcasts.settle)
        told = await self._together(
            "telling", todo.untold, lambda each: self._db.write(tell_end, each, self._wording, self._now())
        )
        if any(told):
            self._on_outgoing()

    async def _each(self, step: str, ids: Sequence[int], work: Callable[..., bool]) -> None:
        await self._together(step, ids, lambda each: self._db.write(work, each, at=self._now()))

    async def _ready(self, ids: Sequence[int]) -> list[int]:
        """Return the runs that may begin or go on; those that may not are paused with the reason."""
        looked = await self._db.read(look_at, ids, self._wording, self._channels)
        for broadcast_id, reason in looked.refused.items():
            await self._db.write(broadcasts.pause_for, broadcast_id, reason)
        return [each for each in ids if each not in looked.waiting and each not in looked.refused]

    async def _freeze(self, ids: Iterable[int]) -> None:
        """Freeze audiences in turns of a page, so that a small one need not wait for a large one."""
        looked_at = self._monotonic()
        waiting = deque(ids)
        while waiting:
            done = await self._db.write(self._freeze_some, tuple(waiting))
            for broadcast_id, is_done in done.items():
                waiting.remove(broadcast_id)
                if is_done is False:
                    waiting.append(broadcast_id)
            if any(done.values()):
                self._on_outgoing()
            if waiting and self._monotonic() - looked_at > LOOK_AGAIN_S:
                await self._fire()
                looked_at = self._monotonic()

    def _freeze_some(self, db: Connection, ids: Sequence[int]) -> dict[int, bool | None]:
        """Freeze a page of as many runs as the writer has time for; tell which of them are complete.

        None stands for one that failed: it is left for the next tick.
        """
        done: dict[int, bool | None] = {}
        began = self._monotonic()
        for broadcast_id in ids:
            done[broadcast_id] = self._freeze_page(db, broadcast_id)
            if self._monotonic() - began > PAGE_S:
                break
        return done

    def _freeze_page(self, db: Connection, broadcast_id: int) -> bool | None:
        """Freeze a page, and make the next one longer or shorter by the time it took."""
        began = self._monotonic()
        try:
            with savepoint(db):
                is_done = broadcasts.freeze_page(db, broadcast_id, at=self._now(), page=self._page)
        except NotKept:
            raise
        except Exception:
            log.exception("step_failed", step="freezing")
            return None
        took_s = self._monotonic() - began
        if not is_done and took_s > 0:
            fitting = self._page * min(2.0, max(0.5, PAGE_S / took_s))
            self._page = int(min(MOST_PAGE, max(LEAST_PAGE, fitting)))
        return is_done


def tell_end(db: Connection, untold: Untold, wording: Wording, now: datetime) -> bool:
    """Tell the owner that a broadcast ended or paused by itself, once; False if she knows already."""
    if not broadcasts.mark_told(db, untold, at=now):
        return False
    button = opening("broadcasts", Say("broadcasts.open"), campaign=untold.campaign_id)
    telling.tell(db, wording, untold.owner_id, Reply(_account(db, untold, wording), (button,)), at=now)
    return True


def _account(db: Connection, untold: Untold, wording: Wording) -> tuple[Say, ...]:
    counts = deliveries.counts(db, untold.id)
    states = Lines(tuple(Say(f"broadcast.state.{state}", {"count": n}) for state, n in counts.items() if n))
    values: dict[str, Phrase] = {"code": untold.code, "total": sum(counts.values()), "states": states}
    head = Say(f"broadcast.account.{untold.state}", values)
    if untold.state != "paused":
        return (head,)
    if not values["total"]:
        head = Say("broadcast.account.not_begun", {"code": untold.code})
    return (head, reason_in_words(untold.reason or "", wording))


def reason_in_words(reason: str, wording: Wording) -> Say:
    """Return why a broadcast paused by itself, in plain words where there are some for it."""
    key = f"broadcast.reason.{reason}"
    return Say(key) if wording.has(key) else Say("broadcast.other_reason", {"reason": reason})
