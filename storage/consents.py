"""Consents: for which purpose, to which text, when, where, recorded by whom. Never changed, only withdrawn.

And the one word that stops everything, which needs no consent and beats every officer.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from dialogue.campaign_text import ALERT
from storage import contacts
from storage.schema import consent, delivery

MEMBERSHIP = "membership"
TRANSFER_ABROAD = "transfer_abroad"


@dataclass(frozen=True, slots=True)
class NewConsent:
    """A yes she gave. `text_shown` is what she read, word for word; `recorded_by` is herself or who wrote it down."""

    contact_id: int
    purpose: str
    text_version: str
    text_shown: str
    channel: str
    recorded_by: int
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent in force."""

    purpose: str
    text_version: str
    given_at: datetime


def give(db: Connection, new: NewConsent) -> int:
    """Record a consent and return its id."""
    values = {name: getattr(new, name) for name in NewConsent.__slots__}
    return int(db.execute(consent.insert().values(**values).returning(consent.c.id)).scalar_one())


def in_force(db: Connection, contact_id: int) -> list[Consent]:
    """Return the consents of a contact that are not withdrawn, oldest first."""
    query = (
        select(consent.c.purpose, consent.c.text_version, consent.c.given_at)
        .where(consent.c.contact_id == contact_id, consent.c.withdrawn_at.is_(None))
        .order_by(consent.c.id)
    )
    return [Consent(*row) for row in db.execute(query)]


def given_by(db: Connection, contact_ids: Collection[int], purpose: str) -> set[int]:
    """Return which of these contacts gave a consent for a purpose that is in force."""
    query = select(consent.c.contact_id).where(
        consent.c.contact_id.in_(list(contact_ids)), consent.c.purpose == purpose, consent.c.withdrawn_at.is_(None)
    )
    return set(db.scalars(query))


def recorder_of(db: Connection, contact_id: int, purpose: str) -> int | None:
    """Return who wrote down a contact's latest consent for a purpose, herself included; None if there is none."""
    query = select(consent.c.recorded_by).where(consent.c.contact_id == contact_id, consent.c.purpose == purpose)
    recorder: int | None = db.scalar(query.order_by(consent.c.id.desc()).limit(1))
    return recorder


def withdraw_all(db: Connection, contact_id: int, *, at: datetime) -> int:
    """Withdraw every consent of a contact and return how many were in force."""
    hers = (consent.c.contact_id == contact_id) & consent.c.withdrawn_at.is_(None)
    return db.execute(update(consent).where(hers).values(withdrawn_at=at)).rowcount


def stop_everything(db: Connection, contact_id: int, *, at: datetime) -> int:
    """Send a contact nothing but answers from now on; return how many waiting broadcast messages were cancelled.

    What tells of danger to life still goes to her.
    """
    contacts.set_stopped(db, contact_id, at)
    hers = (delivery.c.state == "ready") & (delivery.c.contact_id == contact_id)
    waiting = hers & delivery.c.broadcast_id.is_not(None) & (delivery.c.sort != ALERT)
    cancelled = update(delivery).where(waiting).values(state="cancelled", reason="stopped", settled_at=at)
    return db.execute(cancelled).rowcount
