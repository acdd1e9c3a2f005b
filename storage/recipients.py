"""The recipients of a run, page by page, for its account: who, of which unit, what became of it and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal_column, or_, select

from storage import units
from storage.appointments import held
from storage.schema import appointment, contact, delivery, member, membership


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient. `unit_id` is where she was a member on the day of the run, or held a post; empty if neither."""

    contact_id: int
    name: str | None
    unit_id: int | None
    state: str
    reason: str | None
    settled_at: datetime | None


def page(
    db: Connection, broadcast_id: int, on: date, *, after: int, most: int, without_sent: bool = False
) -> list[Recipient]:
    """Return recipients of a run whose contact ids come after `after`, in that order."""
    query = (
        select(
            delivery.c.contact_id,
            contact.c.name,
            func.coalesce(_membership(on), _post(on)),
            delivery.c.state,
            delivery.c.reason,
            delivery.c.settled_at,
        )
        .join(contact, contact.c.id == delivery.c.contact_id)
        .where(delivery.c.broadcast_id == broadcast_id, delivery.c.contact_id > after)
        .order_by(delivery.c.contact_id)
        .limit(most)
    )
    if without_sent:
        query = query.where(delivery.c.state != literal_column("'sent'"))
    return [Recipient(*row) for row in db.execute(query)]


def _membership(on: date) -> ColumnElement[Any]:
    return (
        select(membership.c.unit_id)
        .join(member, member.c.id == membership.c.member_id)
        .where(
            member.c.contact_id == delivery.c.contact_id,
            membership.c.valid_from <= on,
            or_(membership.c.valid_to.is_(None), membership.c.valid_to >= on),
        )
        .order_by(membership.c.id)
        .limit(1)
        .scalar_subquery()
    )


def _post(on: date) -> ColumnElement[Any]:
    return (
        select(appointment.c.unit_id)
        .where(appointment.c.contact_id == delivery.c.contact_id, held(on))
        .order_by(appointment.c.id)
        .limit(1)
        .scalar_subquery()
    )


def unit_names(db: Connection, unit_ids: set[int], on: date) -> dict[int, str]:
    """Return the names of units on a day."""
    found = ((unit_id, units.get(db, unit_id, on)) for unit_id in unit_ids)
    return {unit_id: unit.name for unit_id, unit in found if unit is not None}
