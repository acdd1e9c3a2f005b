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
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Update,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    update,
)

from dialogue.quiet import NEVER_QUIET, QuietHours
from storage.deliveries import BROADCASTS, REPLIES
from storage.prepared import Reading, Writing
from storage.schema import address, attachment, broadcast, campaign, contact, delivery, installation


@dataclass(frozen=True, slots=True)
class Rules:
    """What messages nobody asked for must keep to. Alerts pass them, since only danger to life makes one."""

    quiet: QuietHours = NEVER_QUIET
    daily_cap: int | None = None


NO_RULES = Rules()

LOOK, LOOK_WHILE_SHUT = 200, 20_000
"""Waiting messages of a run looked through for those of a channel that has room, where another has none: far when that
one is shut for long, else not, since its messages move on by themselves."""


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


@dataclass(frozen=True, slots=True)
class Run:
    """What a broadcast says: texts by language, the first being the base, and perhaps a received photo's SHA-256."""

    id: int
    texts: Mapping[str, str]
    photo: str | None
    code: str = ""
    sort: str = "broadcast"


@dataclass(frozen=True, slots=True)
class Claimed:
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
    """What a round brought: messages to send, and how many rows were settled because they may not go any more."""

    messages: list[Claimed]
    settled: int = 0


NOTHING_TAKEN = Taken([])


def claim(db: Connection, wanted: Round) -> Taken:
    """Take what may go now within the free slots, oldest first; rows that may not go any more are settled.

    Per person one message is under way, replies in the order they were written. Nothing is taken while
    the installation is on hold.
    """
    if any(hold for (hold,) in _HOLD.rows(db)):
        return NOTHING_TAKEN
    taking = _Taking(db, wanted)
    if any(wanted.replies.values()):
        taking.replies()
    if any(wanted.broadcasts.values()):
        taking.broadcasts()
    return taking.write()


# Written out, not bound: SQLite uses a partial index only where the query repeats its condition. Where a bound value
# might repeat it, the whole statement is planned anew each time one is given: 0.1 ms, ten times what it takes.
_READY: ColumnElement[Any] = literal_column("'ready'")
_SENDING: ColumnElement[Any] = literal_column("'sending'")
_BROADCASTS: ColumnElement[Any] = literal_column(str(BROADCASTS))
_REPLIES: ColumnElement[Any] = literal_column(str(REPLIES))

_live = address.alias("live")
_other = delivery.alias("other")
_today = delivery.alias("today")
_target = delivery.alias("target")


def _open(table: Any) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = table.c.state.in_([_READY, _SENDING])
    return condition


_NOW = bindparam("now", type_=delivery.c.due_at.type)
_MOST = bindparam("most", type_=delivery.c.tries.type)
_BEHIND_ANOTHER = exists().where(
    _other.c.contact_id == delivery.c.contact_id,
    _open(_other),
    _other.c.lane == _REPLIES,
    _other.c.id != delivery.c.id,
    # A repeated alert waits half a minute, an edit for its next try; nothing else has to wait with them.
    or_(
        _other.c.state == _SENDING,
        and_(_other.c.id < delivery.c.id, _other.c.sort != "alert", _other.c.edits_id.is_(None)),
    ),
)
_UNDER_WAY = exists().where(_other.c.contact_id == delivery.c.contact_id, _open(_other), _other.c.state == _SENDING)
_SENT_TODAY = (
    select(func.count())
    .where(
        _today.c.contact_id == delivery.c.contact_id,
        _today.c.lane == _BROADCASTS,
        _today.c.settled_at >= bindparam("midnight", type_=delivery.c.settled_at.type),
        _today.c.state.in_([literal_column("'sent'"), literal_column("'unknown'")]),
    )
    .scalar_subquery()
)


def _one_of(column: Any, names: tuple[str, ...]) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = column.in_([literal(name) for name in names]) if names else false()
    return condition


def _may_read_there(abroad: tuple[str, ...]) -> ColumnElement[bool]:
    """Tell whether `_live` may get what was written for another address of hers."""
    if not abroad:
        return true()
    meant = address.alias("meant")
    for_abroad = exists().where(meant.c.id == delivery.c.address_id, _one_of(meant.c.channel, abroad))
    for_abroad = for_abroad.correlate(delivery)
    is_free = or_(delivery.c.address_id.is_(None), delivery.c.broadcast_id.is_not(None))
    return or_(is_free, ~_one_of(_live.c.channel, abroad), for_abroad)


def _has_address(abroad: tuple[str, ...]) -> ColumnElement[bool]:
    hers = (_live.c.contact_id == delivery.c.contact_id, _live.c.state == "live")
    return exists().where(*hers, _may_read_there(abroad))


def _rows(running: tuple[str, ...], abroad: tuple[str, ...]) -> Select[Any]:
    """What may be due, each with the address it would go to: the one given, else her newest on a running channel."""
    own = (
        _live.c.contact_id == delivery.c.contact_id,
        _live.c.state == "live",
        _one_of(_live.c.channel, running),
    )
    given = select(_live.c.id).where(_live.c.id == delivery.c.address_id, *own).scalar_subquery()
    # What must stay between us goes only where she wrote from: another phone may be in other hands.
    elsewhere = (delivery.c.restricted.is_(False), _may_read_there(abroad))
    newest = select(func.max(_live.c.id)).where(*own, *elsewhere).scalar_subquery()
    return (
        select(
            delivery.c.id,
            delivery.c.attempt,
            delivery.c.tries,
            delivery.c.contact_id,
            address.c.id.label("address_id"),
            address.c.channel,
            address.c.external_id,
            contact.c.language,
            delivery.c.lane,
            delivery.c.sort,
            delivery.c.body,
            contact.c.name,
            delivery.c.doubts,
            contact.c.stopped_at.is_not(None).label("stopped"),
            contact.c.erased_at.is_not(None).label("erased"),
            delivery.c.address_id.is_not(None).label("is_answer"),
            delivery.c.edits_id,
            _target.c.address_id.label("target_address_id"),
            _target.c.message_id.label("target_message_id"),
        )
        .join(contact, contact.c.id == delivery.c.contact_id)
        .outerjoin(address, address.c.id == func.coalesce(given, newest))
        .outerjoin(_target, _target.c.id == delivery.c.edits_id)
        .where(delivery.c.state == _READY, delivery.c.due_at <= _NOW)
        .order_by(delivery.c.due_at, delivery.c.id)
        .limit(_MOST)
    )


@lru_cache(maxsize=256)
def _replies(running: tuple[str, ...], free: tuple[str, ...], abroad: tuple[str, ...]) -> Reading:
    query = _rows(running, abroad).where(
        delivery.c.lane == _REPLIES,
        delivery.c.broadcast_id.is_(None),
        ~_BEHIND_ANOTHER,
        # Someone whose channel is switched off today waits; someone without any address does not.
        or_(_one_of(address.c.channel, free), and_(address.c.id.is_(None), ~_has_address(abroad))),
    )
    return Reading(query, ("now", "most"))


_LOOK = bindparam("look", type_=delivery.c.tries.type)


@lru_cache(maxsize=256)
def _to_many(running: tuple[str, ...], free: tuple[str, ...], abroad: tuple[str, ...], *, of_run: bool) -> Reading:
    run: ColumnElement[bool] = delivery.c.broadcast_id.is_(None)
    if of_run:
        run = delivery.c.broadcast_id == bindparam("run", type_=delivery.c.id.type)
    can_go = or_(_one_of(address.c.channel, free), address.c.id.is_(None))
    query = _rows(running, abroad).add_columns(_SENT_TODAY.label("sent_today"))
    query = query.where(delivery.c.lane == _BROADCASTS, run, ~_UNDER_WAY, can_go)
    if len(free) < len(running):
        # Few rows may be of a free channel: a look at all that wait would take longer the more there are.
        first = select(delivery.c.id).where(
            delivery.c.state == _READY, delivery.c.lane == _BROADCASTS, run, delivery.c.due_at <= _NOW
        )
        query = query.where(delivery.c.id.in_(first.order_by(delivery.c.due_at, delivery.c.id).limit(_LOOK)))
    return Reading(query, ("now", "most", "midnight", "look", "run"))


_HOLD = Reading(select(installation.c.hold))
_RUNS = Reading(
    select(broadcast.c.id, broadcast.c.texts, attachment.c.received_sha256, campaign.c.code, campaign.c.sort)
    .join(campaign, campaign.c.id == broadcast.c.campaign_id)
    .outerjoin(attachment, attachment.c.id == broadcast.c.attachment_id)
    .where(
        broadcast.c.state == "running",
        broadcast.c.told_at.is_(None),
        exists().where(
            delivery.c.lane == _BROADCASTS,
            delivery.c.broadcast_id == broadcast.c.id,
            delivery.c.state == _READY,
            delivery.c.due_at <= _NOW,
        ),
    )
    .order_by(broadcast.c.id),
    ("now",),
)


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

    def replies(self) -> None:
        """Take replies."""
        self.free = dict(self.wanted.replies)
        query = _replies(*self._channels())
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
        found = _RUNS.rows(self.db, self.wanted.now)
        at = self.wanted.turn % len(found) if found else 0
        for row in (*found[at:], *found[:at]):
            if not quiet or row.sort == "alert":
                yield Run(row.id, _json(row.texts), *row[2:])
        if not quiet:
            yield None

    def _take_share(self, run: Run | None, share: int) -> bool:
        """Take up to `share` messages of a run; False once it has nothing more for this round."""
        most = min(share, sum(self.free.values()))
        query = _to_many(*self._channels(), of_run=run is not None)
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
            _SETTLE.rows(self.db, self.settled)
        if self.later:
            _POSTPONE.rows(self.db, self.later)
        if self.taken:
            owner, lease = self.wanted.owner, self.wanted.lease_until
            _TAKE.rows(self.db, [(each.id, owner, lease, each.address_id) for each in self.taken])
        return Taken(self.taken, len(self.settled) + len(self.later))


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


def _still_ready(given: Any) -> Update:
    return update(delivery).where(delivery.c.id == given.c.row, delivery.c.state == _READY)


_ID, _WORD, _INSTANT = delivery.c.id.type, delivery.c.owner.type, delivery.c.due_at.type
_TAKE = Writing(
    {"row": _ID, "by": _WORD, "lease": _INSTANT, "to_address": _ID},
    lambda given: _still_ready(given).values(
        state="sending",
        owner=given.c.by,
        attempt=delivery.c.attempt + 1,
        lease_until=given.c.lease,
        address_id=given.c.to_address,
    ),
)
_SETTLE = Writing(
    {"row": _ID, "to": _WORD, "why": _WORD, "at": _INSTANT},
    lambda given: _still_ready(given).values(state=given.c.to, reason=given.c.why, settled_at=given.c.at),
)
_POSTPONE = Writing(
    {"row": _ID, "at": _INSTANT},
    lambda given: _still_ready(given).values(due_at=given.c.at, reason="daily_cap"),
)
