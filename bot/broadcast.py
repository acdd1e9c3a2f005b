"""Due schedules become broadcasts, broadcasts become deliveries, and their end is told to their owner.

Every step is a transaction of its own that can be repeated after a kill; several processes may tick.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot import telling
from bot.due import BadRule, next_due
from dialogue.messages import Lines, Phrase, Reply, Say, opening
from dialogue.text import Wording
from storage import broadcasts, deliveries, schedules
from storage.broadcasts import Todo, Untold
from storage.database import Connection, Database
from storage.schedules import FIRED, SKIPPED, Due

log = structlog.get_logger()


class Broadcasts:
    """Takes every broadcast its next step further with each `tick`. `on_outgoing` wakes the sender."""

    def __init__(
        self, db: Database, wording: Wording, *, now: Callable[[], datetime], on_outgoing: Callable[[], None]
    ) -> None:
        self._db = db
        self._wording = wording
        self._now = now
        self._on_outgoing = on_outgoing

    async def tick(self) -> None:
        """Do what is due now. One item that fails is logged and keeps nobody else waiting."""
        try:
            await self._plan()
            await self._fire()
            await self._go_on(await self._db.read(broadcasts.todo))
        except Exception:
            # The boundary of the tick: the next one tries again a second later.
            log.exception("tick_failed")

    async def _plan(self) -> None:
        for schedule in await self._db.read(schedules.unplanned):
            await self._db.write(schedules.plan, schedule.id, self._next_due(schedule.rule, self._now()))

    async def _fire(self) -> None:
        """Fire or skip each due time by itself, so that none is passed over in silence."""
        for due in await self._db.read(schedules.due, self._now()):
            try:
                next_due_at = self._next_due(due.rule, due.due_at)
                outcome = await self._db.write(fire, due, next_due_at, self._wording, self._now())
            except Exception:
                log.exception("firing_failed", schedule_id=due.schedule_id)
                continue
            if outcome is not None:
                log.info("schedule_fired", schedule_id=due.schedule_id, outcome=outcome)
                self._on_outgoing()

    def _next_due(self, rule: str, after: datetime) -> datetime | None:
        try:
            return next_due(rule, after)
        except BadRule:
            log.error("schedule_unreadable", rule=rule)
            return None

    async def _go_on(self, todo: Todo) -> None:
        for broadcast_id in todo.freezing:
            while not await self._db.write(broadcasts.freeze_page, broadcast_id, at=self._now()):
                pass
            self._on_outgoing()
        for broadcast_id in todo.cancelled:
            await self._db.write(broadcasts.sweep_cancelled, broadcast_id, at=self._now())
        for broadcast_id in todo.finished:
            await self._db.write(broadcasts.settle, broadcast_id, at=self._now())
        for untold in todo.untold:
            if await self._db.write(tell_end, untold, self._wording, self._now()):
                self._on_outgoing()


def fire(db: Connection, due: Due, next_due_at: datetime | None, wording: Wording, now: datetime) -> str | None:
    """Turn a due time into a broadcast, or skip it if it is too late and say so; return the outcome.

    None if another process was first.
    """
    is_late = now - due.due_at > timedelta(seconds=due.catch_up_s)
    outcome = SKIPPED if is_late else FIRED
    firing_id = schedules.fire(db, due, next_due_at=next_due_at, outcome=outcome, now=now)
    if firing_id is None:
        return None
    if is_late:
        values: dict[str, Phrase] = {"code": due.code, "due": due.due_at}
        button = opening("broadcasts", Say("broadcasts.open"), campaign=due.campaign_id)
        _tell(db, wording, due.owner_id, Reply((Say("broadcast.skipped", values),), (button,)), now)
    else:
        broadcasts.start(db, due.campaign_id, firing_id, at=now)
    return outcome


def tell_end(db: Connection, untold: Untold, wording: Wording, now: datetime) -> bool:
    """Tell the owner that a broadcast ended or paused by itself, once; False if she knows already."""
    if not broadcasts.mark_told(db, untold, at=now):
        return False
    button = opening("broadcasts", Say("broadcasts.open"), campaign=untold.campaign_id)
    _tell(db, wording, untold.owner_id, Reply(_account(db, untold, wording), (button,)), now)
    return True


def _account(db: Connection, untold: Untold, wording: Wording) -> tuple[Say, ...]:
    counts = deliveries.counts(db, untold.id)
    states = Lines(tuple(Say(f"broadcast.state.{state}", {"count": n}) for state, n in counts.items() if n))
    values: dict[str, Phrase] = {"code": untold.code, "total": sum(counts.values()), "states": states}
    head = Say(f"broadcast.account.{untold.state}", values)
    if untold.state != "paused":
        return (head,)
    return (head, reason_in_words(untold.reason or "", wording))


def reason_in_words(reason: str, wording: Wording) -> Say:
    """Return why a broadcast paused by itself, in plain words where there are some for it."""
    key = f"broadcast.reason.{reason}"
    return Say(key) if wording.has(key) else Say("broadcast.other_reason", {"reason": reason})


def _tell(db: Connection, wording: Wording, contact_id: int, said: Reply, now: datetime) -> None:
    if telling.is_wanted(db, contact_id, said):
        deliveries.enqueue(db, [telling.notice(db, wording, contact_id, said, at=now)], at=now)
