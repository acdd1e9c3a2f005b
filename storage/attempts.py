"""Record what became of an attempt to send, and decide by the message's sort what follows from doubt.

A result counts only while its (id, owner, attempt) still holds the row in `sending`: one that comes after
its lease is refused. Every attempt leaves one row that is never changed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, literal_column, select, update

from storage import contacts, mailbox
from storage.prepared import Reading, Writing
from storage.schema import address, attempt, broadcast, delivery

LIKE_FAILURES = 20
"""So many failures of one kind in a row pause a broadcast: something is wrong that more sending will not mend."""

RESEND: Mapping[str, tuple[int, timedelta]] = MappingProxyType(
    {"receipt": (3, timedelta(seconds=5)), "alert": (2, timedelta(seconds=30))}
)
"""Sorts that are sent again after a doubt: how often they may be sent in all, and the wait. Others are parked."""


@dataclass(frozen=True, slots=True)
class Result:
    """How an attempt ended: `accepted`, `refused` or `unknown`.

    A refused message is `ready` again at `retry_at`; None means for good. `counts` is off where the
    message was not to blame. `in_part` says that a first part of it arrived: it never starts over by itself. `moved_to`
    is the id that the address has from now on. With `is_judged` off it says nothing
    of what was sent: its sender died.
    """

    delivery_id: int
    owner: str
    attempt: int
    address_id: int
    kind: str
    at: datetime
    message_id: str | None = None
    reason: str | None = None
    retry_at: datetime | None = None
    counts: bool = True
    in_part: bool = False
    address_dead: bool = False
    pauses_broadcast: bool = False
    moved_to: str | None = None
    is_judged: bool = True


def record(db: Connection, results: Sequence[Result]) -> list[bool]:
    """Store results; tell for each whether it counted. One in a row that is no longer its own changes nothing."""
    if not results:
        return []
    held = _held(db, [result.delivery_id for result in results])
    own = [_is_own(held.get(result.delivery_id), result) for result in results]
    counted = [result for result, is_own in zip(results, own, strict=True) if is_own]
    if counted:
        plain = [result for result in counted if _is_plain(result)]
        if plain:
            _SENT.rows(db, [_sent(result) for result in plain])
            _SENT_ATTEMPT.rows(db, [_fence(result) for result in plain])
        if len(plain) < len(counted):
            _record_others(db, held, [result for result in counted if not _is_plain(result)])
        _watch_broadcasts(db, held, counted)
    return own


def _is_plain(result: Result) -> bool:
    """Tell whether a message was taken and nothing else is to be done about it: so it is with nearly all."""
    return result.kind == "accepted" and result.counts and not result.address_dead and result.moved_to is None


def _record_others(db: Connection, held: Mapping[int, Any], results: Sequence[Result]) -> None:
    _change_addresses(db, results)
    _CHANGE.rows(db, [_change(db, held[result.delivery_id], result) for result in results])
    _ATTEMPT.rows(db, [_attempt(result) for result in results])


_SENDING: ColumnElement[Any] = literal_column("'sending'")
_ACCEPTED: ColumnElement[Any] = literal_column("'accepted'")


@lru_cache(maxsize=16)
def _rows_of(size: int) -> Reading:
    names = tuple(f"id{number}" for number in range(size))
    query = (
        select(
            delivery.c.id,
            delivery.c.state,
            delivery.c.owner,
            delivery.c.attempt,
            delivery.c.tries,
            delivery.c.doubts,
            delivery.c.sort,
            delivery.c.contact_id,
            delivery.c.broadcast_id,
            broadcast.c.state.label("broadcast_state"),
            broadcast.c.failed_in_row,
            broadcast.c.failed_reason,
        )
        .outerjoin(broadcast, broadcast.c.id == delivery.c.broadcast_id)
        .where(delivery.c.id.in_([bindparam(name, type_=delivery.c.id.type) for name in names]))
    )
    return Reading(query, names)


_ID, _COUNT, _WORD, _INSTANT = (delivery.c[name].type for name in ("id", "tries", "owner", "due_at"))
_FENCE = {"row": _ID, "by": _WORD, "number": _COUNT}


def _is_held(given: Any) -> ColumnElement[bool]:
    mine = (delivery.c.id == given.c.row, delivery.c.owner == given.c.by, delivery.c.attempt == given.c.number)
    return and_(delivery.c.state == _SENDING, *mine)


_SENT = Writing(
    {**_FENCE, "message": _WORD, "why": _WORD, "at": _INSTANT},
    lambda given: (
        update(delivery)
        .where(_is_held(given))
        .values(
            state="sent",
            reason=given.c.why,
            message_id=given.c.message,
            due_at=given.c.at,
            tries=delivery.c.tries + 1,
            settled_at=given.c.at,
            lease_until=None,
        )
    ),
)
_SENT_ATTEMPT = Writing(
    {"row": _ID, "number": _COUNT, "at_address": _ID},
    lambda given: attempt.insert().from_select(
        ["delivery_id", "number", "address_id", "owner", "result", "reason", "ended_at"],
        # From the rows themselves, as they have just become.
        select(
            given.c.row,
            given.c.number,
            given.c.at_address,
            delivery.c.owner,
            _ACCEPTED,
            delivery.c.reason,
            delivery.c.settled_at,
        ).join_from(given, delivery, delivery.c.id == given.c.row),
    ),
)
_CHANGE = Writing(
    {
        **_FENCE,
        "to": _WORD,
        "why": _WORD,
        "message": _WORD,
        "due": _INSTANT,
        "tried": _COUNT,
        "doubted": _COUNT,
        "settled": _INSTANT,
    },
    lambda given: (
        update(delivery)
        .where(_is_held(given))
        .values(
            state=given.c.to,
            reason=given.c.why,
            message_id=given.c.message,
            due_at=given.c.due,
            tries=given.c.tried,
            doubts=given.c.doubted,
            settled_at=given.c.settled,
            lease_until=None,
        )
    ),
)
_ATTEMPT = Writing(
    {
        "delivery_id": _ID,
        "number": _COUNT,
        "address_id": _ID,
        "owner": _WORD,
        "result": _WORD,
        "reason": _WORD,
        "ended_at": _INSTANT,
    },
    lambda given: attempt.insert().from_select(list(given.c.keys()), select(given)),
)


def _sent(result: Result) -> tuple[Any, ...]:
    return result.delivery_id, result.owner, result.attempt, result.message_id, result.reason, result.at


def _fence(result: Result) -> tuple[int, int, int]:
    return result.delivery_id, result.attempt, result.address_id


def _held(db: Connection, ids: Sequence[int]) -> dict[int, Any]:
    # One statement for up to a power of two of rows; what is left over names the last one again.
    size = 1 << (len(ids) - 1).bit_length()
    padded = [*ids, *[ids[-1]] * (size - len(ids))]
    return {row.id: row for row in _rows_of(size).rows(db, *padded)}


def _is_own(row: Any, result: Result) -> bool:
    if row is None or row.state != "sending":
        return False
    return bool(row.owner == result.owner and row.attempt == result.attempt)


def _change(db: Connection, row: Any, result: Result) -> tuple[Any, ...]:
    tries = row.tries + (1 if result.counts else 0)
    doubts = row.doubts + (1 if result.kind == "unknown" else 0)
    state, due_at = _follows(db, row, result, doubts)
    if state == "ready" and row.broadcast_state == "cancelled":
        state = "cancelled"
    settled_at = None if state == "ready" else result.at
    fence = (result.delivery_id, result.owner, result.attempt)
    return (*fence, state, result.reason, result.message_id, due_at, tries, doubts, settled_at)


def _follows(db: Connection, row: Any, result: Result, doubts: int) -> tuple[str, datetime]:
    """Return the next state and, for `ready`, when it is due."""
    if result.kind == "accepted":
        return "sent", result.at
    if result.kind == "unknown":
        most, wait = RESEND.get(row.sort, (0, timedelta()))
        again = doubts < most and not result.in_part
        return ("ready", result.at + wait) if again else ("unknown", result.at)
    if result.retry_at is not None:
        return "ready", result.retry_at
    if result.address_dead and _lives_elsewhere(db, row.contact_id):
        return "ready", result.at
    return "failed", result.at


def _lives_elsewhere(db: Connection, contact_id: int) -> bool:
    query = select(address.c.id).where(address.c.contact_id == contact_id, address.c.state == "live")
    return db.execute(query.limit(1)).first() is not None


def _change_addresses(db: Connection, results: Sequence[Result]) -> None:
    for result in results:
        if result.moved_to is not None:
            contacts.move_address(db, result.address_id, result.moved_to)
    dead = [result.address_id for result in results if result.address_dead]
    if dead:
        db.execute(update(address).where(address.c.id.in_(dead)).values(state="dead"))


def _attempt(result: Result) -> tuple[Any, ...]:
    fence = (result.delivery_id, result.attempt, result.address_id, result.owner)
    return (*fence, result.kind, result.reason, result.at)


def _watch_broadcasts(db: Connection, held: Mapping[int, Any], results: Sequence[Result]) -> None:
    """Count like failures in a row; pause a broadcast that has too many or whose content was refused."""
    streaks: dict[int, tuple[int, str | None]] = {}
    faulty: dict[int, str | None] = {}
    for result in results:
        row = held[result.delivery_id]
        if row.broadcast_id is None:
            continue
        before = streaks.get(row.broadcast_id, (row.failed_in_row, row.failed_reason))
        streaks[row.broadcast_id] = _streak(before, result)
        if result.pauses_broadcast or streaks[row.broadcast_id][0] >= LIKE_FAILURES:
            faulty.setdefault(row.broadcast_id, result.reason)
    known = {row.broadcast_id: (row.failed_in_row, row.failed_reason) for row in held.values()}
    for broadcast_id, (count, reason) in streaks.items():
        if (count, reason) != known[broadcast_id]:
            values = {"failed_in_row": count, "failed_reason": reason}
            db.execute(update(broadcast).where(broadcast.c.id == broadcast_id).values(**values))
    for broadcast_id, reason in faulty.items():
        running = (broadcast.c.id == broadcast_id, broadcast.c.state == "running")
        db.execute(update(broadcast).where(*running).values(state="paused", reason=reason or "failures"))


def _streak(before: tuple[int, str | None], result: Result) -> tuple[int, str | None]:
    if result.kind == "accepted":
        return 0, None
    if not (result.counts and result.is_judged):
        return before
    return (before[0] + 1, result.reason) if before[1] == result.reason else (1, result.reason)


def expire_leases(db: Connection, now: datetime, repeatable: Collection[str] = ()) -> int:
    """Give up on messages whose sender did not come back in time, and return how many."""
    return _give_up(db, _OVERDUE.rows(db, now), now, reason="lease", repeatable=repeatable)


def adopt_orphans(db: Connection, owner: str, now: datetime, repeatable: Collection[str] = ()) -> int:
    """Settle what earlier processes had in hand when they died, and return how many rows that were.

    Only for a database with one process: the rows of every other owner count as left behind.
    """
    return _give_up(db, _OF_OTHERS.rows(db, owner), now, reason="crash", repeatable=repeatable)


_IN_HAND = (
    select(delivery.c.id, delivery.c.owner, delivery.c.attempt, delivery.c.address_id, address.c.channel)
    .join(address, address.c.id == delivery.c.address_id)
    .where(delivery.c.state == _SENDING)
)
_OVERDUE = Reading(_IN_HAND.where(delivery.c.lease_until < bindparam("now", type_=_INSTANT)), ("now",))
_OF_OTHERS = Reading(_IN_HAND.where(delivery.c.owner != bindparam("mine", type_=_WORD)), ("mine",))


def _give_up(db: Connection, rows: Sequence[Any], now: datetime, *, reason: str, repeatable: Collection[str]) -> int:
    arrived = mailbox.arrived(db, [row.id for row in rows]) if rows else {}
    return sum(record(db, [_lost(row, arrived, now, reason, row.channel in repeatable) for row in rows]))


def _lost(row: Any, arrived: Mapping[int, int], now: datetime, reason: str, repeatable: bool) -> Result:
    """What is known of a message whose sender is gone: it arrived, it may go again, or it is in doubt."""
    proof = arrived.get(row.id)
    kind = "accepted" if proof is not None else "refused" if repeatable else "unknown"
    return Result(
        row.id,
        row.owner,
        row.attempt,
        row.address_id,
        kind=kind,
        at=now,
        message_id=str(proof) if proof is not None else None,
        reason=reason,
        retry_at=now if repeatable else None,
        counts=not repeatable,
        is_judged=False,
    )
