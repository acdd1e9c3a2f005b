"""The way in: every message is a row here before anybody is told that we have it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Insert, Select, bindparam, func, literal_column, null, select, update
from sqlalchemy.dialects import postgresql, sqlite

from storage import contacts, remote_files
from storage.remote_files import NewFile
from storage.schema import address, inbox

MOST_WAITING = 200
"""Messages of one address that may wait at once; more is a program, not a person."""


@dataclass(frozen=True, slots=True)
class NewInbound:
    """A message as a channel handed it over. `key` is unique on the channel; sending it twice is one message."""

    channel: str
    external_id: str
    key: str
    body: Mapping[str, Any]
    sent_at: datetime
    received_at: datetime
    process: str
    language: str
    album: str | None = None
    not_before: datetime | None = None
    files: Sequence[NewFile] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row to be worked on, with the contact it belongs to now."""

    id: int
    channel: str
    address_id: int
    contact_id: int
    body: Mapping[str, Any]
    sent_at: datetime
    attempt: int
    process: str
    key: str = ""
    album: str | None = None
    behind: int = 0  # other open rows of its address
    is_live: bool = True  # its address; False where we thought that she cannot be reached there any more


@dataclass(frozen=True, slots=True)
class Taken:
    """A row of the inbox whatever its state (open, done, dead). `body` is None once it was blanked."""

    id: int
    channel: str
    key: str
    address_id: int
    contact_id: int
    state: str
    body: Mapping[str, Any] | None
    sent_at: datetime
    restricted: bool
    album: str | None


@dataclass(frozen=True, slots=True)
class Dead:
    """A message that could not be worked on. Its text is not shown here; `reason` is the kind of failure."""

    id: int
    channel: str
    received_at: datetime
    attempt: int
    reason: str | None


def accept(db: Connection, messages: Sequence[NewInbound]) -> list[bool]:
    """Insert messages, strangers becoming contacts first. A repeated key changes nothing.

    Returns for each whether it is kept; False if too many of its address wait already.
    """
    known = _addresses(db, messages)
    waiting = contacts.addresses_waiting(db, list(set(known.values())))
    kept: list[bool] = []
    rows: list[dict[str, Any]] = []
    for message in messages:
        address_id = known[message.channel, message.external_id]
        waiting[address_id] = waiting.get(address_id, 0) + 1
        kept.append(waiting[address_id] <= MOST_WAITING)
        if kept[-1]:
            rows.append(_row(message, address_id))
    if rows:
        db.execute(_insert_once(db), rows)
    for message, is_kept in zip(messages, kept, strict=True):
        if is_kept and message.files:
            remote_files.expect(db, message.files, at=message.received_at)
    return kept


def keep_unreadable(db: Connection, message: NewInbound, *, restricted: bool) -> None:
    """Insert what nobody can read as a dead letter, its body `{"raw": JSON}`; a repeated key changes nothing.

    The text of a `restricted` one is erased within a day.
    """
    address_id = _addresses(db, [message])[message.channel, message.external_id]
    row = _row(message, address_id) | {"state": "dead", "reason": UNREADABLE, "restricted": restricted}
    db.execute(_insert_once(db), [row])


def _addresses(db: Connection, messages: Sequence[NewInbound]) -> dict[tuple[str, str], int]:
    wanted = {(message.channel, message.external_id): message for message in messages}
    # The channel leads the index; without it every group would read all addresses.
    found = select(address.c.channel, address.c.external_id, address.c.id).where(
        address.c.channel.in_({channel for channel, _ in wanted}),
        address.c.external_id.in_([external_id for _, external_id in wanted]),
    )
    known = {(row.channel, row.external_id): int(row.id) for row in db.execute(found)}
    for pair, message in wanted.items():
        if pair not in known:
            made = contacts.address_for(db, *pair, at=message.received_at, language=message.language)
            known[pair] = made.id
    return known


def _row(message: NewInbound, address_id: int) -> dict[str, Any]:
    return {
        "channel": message.channel,
        "key": message.key,
        "address_id": address_id,
        "body": dict(message.body),
        "sent_at": message.sent_at,
        "received_at": message.received_at,
        "process": message.process,
        "album": message.album,
        "not_before": message.not_before,
    }


def _insert_once(db: Connection) -> Insert:
    dialect: Any = postgresql if db.dialect.name == "postgresql" else sqlite
    statement: Insert = dialect.insert(inbox).on_conflict_do_nothing(index_elements=["channel", "key"])
    return statement


# Written out, not bound: SQLite uses a partial index only where the query repeats its condition.
_OPEN: ColumnElement[str] = literal_column("'open'")

_FIRST = (
    select(func.min(inbox.c.id).label("id"), (func.count() - 1).label("behind"))
    .where(inbox.c.state == _OPEN)
    .group_by(inbox.c.address_id)
    .order_by(func.min(inbox.c.id))
    .limit(bindparam("most"))
    .subquery()
)
_NEXT = (
    select(
        inbox.c.id,
        inbox.c.channel,
        inbox.c.address_id,
        address.c.contact_id,
        inbox.c.body,
        inbox.c.sent_at,
        inbox.c.attempt,
        inbox.c.process,
        inbox.c.key,
        inbox.c.album,
        _FIRST.c.behind,
        (address.c.state == "live").label("is_live"),
        inbox.c.not_before,
    )
    .join(_FIRST, _FIRST.c.id == inbox.c.id)
    .join(address, address.c.id == inbox.c.address_id)
    .order_by(inbox.c.id)
)


def next_rows(db: Connection, *, busy: Collection[int], now: datetime, most: int) -> list[Waiting]:
    """Return the oldest open row of each contact who is not `busy`, oldest first, `most` at most.

    A row that waits for another try holds back the later ones of its address: order is kept.
    """
    look_at = 4 * most
    while True:
        rows, seen = _choose(db, set(busy), now, most, look_at=look_at)
        if len(rows) == most or seen < look_at:
            return rows
        # So many wait for another try that they hide the others.
        look_at *= 8


def _choose(db: Connection, held: set[int], now: datetime, most: int, *, look_at: int) -> tuple[list[Waiting], int]:
    rows: dict[int, Waiting] = {}
    seen = 0
    for *values, not_before in db.execute(_NEXT, {"most": look_at}):
        seen += 1
        row = Waiting(*values)
        if row.contact_id in held:
            continue
        held.add(row.contact_id)
        if not_before is None or not_before <= now:
            rows[row.contact_id] = row
        if len(rows) == most:
            break
    return list(rows.values()), seen


_TAKEN: Select[Any] = select(
    inbox.c.id,
    inbox.c.channel,
    inbox.c.key,
    inbox.c.address_id,
    address.c.contact_id,
    inbox.c.state,
    inbox.c.body,
    inbox.c.sent_at,
    inbox.c.restricted,
    inbox.c.album,
).join(address, address.c.id == inbox.c.address_id)


def of_albums(db: Connection, albums: Collection[tuple[int, str]]) -> list[Taken]:
    """Return all rows of albums, each named by (address id, the platform's name of it), oldest first."""
    wanted = set(albums)
    chosen = _TAKEN.where(
        inbox.c.address_id.in_({address_id for address_id, _ in wanted}),
        inbox.c.album.in_({name for _, name in wanted}),
    )
    found = (Taken(*row) for row in db.execute(chosen.order_by(inbox.c.id)))
    return [each for each in found if (each.address_id, each.album) in wanted]


def by_keys(db: Connection, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Taken]:
    """Return rows by (channel, key); unknown ones are left out."""
    wanted = set(keys)
    chosen = _TAKEN.where(
        inbox.c.channel.in_({channel for channel, _ in wanted}), inbox.c.key.in_({key for _, key in wanted})
    )
    found = (Taken(*row) for row in db.execute(chosen))
    return {(each.channel, each.key): each for each in found if (each.channel, each.key) in wanted}


def open_edits(db: Connection, address_ids: Collection[int]) -> list[Taken]:
    """Return the open rows of addresses that put an earlier message right, those edited first leading."""
    edits = (
        inbox.c.state == _OPEN,
        inbox.c.address_id.in_(list(address_ids)),
        inbox.c.body["edits"].as_string().is_not(None),
    )
    found = (Taken(*row) for row in db.execute(_TAKEN.where(*edits)))
    return sorted(found, key=lambda each: (each.sent_at, each.id))


def rewrite(db: Connection, bodies: Mapping[int, Mapping[str, Any]]) -> None:
    """Put what counts now into the bodies of rows that were edited; blanked ones stay blank."""
    for inbox_id, body in bodies.items():
        row = (inbox.c.id == inbox_id, inbox.c.body.is_not(None))
        db.execute(update(inbox).where(*row).values(body=dict(body)))


def stand_for(db: Connection, inbox_id: int, key: str, *, at: datetime) -> None:
    """Let a row be the message `key` of its channel: if that one comes after all, it is known already.

    One that came from the same address in the meantime is done with it.
    """
    own = db.execute(select(inbox.c.channel, inbox.c.address_id).where(inbox.c.id == inbox_id)).one()
    there = (inbox.c.channel == own.channel, inbox.c.key == key)
    if db.scalar(select(inbox.c.id).where(*there)) is None:
        db.execute(update(inbox).where(inbox.c.id == inbox_id).values(key=key))
        return
    waiting = (*there, inbox.c.address_id == own.address_id, inbox.c.state == "open")
    db.execute(update(inbox).where(*waiting).values(state="done", done_at=at))


def follow_up(db: Connection, inbox_id: int, event: str, *, at: datetime) -> None:
    """Put an event behind a message: what it made possible is worked on next, for whoever has its address then."""
    row = db.execute(select(inbox).where(inbox.c.id == inbox_id)).one()
    same = {"channel": row.channel, "address_id": row.address_id, "process": row.process}
    values = {**same, "key": f"{event}:{inbox_id}", "body": {"event": event}, "sent_at": at, "received_at": at}
    db.execute(_insert_once(db), [values])


def count_attempt(db: Connection, inbox_id: int) -> None:
    """Count another attempt before it begins, so that a row that kills the process is known by it."""
    db.execute(update(inbox).where(inbox.c.id == inbox_id).values(attempt=inbox.c.attempt + 1))


def finish(db: Connection, ids: Sequence[int], *, at: datetime) -> None:
    """Mark rows done, in the transaction that holds their effects."""
    db.execute(update(inbox).where(inbox.c.id.in_(ids)).values(state="done", done_at=at, reason=None))


def restrict(db: Connection, ids: Sequence[int]) -> None:
    """Mark rows whose text must be erased within a day and shown nowhere."""
    db.execute(update(inbox).where(inbox.c.id.in_(ids)).values(restricted=True))


def fail(
    db: Connection, ids: Sequence[int], *, reason: str, retry_at: datetime | None, restricted: bool = False
) -> None:
    """Keep the rows of a turn that failed: tried again at `retry_at`, or dead letters if that is None.

    The text of a `restricted` one is erased within a day, worked on or not.
    """
    values: dict[str, Any] = {"reason": reason, "not_before": retry_at, "attempt": inbox.c.attempt + 1}
    if restricted:
        values["restricted"] = True
    state = "open" if retry_at is not None else "dead"
    db.execute(update(inbox).where(inbox.c.id.in_(ids)).values(state=state, **values))


def dead(db: Connection) -> list[Dead]:
    """Return the dead letters, oldest first."""
    query = select(inbox.c.id, inbox.c.channel, inbox.c.received_at, inbox.c.attempt, inbox.c.reason)
    return [Dead(*row) for row in db.execute(query.where(inbox.c.state == "dead").order_by(inbox.c.id))]


def replay(db: Connection, ids: Iterable[int]) -> int:
    """Put dead letters back in the queue as if new, and return how many; erased ones stay where they are.

    So do those that could not be read (`unreadable`): putting them back would not change that.
    """
    worked_on = func.coalesce(inbox.c.reason, "") != UNREADABLE
    return db.execute(update(inbox).where(inbox.c.id.in_(list(ids)), _WHOLE, worked_on).values(**_BACK)).rowcount


UNREADABLE = "unreadable"
_BACK: Mapping[str, Any] = {"state": "open", "attempt": 1, "not_before": None, "reason": None}
_WHOLE = (inbox.c.state == "dead") & inbox.c.body.is_not(None)


def unreadable(db: Connection, ids: Iterable[int]) -> list[tuple[int, str, str]]:
    """Return (id, channel, what came as JSON) of the dead letters that could not be read and are not erased."""
    query = select(inbox.c.id, inbox.c.channel, inbox.c.body).where(inbox.c.id.in_(list(ids)), _WHOLE)
    rows = db.execute(query.where(inbox.c.reason == UNREADABLE).order_by(inbox.c.id))
    return [(row.id, row.channel, str(row.body["raw"])) for row in rows]


def make_readable(db: Connection, inbox_id: int, body: Mapping[str, Any], *, sent_at: datetime | None) -> None:
    """Put a dead letter back in the queue with what it is now known to say."""
    values: dict[str, Any] = {**_BACK, "body": dict(body)} | ({} if sent_at is None else {"sent_at": sent_at})
    db.execute(update(inbox).where(inbox.c.id == inbox_id, _WHOLE).values(**values))


def adopt(db: Connection, ids: Sequence[int], process: str) -> None:
    """Take over rows left by an earlier process once they were worked on with care."""
    db.execute(update(inbox).where(inbox.c.id.in_(ids)).values(process=process))


def blank_old(db: Connection, *, done_before: datetime, restricted_before: datetime) -> int:
    """Erase the texts of messages done long ago, and of restricted ones much sooner; return how many."""
    old = (inbox.c.state == "done") & (inbox.c.done_at < done_before)
    sensitive = inbox.c.restricted & (inbox.c.received_at < restricted_before)
    erased = db.execute(update(inbox).where(inbox.c.body.is_not(None), old | sensitive).values(body=null()))
    return erased.rowcount


def of_other_processes(db: Connection, process: str, *, now: datetime, most: int) -> list[Waiting]:
    """Return the rows that are next like `next_rows`, as far as other (dead) processes took them in."""
    return [row for row in next_rows(db, busy=(), now=now, most=most) if row.process != process]


def waiting_count(db: Connection) -> int:
    """Return how many messages wait for their turn."""
    return db.scalar(select(func.count()).where(inbox.c.state == _OPEN)) or 0
