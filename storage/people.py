"""All that is kept of one person, for herself: read it together, correct it wherever it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, select

from storage import applications, consents, contacts, members
from storage.applications import Application, Details
from storage.consents import Consent
from storage.members import Member
from storage.schema import address, inbox, report
from storage.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a contact. `messages` counts those whose text is still here."""

    name: str | None
    members: tuple[Member, ...]
    waiting: tuple[tuple[Application, Details], ...]
    consents: tuple[Consent, ...]
    addresses: int
    messages: int
    reports: int


def kept_of(db: Connection, sealer: Sealer, contact_id: int, on: date) -> Kept:
    """Return everything kept of a contact, sealed values opened; only for herself."""
    hers = select(address.c.id).where(address.c.contact_id == contact_id)
    waiting = applications.open_of(db, contact_id)
    known = contacts.get_many(db, [contact_id]).get(contact_id)
    with_text = inbox.c.address_id.in_(hers) & inbox.c.body.is_not(None)
    return Kept(
        name=known.name if known else None,
        members=tuple(members.of_contact(db, sealer, contact_id, on)),
        waiting=((waiting, applications.details(db, sealer, waiting)),) if waiting else (),
        consents=tuple(consents.in_force(db, contact_id)),
        addresses=len(contacts.live_addresses(db, contact_id)),
        messages=db.scalar(select(func.count()).select_from(inbox).where(with_text)) or 0,
        reports=db.scalar(select(func.count()).select_from(report).where(report.c.author_id == contact_id)) or 0,
    )


def correct(db: Connection, sealer: Sealer, contact_id: int, field: str, value: str) -> bool:
    """Correct `name`, `birth` or `phone` wherever it is kept of a contact; False if it is kept nowhere."""
    people = members.ids_of_contact(db, contact_id)
    for member_id, uid in people:
        if field == "name":
            members.rename(db, member_id, value)
        elif field == "birth":
            members.set_birth(db, sealer, member_id, uid, value)
        else:
            members.set_phone(db, sealer, member_id, uid, value)
    waiting = applications.open_of(db, contact_id)
    changed = waiting is not None and applications.correct(db, sealer, waiting, field, value)
    known = contacts.get_many(db, [contact_id]).get(contact_id)
    if field == "name" and known is not None and (known.name or people):
        contacts.set_name(db, contact_id, value)
        return True
    return bool(people) or changed
