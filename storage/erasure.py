"""Erase a person everywhere: her name, her sealed values, her messages and ours to her. Reports stay, without her.

A keyed tombstone keeps her erased when a list is imported or a backup restored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, func, null, or_, select, update

from storage import applications, audit, consents, members, sessions
from storage.applications import BLANK
from storage.calls import blank_deliveries
from storage.schema import (
    address,
    application,
    appointment,
    call_for_help,
    contact,
    delivery,
    inbox,
    member,
    membership,
    report,
    tombstone,
)
from storage.sealing import Sealer

ERASED = "—"
"""What stands where a name stood."""


def erase(db: Connection, sealer: Sealer, contact_id: int, *, at: datetime, on: date, inbox_id: int) -> None:
    """Erase a contact and the members she is. Her address stays for the last answer (`forget_addresses`).

    Memberships end on the day, her rights at once; consents are withdrawn, reports lose her name. `inbox_id` is the
    message that asked for it.
    """
    names = _names(db, contact_id)
    _bury(db, sealer, contact_id, at=at, on=on)
    _blank_applications(db, contact_id, at=at)
    _blank_members(db, contact_id, at=at, on=on)
    _unname_reports(db, contact_id, names)
    blank_messages(db, contact_id, inbox_id=inbox_id)
    blank_deliveries(db, contact_id)
    sessions.forget(db, contact_id)
    consents.withdraw_all(db, contact_id, at=at)
    still_held = or_(appointment.c.valid_to.is_(None), appointment.c.valid_to >= on)
    hers = (appointment.c.contact_id == contact_id) & still_held
    db.execute(update(appointment).where(hers).values(valid_to=on - timedelta(days=1)))
    calls_of_hers = call_for_help.c.contact_id == contact_id
    db.execute(update(call_for_help).where(calls_of_hers).values(words_sealed=None, state="erased"))
    db.execute(update(contact).where(contact.c.id == contact_id).values(name=None, erased_at=at, stopped_at=at))


def blank_messages(db: Connection, contact_id: int, *, inbox_id: int) -> None:
    """Blank what a contact wrote, up to the message `inbox_id` being worked on; messages that still wait stay."""
    hers = select(address.c.id).where(address.c.contact_id == contact_id)
    handled = (inbox.c.state != "open") | (inbox.c.id == inbox_id)
    db.execute(update(inbox).where(inbox.c.address_id.in_(hers), handled).values(body=null()))


def forget_addresses(db: Connection, *, erased_before: datetime) -> int:
    """Let go of the addresses of people erased before an instant, once nothing waits to be sent; return how many.

    Whoever writes from there afterwards is a stranger to us.
    """
    waiting = select(delivery.c.contact_id).where(delivery.c.state.in_(("ready", "sending")))
    gone = select(contact.c.id).where(contact.c.erased_at <= erased_before, contact.c.id.not_in(waiting))
    ids = list(db.scalars(select(address.c.id).where(address.c.contact_id.in_(gone), address.c.state != "dead")))
    for address_id in ids:
        blank = {"external_id": f"erased-{address_id}", "state": "dead"}
        db.execute(update(address).where(address.c.id == address_id).values(**blank))
    return len(ids)


def welcome_back(db: Connection, contact_id: int) -> None:
    """Take a contact who was erased for a living one: she registers again, of her own will."""
    again = (contact.c.id == contact_id) & contact.c.erased_at.is_not(None)
    db.execute(update(contact).where(again).values(erased_at=None, stopped_at=None))


def is_buried(db: Connection, sealer: Sealer, marks: Iterable[str]) -> bool:
    """Tell whether any of `marks` (`member:<uid>`, `address:<channel>:<id>`, `phone:+84…`) is of an erased person."""
    digests = [sealer.digest(mark) for mark in marks]
    return db.scalar(select(tombstone.c.id).where(tombstone.c.person_index.in_(digests)).limit(1)) is not None


def _bury(db: Connection, sealer: Sealer, contact_id: int, *, at: datetime, on: date) -> None:
    people = members.of_contact(db, sealer, contact_id, on)
    places = db.execute(select(address.c.channel, address.c.external_id).where(address.c.contact_id == contact_id))
    marks = [f"address:{row.channel}:{row.external_id}" for row in places]
    marks += [f"member:{person.uid}" for person in people]
    marks += [f"phone:{person.phone}" for person in people if person.phone]
    for mark in dict.fromkeys(marks):
        if not is_buried(db, sealer, [mark]):
            db.execute(tombstone.insert().values(person_index=sealer.digest(mark), erased_at=at))


def _names(db: Connection, contact_id: int) -> list[str]:
    found = [
        *db.scalars(select(contact.c.name).where(contact.c.id == contact_id)),
        *db.scalars(select(member.c.full_name).where(member.c.contact_id == contact_id)),
        *db.scalars(select(application.c.full_name).where(application.c.contact_id == contact_id)),
    ]
    return sorted({name for name in found if name}, key=len, reverse=True)


def _blank_applications(db: Connection, contact_id: int, *, at: datetime) -> None:
    applications.withdraw(db, contact_id, at=at)
    for each in applications.of_contact(db, contact_id):
        # Officers who opened it have her name and year in an answer of ours; the code stands in that text.
        for officer in audit.actors_of(db, f"application:{each.code}"):
            blank_deliveries(db, officer, naming=each.code)
    db.execute(update(application).where(application.c.contact_id == contact_id).values(**BLANK))


def _blank_members(db: Connection, contact_id: int, *, at: datetime, on: date) -> None:
    ids = [member_id for member_id, _ in members.ids_of_contact(db, contact_id)]
    for member_id in ids:
        members.leave(db, member_id, on=on, reason="erased")
    db.execute(update(membership).where(membership.c.member_id.in_(ids)).values(reason="erased"))
    nothing = {"birth_sealed": None, "phone_sealed": None, "phone_index": None}
    blank = {"full_name": ERASED, "search_key": "", **nothing, "erased_at": at}
    db.execute(update(member).where(member.c.id.in_(ids)).values(**blank))


def _unname_reports(db: Connection, contact_id: int, names: Sequence[str]) -> None:
    for name in names:
        text = func.replace(report.c.source_text, name, ERASED)
        hers = (report.c.author_id == contact_id) & report.c.source_text.contains(name, autoescape=True)
        db.execute(update(report).where(hers).values(source_text=text))
