"""Ten planted bugs, each a mistake somebody has made, and more that show what each judge is for.

A bug is a wrong variant put in the place of the right one for as long as `planted` lasts; the program
itself has no switch for it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, delete, select, update

from bot import broadcast, firing, limiter, sender
from bot.channels.base import NotSent, Refused, SendError, TooManyRequests
from bot.channels.polling import Poller
from bot.channels.receiving import kept
from bot.channels.telegram.polling import Updates
from bot.dispatch import Dispatcher
from bot.firing import Firing
from bot.intake import Intake
from bot.limiter import Gate
from bot.sender import Sender
from bot.sending import Sending
from dialogue.text import Wording
from storage import attempts, audiences, broadcasts, claims, halts, inbox, schedules
from storage.attempts import Result
from storage.audiences import Page
from storage.broadcasts import Untold
from storage.claims import Round, Taken
from storage.inbox import Waiting
from storage.schema import broadcast as run_table
from storage.schema import delivery
from tests.simulation import process, way_in
from tests.simulation.platform import Platform

Swap = tuple[Any, str, Any]


@dataclass(frozen=True)
class Bug:
    """A wrong variant: what is put where, and which judge sees it."""

    name: str
    swaps: tuple[Swap, ...]
    seen_by: str


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Put the wrong variant in its place, and the right one back."""
    right = [(owner, name, getattr(owner, name)) for owner, name, _ in bug.swaps]
    try:
        for owner, name, wrong in bug.swaps:
            setattr(owner, name, wrong)
        yield
    finally:
        for owner, name, each in right:
            setattr(owner, name, each)


_claim, _record, _expire = claims.claim, attempts.record, attempts.expire_leases
_fire, _gate, _mark_told, _take_in = firing.fire, limiter._gate, broadcasts.mark_told, audiences.take_in


def _sent_at_claim(db: Connection, wanted: Round) -> Taken:
    taken = _claim(db, wanted)
    for message in taken.messages:
        db.execute(update(delivery).where(delivery.c.id == message.id).values(state="sent"))
    return taken


def _nothing_left_behind(db: Connection, *args: Any) -> int:
    return 0


def _record_unfenced(db: Connection, results: Sequence[Result]) -> list[bool]:
    """A late result counts like any other."""
    for result, counted in zip(results, _record(db, results), strict=True):
        if not counted:
            state = {"accepted": "sent", "unknown": "unknown", "refused": "failed"}[result.kind]
            db.execute(update(delivery).where(delivery.c.id == result.delivery_id).values(state=state))
    return [True for _ in results]


class _Blind(Sending):
    """What is unclear is sent again, as if it had surely not arrived."""

    def judged(self, error: SendError) -> Result:
        return super().judged(NotSent(error.reason) if error.ambiguous else error)


class _Pleased(Sending):
    """Any answer is a good one."""

    def judged(self, error: SendError) -> Result:
        return self.accepted() if isinstance(error, TooManyRequests) else super().judged(error)


class _DoneFirst(Dispatcher):
    """A row is done before its effect is made."""

    async def _run(self, rows: Sequence[Waiting]) -> None:
        await self._db.write(inbox.finish, [row.id for row in rows], at=self._desk.clock())
        await super()._run(rows)


_numbers = count()


@dataclass(frozen=True)
class _Forgetful(Intake):
    """Every update is a new one."""

    async def accept(
        self, channel: str, external_id: str, key: str, body: Mapping[str, Any], *, sent_at: datetime | None = None
    ) -> None:
        await super().accept(channel, external_id, f"{key}:{next(_numbers)}", body, sent_at=sent_at)


_highest: WeakKeyDictionary[Platform, int] = WeakKeyDictionary()


class _FromHighest(Updates):
    """Asks from the highest number ever kept, as if it were stored."""

    async def ask(self) -> list[Any]:
        line: Any = self._api
        highest = _highest.get(line.platform)
        self._offset = None if highest is None else highest + 1
        return await super().ask()

    def took(self, batch: list[Any]) -> None:
        super().took(batch)
        line: Any = self._api
        numbers = [raw["update_id"] for raw in batch]
        _highest[line.platform] = max(_highest.get(line.platform, 0), *numbers, 0)


def _fire_silently(db: Connection, due: Firing, wording: Wording, now: datetime) -> str | None:
    if (now - due.times[-1]).total_seconds() <= due.due.catch_up_s:
        return _fire(db, due, wording, now)
    outcomes = dict.fromkeys(due.times, schedules.SKIPPED)
    schedules.fire(db, due.due, outcomes, next_due_at=due.next_due_at, now=now)
    return None


class _Hasty(Poller):
    """An update is confirmed while it is still being kept."""

    async def _committed(self, batch: list[Any]) -> None:
        keeping = asyncio.ensure_future(kept(self._receiving, batch))
        keeping.add_done_callback(lambda task: None if task.cancelled() else task.exception())
        self._source.took(batch)


class _Lossy(Sending):
    """What is unclear has failed."""

    def judged(self, error: SendError) -> Result:
        return super().judged(Refused(error.reason) if error.ambiguous else error)


class _Greedy(Sender):
    """Takes a window more with every look."""

    def _wanted(self, ended: Counter[str]) -> Round | None:
        self._under_way.clear()
        return super()._wanted(ended)


class _DeafToStop(claims._Taking):
    """Who said stop after the audience was frozen is written to."""

    def _decide(self, row: Any, run: Any) -> None:
        super()._decide(row._replace(stopped=False), run)


def _wide_gate(rate_per_s: float | None, at: float) -> Gate:
    return _gate(rate_per_s and 2 * rate_per_s, at)


def _no_halts(db: Connection) -> dict[str, datetime]:
    return {}


def _told_twice(db: Connection, untold: Untold, *, at: datetime) -> bool:
    told_once = db.scalar(select(run_table.c.failed_reason).where(run_table.c.id == untold.id)) == "told"
    if told_once:
        return _mark_told(db, untold, at=at)
    db.execute(update(run_table).where(run_table.c.id == untold.id).values(failed_reason="told"))
    return True


def _expire_all(db: Connection, now: datetime, repeatable: Sequence[str] = ()) -> int:
    return _expire(db, now + timedelta(seconds=85), repeatable)


def _cursor_first(db: Connection, page: Page) -> int:
    """How far it came is noted, the last of the people are not."""
    taken_in = _take_in(db, page)
    newest = select(delivery.c.id).where(delivery.c.broadcast_id == page.broadcast_id)
    last = db.scalar(newest.order_by(delivery.c.id.desc()).limit(1))
    db.execute(delete(delivery).where(delivery.c.id == last))
    return taken_in


BUGS: tuple[Bug, ...] = (
    Bug("checkpoint at fetch", ((claims, "claim", _sent_at_claim),), "sent_is_received"),
    Bug(
        "no rescue",
        ((attempts, "adopt_orphans", _nothing_left_behind), (attempts, "expire_leases", _nothing_left_behind)),
        "final_states",
    ),
    Bug("no fence", ((attempts, "record", _record_unfenced),), "final_is_final"),
    Bug("blind retry", ((sender, "Sending", _Blind),), "copies_are_explained"),
    Bug("429 as sent", ((sender, "Sending", _Pleased),), "sent_is_received"),
    Bug("short lease", ((sender, "LEASE_S", 5.0),), "leases_are_respected"),
    Bug("done before effect", ((process, "Dispatcher", _DoneFirst),), "one_effect"),
    Bug("no dedupe", ((process, "Intake", _Forgetful),), "one_effect"),
    Bug("offset from maximum", ((way_in, "Updates", _FromHighest),), "one_effect"),
    Bug("silent misfire", ((broadcast, "fire", _fire_silently),), "due_times_fire_once"),
)

FURTHER_BUGS: tuple[Bug, ...] = (
    Bug("confirmed before kept", ((way_in, "Poller", _Hasty),), "one_effect"),
    Bug("unclear as failed", ((sender, "Sending", _Lossy),), "received_is_known"),
    Bug("no window", ((process, "Sender", _Greedy),), "window_is_kept"),
    Bug("stop looked at once", ((claims, "_Taking", _DeafToStop),), "stopped_gets_nothing"),
    Bug("twice the rate", ((limiter, "_gate", _wide_gate),), "rate_is_kept"),
    Bug("a wait forgotten", ((halts, "load", _no_halts),), "waits_are_kept"),
    Bug("told twice", ((broadcasts, "mark_told", _told_twice),), "owner_is_told"),
    Bug("a part of the audience", ((audiences, "take_in", _cursor_first),), "audience_is_whole"),
    Bug("a lease that hurries", ((attempts, "expire_leases", _expire_all),), "doubt_is_bounded"),
)
