"""Take ready deliveries for sending, replies before broadcasts, and check once more that each may go.

One call is one transaction; `sending` is committed before any request leaves. Safe with many claimers:
a row is taken only while it is `ready`, and what the claimer may do with it later is fenced by
(id, owner, attempt).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from dialogue.quiet import NEVER_QUIET, QuietHours
from storage.claim_statements import DUE, POSTPONE, RUNS, SETTLE, TAKE, replies, to_many
from storage.deliveries import BROADCASTS


@dataclass(frozen=True, slots=True)
class Rules:
    """What messages nobody asked for must keep to. Alerts pass them, since only danger to life makes one."""

    quiet: QuietHours = NEVER_QUIET
    daily_cap: int | None = None


NO_RULES = Rules()

LOOK, LOOK_WHILE_SHUT = 200, 20_000
"""Waiting messages of a run looked through for those of a channel that has room, where another has none: far when that
one is shut for long, else not, since its messages move on by themselves."""

RUNS_A_ROUND = 61
"""So many broadcasts are asked for their next messages in one round, some ten milliseconds of the writer's time. A
prime: rounds step through any number of runs by it without keeping to the same few."""


@dataclass(frozen=True, slots=True)
class Round:
    """One look for work. `replies` and `broadcasts` give the free slots of every running channel, 0 included.

    `turn` rises with every round; among broadcasts it decides who comes first. `resting` holds the addresses, as
    (channel, external id), that may not be written to right now. A reply written for a channel at home goes on none of
    those `abroad`: it was put into words for there.
    """

    owner: str
    now: datetime
    lease_until: datetime
    replies: Mapping[str, int]
    broadcasts: Mapping[str, int]
    rules: Rules = NO_RULES
    turn: int = 0
    resting: Collection[tuple[str, str]] = ()
    abroad: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What a broadcast says: texts by language, the first being the base, and perhaps a received photo's SHA-256."""

    id: int
    texts: Mapping[str, str]
    photo: str | None
    code: str = ""
    sort: str = "broadcast"


class Claimed(NamedTuple):
    """A message in `sending`: ours until the lease ends. A reply has a `body`, a broadcast has a `run`.

    `name` is what the person is called, if we know; `doubts` counts earlier attempts that may have arrived; `edits`
    holds the provider's ids of the message that this one changes.
    """

    id: int
    attempt: int
    tries: int
    contact_id: int
    address_id: int
    channel: str
    external_id: str
    language: str
    lane: int
    sort: str
    body: Mapping[str, Any] | None
    name: str | None = None
    doubts: int = 0
    run: Run | None = None
    edits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """What a round brought: messages to send, and how many rows were settled because they may not go any more.

    `unasked` counts the broadcasts that have something due and were left to later rounds.
    """

    messages: list[Claimed]
    settled: int = 0
    unasked: int = 0


NOTHING_TAKEN = Taken([])


def claim(db: Connection, wanted: Round) -> Taken:
    """Take what may go now within the free slots, oldest first; rows that may not go any more are settled.

    Per person one message is under way, replies in the order they were written. Nothing is taken while
    the installation is on hold.
    """
    (due,) = DUE.rows(db, wanted.now)
    if due.hold:
        return NOTHING_TAKEN
    taking = _Taking(db, wanted, free=dict(wanted.replies), has_notices=bool(due.notices))
    if due.replies and any(wanted.replies.values()):
        taking.replies()
    if any(wanted.broadcasts.values()):
        taking.broadcasts()
    return taking.write()


@dataclass(slots=True)
class _Taking:
    """The work of one round, collected to be written together."""

    db: Connection
    wanted: Round
    free: dict[str, int] = field(default_factory=dict)
    taken: list[Claimed] = field(default_factory=list)
    settled: list[tuple[Any, ...]] = field(default_factory=list)
    later: list[tuple[Any, ...]] = field(default_factory=list)
    people: set[int] = field(default_factory=set)
    unasked: int = 0
    has_notices: bool = True

    def replies(self) -> None:
        """Take replies."""
        query = replies(*self._channels())
        for row in query.rows(self.db, self.wanted.now, self._most(sum(self.free.values()))):
            self._decide(row, None)

    def broadcasts(self) -> None:
        """Take what goes to many: a share for each broadcast in turn, what is left over for who comes first."""
        used = {name: count - self.free.get(name, count) for name, count in self.wanted.replies.items()}
        self.free = {name: max(0, count - used.get(name, 0)) for name, count in self.wanted.broadcasts.items()}
        runs = list(self._runs())
        while runs and (left := sum(self.free.values())):
            share = -(-left // len(runs))
            runs = [run for run in runs if self._take_share(run, share)]

    def _runs(self) -> Iterator[Run | None]:
        quiet = self.wanted.rules.quiet.end_of_quiet(self.wanted.now) is not None
        found = [row for row in RUNS.rows(self.db, self.wanted.now) if not quiet or row.sort == "alert"]
        self.unasked = max(0, len(found) - RUNS_A_ROUND)
        step = RUNS_A_ROUND if self.unasked else 1
        at = self.wanted.turn * step % len(found) if found else 0
        for row in (*found[at:], *found[:at])[:RUNS_A_ROUND]:
            yield Run(row.id, _json(row.texts), *row[2:])
        if not quiet and self.has_notices:
            yield None

    def _take_share(self, run: Run | None, share: int) -> bool:
        """Take up to `share` messages of a run; False once it has nothing more for this round."""
        most = min(share, sum(self.free.values()))
        capped = self.wanted.rules.daily_cap is not None
        query = to_many(*self._channels(), of_run=run is not None, capped=capped)
        look = len(self.people) + (LOOK if all(self.wanted.replies.values()) else LOOK_WHILE_SHUT)
        values = (self.wanted.now, self._most(most + len(self.people)), self._midnight(), look)
        rows = query.rows(self.db, *values, run.id if run is not None else None)
        before = len(self.taken)
        for row in rows:
            if len(self.taken) - before < most:
                self._decide(row, run)
        return len(self.taken) > before and len(rows) >= most

    def _decide(self, row: Any, run: Run | None) -> None:
        if row.contact_id in self.people:
            return
        self.people.add(row.contact_id)
        to_many = row.lane == BROADCASTS and row.sort != "alert"
        cap = self.wanted.rules.daily_cap
        if row.erased and (to_many or not row.is_answer):
            # Who was erased gets nothing but answers to what she writes, the last one being that she is.
            self._settle(row.id, "cancelled", "erased")
        elif to_many and row.stopped:
            self._settle(row.id, "skipped", "stopped")
        elif row.address_id is None:
            self._settle(row.id, "failed", "no_address")
        elif row.edits_id is not None and not _is_there(row):
            self._settle(row.id, "cancelled", "nothing_to_edit")
        elif (row.channel, row.external_id) in self.wanted.resting:
            return
        elif to_many and cap is not None and row.sent_today >= cap:
            self.later.append((row.id, self._tomorrow()))
        elif self.free.get(row.channel, 0) > 0:
            self.free[row.channel] -= 1
            self.taken.append(_claimed(row, run))

    def _settle(self, row_id: int, state: str, reason: str) -> None:
        self.settled.append((row_id, state, reason, self.wanted.now))

    def _channels(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        free = tuple(name for name, count in self.free.items() if count > 0)
        return tuple(self.free), free, self.wanted.abroad

    def _most(self, most: int) -> int:
        # Some rows fall out below (full channel, resting, asked to stop), so look a little further than the slots.
        return most + 2 + min(len(self.wanted.resting), 64)

    def _midnight(self) -> datetime:
        local = self.wanted.now.astimezone(self.wanted.rules.quiet.zone)
        return datetime.combine(local.date(), time(), local.tzinfo)

    def _tomorrow(self) -> datetime:
        midnight = self._midnight() + timedelta(days=1)
        return self.wanted.rules.quiet.end_of_quiet(midnight) or midnight

    def write(self) -> Taken:
        """Write the decisions and return what was taken."""
        if self.settled:
            SETTLE.rows(self.db, self.settled)
        if self.later:
            POSTPONE.rows(self.db, self.later)
        if self.taken:
            owner, lease = self.wanted.owner, self.wanted.lease_until
            TAKE.rows(self.db, [(each.id, owner, lease, each.address_id) for each in self.taken])
        return Taken(self.taken, len(self.settled) + len(self.later), self.unasked)


def _claimed(row: Any, run: Run | None) -> Claimed:
    body = _json(row.body) if row.body is not None else None
    edits = tuple(row.target_message_id.split()) if row.edits_id is not None else ()
    return Claimed(
        id=row.id,
        attempt=row.attempt + 1,
        tries=row.tries,
        contact_id=row.contact_id,
        address_id=row.address_id,
        channel=row.channel,
        external_id=row.external_id,
        language=row.language,
        lane=row.lane,
        sort=row.sort,
        body=body,
        name=row.name,
        doubts=row.doubts,
        run=run,
        edits=edits,
    )


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str | bytes) else value


def _is_there(row: Any) -> bool:
    """Tell whether the message that a row changes arrived, and at the address the row would go to."""
    return bool(row.target_message_id) and row.target_address_id == row.address_id
