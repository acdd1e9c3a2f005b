"""Who holds which role in which unit from when to when. All rights come from here."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from storage import units
from storage.schema import appointment


@dataclass(frozen=True, slots=True)
class Appointment:
    """A role held on the day asked for."""

    contact_id: int
    unit_id: int
    unit_name: str
    level: str
    role: str


def held(on: date) -> ColumnElement[bool]:
    """The condition that an appointment is in force on a day."""
    return and_(
        appointment.c.valid_from <= on,
        or_(appointment.c.valid_to.is_(None), appointment.c.valid_to >= on),
    )


def of_contacts(db: Connection, contact_ids: Iterable[int], on: date) -> dict[int, list[Appointment]]:
    """Return each contact's appointments on a day, in the order they were given."""
    query = (
        select(appointment.c.contact_id, appointment.c.unit_id, appointment.c.role)
        .where(appointment.c.contact_id.in_(list(contact_ids)), held(on))
        .order_by(appointment.c.id)
    )
    held_by: dict[int, list[Appointment]] = {}
    for contact_id, unit_id, role in db.execute(query).all():
        place = units.get(db, unit_id, on)
        if place is not None:
            post = Appointment(contact_id, unit_id, place.name, place.level, role)
            held_by.setdefault(contact_id, []).append(post)
    return held_by


def appoint(db: Connection, contact_id: int, unit_id: int, role: str, *, since: date) -> int:
    """Give a contact a role in a unit from a day on and return the appointment's id."""
    values = {"contact_id": contact_id, "unit_id": unit_id, "role": role, "valid_from": since}
    return int(db.execute(appointment.insert().values(**values).returning(appointment.c.id)).scalar_one())


def scope_of(db: Connection, contact_id: int, roles: Collection[str], on: date) -> list[int]:
    """Return the units in which a contact holds one of `roles`; her scope is their subtrees. Empty means none."""
    query = select(appointment.c.unit_id).where(
        appointment.c.contact_id == contact_id, appointment.c.role.in_(list(roles)), held(on)
    )
    return list(db.scalars(query))


def may(db: Connection, contact_id: int, unit_id: int, roles: Collection[str], on: date) -> bool:
    """Tell whether a contact holds one of `roles` in `unit_id` or above it on a day."""
    return units.is_within(db, unit_id, scope_of(db, contact_id, roles, on), on)


def all_holders(db: Connection, roles: Collection[str], on: date) -> list[int]:
    """Return the contacts who hold one of `roles` anywhere on a day, each once, in the order of their contacts."""
    query = select(appointment.c.contact_id).where(appointment.c.role.in_(list(roles)), held(on)).distinct()
    return list(db.scalars(query.order_by(appointment.c.contact_id)))


def nearest_holders(
    db: Connection, unit_id: int, roles: Collection[str], on: date, *, without: int | None = None
) -> list[int]:
    """Return the contacts with one of `roles` in `unit_id` itself or, if nobody else, in the nearest unit above.

    `without` is a contact who does not count: nobody decides on her own matter.
    """
    for place_id in (unit_id, *(above.id for above in units.ancestors(db, unit_id, on))):
        query = select(appointment.c.contact_id).where(
            appointment.c.unit_id == place_id, appointment.c.role.in_(list(roles)), held(on)
        )
        holders = [holder for holder in db.scalars(query.order_by(appointment.c.id)) if holder != without]
        if holders:
            return list(dict.fromkeys(holders))
    return []
