"""Ten planted bugs, each a mistake somebody has made: the simulation must see every one of them.

A bug is a wrong variant put in the place of the right one for as long as `planted` lasts; the program
itself has no switch for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, update

from bot import broadcast, sender
from bot.channels.base import NotSent, SendError, TooManyRequests
from bot.channels.telegram.polling import Poller
from bot.dispatch import Dispatcher
from bot.firing import Firing
from bot.intake import Intake
from bot.sending import Sending
from dialogue.text import Wording
from storage import attempts, claims, inbox, schedules
from storage.attempts import Result
from storage.claims import Round, Taken
from storage.inbox import Waiting
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


_claim, _record, _fire = claims.claim, attempts.record, broadcast.fire


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


class _FromHighest(Poller):
    """Asks from the highest number ever kept, as if it were stored."""

    async def _next(self, offset: int | None) -> list[Any] | None:
        line: Any = self._api
        highest = _highest.get(line.platform)
        return await super()._next(None if highest is None else highest + 1)

    async def _committed(self, batch: list[Any]) -> int | None:
        offset = await super()._committed(batch)
        line: Any = self._api
        numbers = [raw["update_id"] for raw in batch]
        _highest[line.platform] = max(_highest.get(line.platform, 0), *numbers, 0)
        return offset


def _fire_silently(db: Connection, firing: Firing, wording: Wording, now: datetime) -> str | None:
    if (now - firing.times[-1]).total_seconds() <= firing.due.catch_up_s:
        return _fire(db, firing, wording, now)
    outcomes = dict.fromkeys(firing.times, schedules.SKIPPED)
    schedules.fire(db, firing.due, outcomes, next_due_at=firing.next_due_at, now=now)
    return None


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
    Bug("short lease", ((sender, "LEASE_S", 5.0),), "doubt_is_bounded"),
    Bug("done before effect", ((process, "Dispatcher", _DoneFirst),), "one_effect"),
    Bug("no dedupe", ((process, "Intake", _Forgetful),), "one_effect"),
    Bug("offset from maximum", ((way_in, "Poller", _FromHighest),), "one_effect"),
    Bug("silent misfire", ((broadcast, "fire", _fire_silently),), "due_times_fire_once"),
)
