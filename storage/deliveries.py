"""Every message to a person is a row here: `ready → sending → sent | failed | unknown | cancelled | skipped`.

This file puts rows in and answers what became of them; `storage/claims.py` takes them for sending and
`storage/attempts.py` records the results. A final state changes only by later proof (`pressed`), or where
an officer has doubtful messages of a broadcast sent again (`broadcasts.send_again`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, literal_column, null, select, text, update

from storage.schema import broadcast, contact, delivery

REPLIES, BROADCASTS = 0, 1
"""The lanes. Replies always pass before broadcasts."""

STATES = ("sent", "ready", "sending", "unknown", "failed", "skipped", "cancelled")
OPEN = ("ready", "sending")


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A message to send. `body` is `{"text", "buttons": [{"value", "label", "ask"}], "picture"}`.

    With `address_id` it goes there if that address still lives, else to her newest one that does.
    `restricted` texts are erased within a day and shown nowhere. With `edits_id` it changes that delivery's message,
    or takes it away where `sort` is `erase`; `address_id` must be that delivery's then.
    """

    contact_id: int
    address_id: int | None
    lane: int
    sort: str
    body: Mapping[str, Any]
    due_at: datetime
    restricted: bool = False
    edits_id: int | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """To whom a delivery went, the buttons it carried, in order, and whether it is in doubt that it arrived."""

    contact_id: int
    buttons: tuple[Mapping[str, Any], ...]
    in_doubt: bool = False


def enqueue(db: Connection, rows: Sequence[NewDelivery], *, at: datetime) -> list[int]:
    """Insert messages in one statement and return their ids in the same order."""
    if not rows:
        return []
    statement = delivery.insert().returning(delivery.c.id, sort_by_parameter_order=True)
    return list(db.scalars(statement, [_values(row, at) for row in rows]))


def _values(row: NewDelivery, at: datetime) -> dict[str, Any]:
    return {
        "contact_id": row.contact_id,
        "address_id": row.address_id,
        "lane": row.lane,
        "sort": row.sort,
        "body": dict(row.body),
        "due_at": row.due_at,
        "restricted": row.restricted,
        "edits_id": row.edits_id,
        "created_at": at,
    }


def shown(db: Connection, ids: Iterable[int]) -> dict[int, Shown]:
    """Return the buttons of deliveries by id; unknown ids and erased bodies are left out."""
    columns = (delivery.c.id, delivery.c.contact_id, delivery.c.body, delivery.c.state)
    rows = db.execute(select(*columns).where(delivery.c.id.in_(list(ids)), delivery.c.body.is_not(None)))
    return {
        row.id: Shown(row.contact_id, tuple((row.body or {}).get("buttons") or ()), row.state == "unknown")
        for row in rows
    }


def last_said_at(db: Connection, address_ids: Iterable[int]) -> dict[int, datetime]:
    """Return when the newest message to each address was written; addresses without any are left out."""
    found: dict[int, datetime] = {}
    for address_id in address_ids:
        newest = select(delivery.c.created_at).where(delivery.c.address_id == address_id)
        row = db.execute(newest.order_by(delivery.c.id.desc()).limit(1)).first()
        if row is not None:
            found[address_id] = row.created_at
    return found


def pressed(db: Connection, delivery_id: int, contact_id: int) -> bool:
    """Take a pressed button as proof that a doubtful message arrived; tell whether it was in doubt."""
    doubtful = (delivery.c.id == delivery_id, delivery.c.contact_id == contact_id, delivery.c.state == "unknown")
    found = db.execute(update(delivery).where(*doubtful).values(state="sent", reason="pressed"))
    return found.rowcount == 1


def counts(db: Connection, broadcast_id: int) -> dict[str, int]:
    """Return how many recipients of a broadcast are in each state; every state is there, the sum is the audience.

    No row of a recipient is looked at: those that wait are the rest of the audience.
    """
    of_run = {"run": broadcast_id}
    found = {row.state: row.people for row in db.execute(_SETTLED, of_run)}
    found["sending"] = int(db.scalar(_UNDER_WAY, of_run) or 0)
    audience = db.scalar(select(broadcast.c.audience).where(broadcast.c.id == broadcast_id)) or 0
    found["ready"] = max(0, audience - sum(found.values()))
    return {state: found.get(state, 0) for state in STATES}


SETTLED = text("delivery.broadcast_id is not null and delivery.state not in ('ready', 'sending')")
"""Written out, not bound: a partial index serves only a query that repeats its condition."""

_SETTLED = (
    select(delivery.c.state, func.count().label("people"))
    .where(delivery.c.broadcast_id == bindparam("run"), SETTLED)
    .group_by(delivery.c.state)
)
# The plus keeps SQLite from going through the run's recipients: few messages are under way at any time.
_UNDER_WAY = (
    select(func.count())
    .select_from(delivery)
    .where(text("delivery.state = 'sending'"), text("+delivery.broadcast_id = :run"))
)


def failures(db: Connection, broadcast_id: int) -> list[tuple[str, int]]:
    """Return why messages of a broadcast failed and how many each time, most first."""
    why = func.coalesce(delivery.c.reason, "")
    query = (
        select(why, func.count())
        .where(delivery.c.broadcast_id == broadcast_id, delivery.c.state == literal_column("'failed'"), SETTLED)
        .group_by(why)
        .order_by(func.count().desc(), why)
    )
    return [(row[0], row[1]) for row in db.execute(query)]


def in_doubt(db: Connection, broadcast_id: int, *, most: int = 20) -> list[str]:
    """Return the names of recipients who may or may not have the message, in the order of sending."""
    query = (
        select(func.coalesce(contact.c.name, "?"))
        .join(delivery, delivery.c.contact_id == contact.c.id)
        .where(delivery.c.broadcast_id == broadcast_id, delivery.c.state == literal_column("'unknown'"), SETTLED)
        .order_by(delivery.c.id)
        .limit(most)
    )
    return list(db.scalars(query))


def blank_restricted(db: Connection, *, created_before: datetime) -> int:
    """Erase the texts of restricted messages that are no longer under way; return how many."""
    old = (delivery.c.restricted, delivery.c.body.is_not(None), delivery.c.created_at < created_before)
    # JSON columns write None as a JSON null, which would still be a body.
    found = db.execute(update(delivery).where(*old, delivery.c.state.not_in(OPEN)).values(body=null()))
    return found.rowcount
