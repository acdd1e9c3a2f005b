"""Take ready deliveries for sending, replies before broadcasts, and check once more that each may go.

One call is one transaction; `sending` is committed before any request leaves. Safe with many claimers:
a row is taken only while it is `ready`, and what the claimer may do with it later is fenced by
(id, owner, attempt).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from dialogue.quiet import NEVER_QUIET, QuietHours
from storage.deliveries import BROADCASTS, REPLIES
from storage.schema import address, attachment, broadcast, campaign, contact, delivery, installation


@dataclass(frozen=True, slots=True)
class Rules:
    """What messages nobody asked for must keep to. Alerts pass them, since only danger to life makes one."""

    quiet: QuietHours = NEVER_QUIET
    daily_cap: int | None = None


NO_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Round:
    """One look for work. `replies` and `broadcasts` give the free slots of every running channel, 0 included.

    `turn` rises with every round; among broadcasts it decides who comes first. `resting` holds the addresses, as
    (channel, external id), that may not be written to right now.
    """

    owner: str
    now: datetime
    lease_until: datetime
    replies: Mapping[str, int]
    broadcasts: Mapping[str, int]
    rules: Rules = NO_RULES
    turn: int = 0
    resting: Collection[tuple[str, str]] = ()


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


def claim(db: Connection, wanted: Round) -> list[Claimed]:
    """Take what may go now within the free slots, oldest first; rows that may not go any more are settled.

    Per person one message is under way, replies in the order they were written. Nothing is taken while
    the installation is on hold.
    """
    if db.scalar(select(installation.c.hold)):
        return []
    taking = _Taking(db, wanted)
    if any(wanted.replies.values()):
        taking.replies()
    if any(wanted.broadcasts.values()):
        taking.broadcasts()
    return taking.write()


# Written out, not bound: SQLite uses a partial index only where the query repeats its condition.
_READY: ColumnElement[Any] = literal_column("'ready'")
_SENDING: ColumnElement[Any] = literal_column("'sending'")
_BROADCASTS: ColumnElement[Any] = literal_column(str(BROADCASTS))

_live = address.alias("live")
_other = delivery.alias("other")
_today = delivery.alias("today")
_target = delivery.alias("target")


def _open(table: Any) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = table.c.state.in_([_READY, _SENDING])
    return condition


_OWN_LIVE = (
    _live.c.contact_id == delivery.c.contact_id,
    _live.c.state == "live",
    _live.c.channel.in_(bindparam("running", expanding=True)),
)
_GIVEN = select(_live.c.id).where(_live.c.id == delivery.c.address_id, *_OWN_LIVE).scalar_subquery()
# What must stay between us goes only where she wrote from: another phone may be in other hands.
_NEWEST = select(func.max(_live.c.id)).where(*_OWN_LIVE, delivery.c.restricted.is_(False)).scalar_subquery()
_CHOSEN = func.coalesce(_GIVEN, _NEWEST)
_HAS_ADDRESS = exists().where(_live.c.contact_id == delivery.c.contact_id, _live.c.state == "live")
_BEHIND_ANOTHER = exists().where(
    _other.c.contact_id == delivery.c.contact_id,
    _open(_other),
    _other.c.lane == REPLIES,
    _other.c.id != delivery.c.id,
    # A repeated alert waits half a minute; nothing else has to wait with it.
    or_(_other.c.state == "sending", and_(_other.c.id < delivery.c.id, _other.c.sort != "alert")),
)
_UNDER_WAY = exists().where(_other.c.contact_id == delivery.c.contact_id, _open(_other), _other.c.state == "sending")
_SENT_TODAY = (
    select(func.count())
    .where(
        _today.c.contact_id == delivery.c.contact_id,
        _today.c.lane == _BROADCASTS,
        _today.c.settled_at >= bindparam("midnight"),
        _today.c.state.in_(["sent", "unknown"]),
    )
    .scalar_subquery()
)
_ROWS = (
    select(
        delivery.c.id,
        (delivery.c.attempt + 1).label("attempt"),
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
        contact.c.stopped_at,
        contact.c.erased_at,
        delivery.c.address_id.is_not(None).label("is_answer"),
        delivery.c.edits_id,
        _target.c.address_id.label("target_address_id"),
        _target.c.message_id.label("target_message_id"),
    )
    .join(contact, contact.c.id == delivery.c.contact_id)
    .outerjoin(address, address.c.id == _CHOSEN)
    .outerjoin(_target, _target.c.id == delivery.c.edits_id)
    .where(delivery.c.state == _READY, delivery.c.due_at <= bindparam("now"))
    .order_by(delivery.c.due_at, delivery.c.id)
    .limit(bindparam("most"))
)
_ON_FREE_CHANNEL = address.c.channel.in_(bindparam("free", expanding=True))
_REPLIES = _ROWS.where(
    delivery.c.lane == REPLIES,
    delivery.c.broadcast_id.is_(None),
    ~_BEHIND_ANOTHER,
    # Someone whose channel is switched off today waits; someone without any address does not.
    or_(_ON_FREE_CHANNEL, and_(address.c.id.is_(None), ~_HAS_ADDRESS)),
)
_TO_MANY = _ROWS.add_columns(_SENT_TODAY.label("sent_today")).where(
    delivery.c.lane == BROADCASTS, ~_UNDER_WAY, or_(_ON_FREE_CHANNEL, address.c.id.is_(None))
)
_OF_RUN = _TO_MANY.where(delivery.c.broadcast_id == bindparam("run"))
_OF_NO_RUN = _TO_MANY.where(delivery.c.broadcast_id.is_(None))
_RUNS: Select[Any] = (
    select(broadcast.c.id, broadcast.c.texts, attachment.c.received_sha256, campaign.c.code, campaign.c.sort)
    .join(campaign, campaign.c.id == broadcast.c.campaign_id)
    .outerjoin(attachment, attachment.c.id == broadcast.c.attachment_id)
    .where(
        broadcast.c.state == "running",
        broadcast.c.told_at.is_(None),
        or_(bindparam("quiet").is_(False), campaign.c.sort == "alert"),
        exists().where(
            delivery.c.lane == BROADCASTS,
            delivery.c.broadcast_id == broadcast.c.id,
            delivery.c.state == _READY,
            delivery.c.due_at <= bindparam("now"),
        ),
    )
    .order_by(broadcast.c.id)
)


@dataclass(slots=True)
class _Taking:
    """The work of one round, collected to be written together."""

    db: Connection
    wanted: Round
    free: dict[str, int] = field(default_factory=dict)
    taken: list[Claimed] = field(default_factory=list)
    settled: list[dict[str, Any]] = field(default_factory=list)
    later: list[dict[str, Any]] = field(default_factory=list)
    people: set[int] = field(default_factory=set)

    def replies(self) -> None:
        """Take replies."""
        self.free = dict(self.wanted.replies)
        for row in self.db.execute(_REPLIES, self._values(sum(self.free.values()))):
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
        found = self.db.execute(_RUNS, {"now": self.wanted.now, "quiet": quiet}).all()
        at = self.wanted.turn % len(found) if found else 0
        for row in (*found[at:], *found[:at]):
            yield Run(*row)
        if not quiet:
            yield None

    def _take_share(self, run: Run | None, share: int) -> bool:
        """Take up to `share` messages of a run; False once it has nothing more for this round."""
        most = min(share, sum(self.free.values()))
        values = self._values(most + len(self.people)) | {"midnight": self._midnight()}
        query = _OF_NO_RUN if run is None else _OF_RUN
        rows = self.db.execute(query, values if run is None else values | {"run": run.id}).all()
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
        if row.erased_at is not None and (to_many or not row.is_answer):
            # Who was erased gets nothing but answers to what she writes, the last one being that she is.
            self._settle(row.id, "cancelled", "erased")
        elif to_many and row.stopped_at is not None:
            self._settle(row.id, "skipped", "stopped")
        elif row.address_id is None:
            self._settle(row.id, "failed", "no_address")
        elif row.edits_id is not None and not _is_there(row):
            self._settle(row.id, "cancelled", "nothing_to_edit")
        elif (row.channel, row.external_id) in self.wanted.resting:
            return
        elif to_many and cap is not None and row.sent_today >= cap:
            self.later.append({"row": row.id, "at": self._tomorrow()})
        elif self.free.get(row.channel, 0) > 0:
            self.free[row.channel] -= 1
            edits = tuple(row.target_message_id.split()) if row.edits_id is not None else ()
            self.taken.append(replace(Claimed(*row[:13]), run=run, edits=edits))

    def _settle(self, row_id: int, state: str, reason: str) -> None:
        self.settled.append({"row": row_id, "to": state, "why": reason, "at": self.wanted.now})

    def _values(self, most: int) -> dict[str, Any]:
        free = [name for name, count in self.free.items() if count > 0]
        # Some rows fall out below (full channel, resting, asked to stop), so look a little further than the slots.
        further = 16 + min(len(self.wanted.resting), 64)
        return {"now": self.wanted.now, "running": list(self.free), "free": free, "most": most + further}

    def _midnight(self) -> datetime:
        local = self.wanted.now.astimezone(self.wanted.rules.quiet.zone)
        return datetime.combine(local.date(), time(), local.tzinfo)

    def _tomorrow(self) -> datetime:
        midnight = self._midnight() + timedelta(days=1)
        return self.wanted.rules.quiet.end_of_quiet(midnight) or midnight

    def write(self) -> list[Claimed]:
        """Write the decisions and return what was taken."""
        if self.settled:
            self.db.execute(_SETTLE, self.settled)
        if self.later:
            self.db.execute(_POSTPONE, self.later)
        if self.taken:
            self.db.execute(_TAKE, self._takings(self.taken))
        return self.taken

    def _takings(self, taken: Sequence[Claimed]) -> list[dict[str, Any]]:
        lease = {"owner_name": self.wanted.owner, "lease": self.wanted.lease_until}
        return [{"row": each.id, "to_address": each.address_id} | lease for each in taken]


def _is_there(row: Any) -> bool:
    """Tell whether the message that a row changes arrived, and at the address the row would go to."""
    return bool(row.target_message_id) and row.target_address_id == row.address_id


_STILL_READY = update(delivery).where(delivery.c.id == bindparam("row"), delivery.c.state == "ready")
_TAKE = _STILL_READY.values(
    state="sending",
    owner=bindparam("owner_name"),
    attempt=delivery.c.attempt + 1,
    lease_until=bindparam("lease"),
    address_id=bindparam("to_address"),
)
_SETTLE = _STILL_READY.values(state=bindparam("to"), reason=bindparam("why"), settled_at=bindparam("at"))
_POSTPONE = _STILL_READY.values(due_at=bindparam("at"), reason="daily_cap")
