"""One-time invitations: to hold a role in a unit, or to reach one's own matters from another address.

Only a digest of the code is kept. A code works once, for seven days, and after a few wrong tries none is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, func, select, update

from storage import appointments, codes, contacts, units
from storage.schema import code_try, inbox, invitation

VALID = timedelta(days=7)
MOST_TRIES = 5
TRIES_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Offer:
    """What an unused code offers: a role in a unit, or (`contact_id`) to be known as an existing person."""

    id: int
    unit_id: int | None
    unit_name: str | None
    role: str | None
    contact_id: int | None


def create(
    db: Connection,
    *,
    at: datetime,
    created_by: int | None,
    unit_id: int | None = None,
    role: str | None = None,
    contact_id: int | None = None,
    valid: timedelta = VALID,
) -> str:
    """Insert an invitation and return its code, which nobody can read again later.

    Give `unit_id` and `role` for an officer, or `contact_id` for a door to an existing person, or all three.
    """
    if (unit_id is None) != (role is None) or (unit_id is None and contact_id is None):
        raise ValueError("an invitation offers a role in a unit, or an existing person")
    code = codes.invitation_code()
    values = {
        "code_hash": codes.code_digest(code),
        "unit_id": unit_id,
        "role": role,
        "contact_id": contact_id,
        "created_by": created_by,
        "created_at": at,
        "expires_at": at + valid,
    }
    db.execute(invitation.insert().values(**values))
    return code


def close_own_doors(db: Connection, contact_id: int, *, at: datetime) -> None:
    """End the doors to herself that a contact made and nobody used."""
    hers = (invitation.c.contact_id == contact_id) & (invitation.c.created_by == contact_id)
    unused = hers & invitation.c.used_at.is_(None) & (invitation.c.expires_at > at)
    db.execute(update(invitation).where(unused).values(expires_at=at))


def offered(db: Connection, code_hash: bytes, contact_id: int, now: datetime, on: date) -> Offer | None:
    """Return what a code offers; None if it is unknown, used, over its time, or `contact_id` tried too often."""
    if tries(db, contact_id, now) >= MOST_TRIES:
        return None
    query = select(invitation.c.id, invitation.c.unit_id, invitation.c.role, invitation.c.contact_id).where(
        invitation.c.code_hash == code_hash, invitation.c.used_at.is_(None), invitation.c.expires_at > now
    )
    row = db.execute(query).first()
    if row is None:
        return None
    place = units.get(db, row.unit_id, on) if row.unit_id is not None else None
    return Offer(row.id, row.unit_id, place.name if place else None, row.role, row.contact_id)


def redeem(db: Connection, code_hash: bytes, contact_id: int, *, now: datetime, on: date) -> Offer | None:
    """Use a code up and return what it offered; of many at once exactly one gets it, the others None."""
    offer = offered(db, code_hash, contact_id, now, on)
    if offer is None:
        return None
    unused = (invitation.c.id == offer.id) & invitation.c.used_at.is_(None) & (invitation.c.expires_at > now)
    used = db.execute(update(invitation).where(unused).values(used_at=now, used_by=contact_id))
    return offer if used.rowcount == 1 else None


def fulfil(db: Connection, offer: Offer, contact_id: int, *, inbox_id: int, on: date) -> int:
    """Give what a code offers and return the contact who has it now.

    With `offer.contact_id` the address that wrote row `inbox_id` becomes that person's.
    """
    holder = offer.contact_id or contact_id
    if holder != contact_id:
        address_id = db.scalar(select(inbox.c.address_id).where(inbox.c.id == inbox_id))
        if address_id is not None:
            contacts.bind(db, address_id, holder)
    if offer.unit_id is not None and offer.role is not None:
        held = appointments.of_contacts(db, [holder], on).get(holder, [])
        if (offer.unit_id, offer.role) not in [(post.unit_id, post.role) for post in held]:
            appointments.appoint(db, holder, offer.unit_id, offer.role, since=on)
    return holder


def tries(db: Connection, contact_id: int, now: datetime) -> int:
    """Return how many wrong codes a contact typed within the last hour."""
    recent = (code_try.c.contact_id == contact_id) & (code_try.c.at > now - TRIES_WITHIN)
    return int(db.scalar(select(func.count()).select_from(code_try).where(recent)) or 0)


def count_try(db: Connection, contact_id: int, now: datetime) -> None:
    """Remember a wrong code, and forget those of the days before."""
    db.execute(code_try.delete().where(code_try.c.contact_id == contact_id, code_try.c.at < now - timedelta(days=1)))
    db.execute(code_try.insert().values(contact_id=contact_id, at=now))


def arrived_at(db: Connection, inbox_id: int) -> datetime:
    """Return when a message reached us. Her phone's clock, kept with the message too, decides nothing about a code."""
    received_at: datetime = db.execute(select(inbox.c.received_at).where(inbox.c.id == inbox_id)).scalar_one()
    return received_at
