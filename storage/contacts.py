"""People as the bot knows them, and their addresses on the channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, String, cast, literal, literal_column, select, update

from storage.schema import address, contact, delivery, inbox


@dataclass(frozen=True, slots=True)
class Contact:
    """A person: her name if she gave one, her language, and whether she asked us to stop."""

    id: int
    name: str | None
    language: str
    stopped: bool


@dataclass(frozen=True, slots=True)
class Address:
    """A person's identity on one channel."""

    id: int
    contact_id: int
    channel: str
    external_id: str


def create(db: Connection, *, at: datetime, language: str, name: str | None = None) -> int:
    """Insert a contact and return its id."""
    row = contact.insert().values(name=name, language=language, created_at=at).returning(contact.c.id)
    return int(db.execute(row).scalar_one())


def find_address(db: Connection, channel: str, external_id: str) -> Address | None:
    """Return the address of a channel's own id, or None."""
    row = db.execute(_ADDRESSES.where(address.c.channel == channel, address.c.external_id == external_id)).first()
    return None if row is None else Address(*row)


_ADDRESSES = select(address.c.id, address.c.contact_id, address.c.channel, address.c.external_id)


def add_address(db: Connection, contact_id: int, channel: str, external_id: str, *, at: datetime) -> Address:
    """Give a contact an address."""
    values = {"contact_id": contact_id, "channel": channel, "external_id": external_id, "created_at": at}
    row = db.execute(address.insert().values(**values).returning(address.c.id))
    return Address(int(row.scalar_one()), contact_id, channel, external_id)


def address_for(db: Connection, channel: str, external_id: str, *, at: datetime, language: str) -> Address:
    """Return the address of a channel's own id; a stranger becomes a new contact first."""
    known = find_address(db, channel, external_id)
    if known is not None:
        return known
    return add_address(db, create(db, at=at, language=language), channel, external_id, at=at)


def cut_off(db: Connection, channel: str, external_id: str) -> None:
    """Make an address unknown for good: whoever shows its id again is a stranger."""
    there = (address.c.channel == channel, address.c.external_id == external_id)
    gone = literal("gone:", String) + cast(address.c.id, String)
    db.execute(update(address).where(*there).values(state="dead", external_id=gone))


def lose(db: Connection, address_ids: Iterable[int]) -> None:
    """Take addresses for closed: nothing goes there until somebody writes from them."""
    db.execute(update(address).where(address.c.id.in_(list(address_ids))).values(state="dead"))


def find_again(db: Connection, address_ids: Iterable[int]) -> None:
    """Take addresses for open: somebody wrote from them."""
    db.execute(update(address).where(address.c.id.in_(list(address_ids))).values(state="live"))


def bind(db: Connection, address_id: int, contact_id: int) -> None:
    """Make an address another contact's, with the answers that wait: an invitation or a code proved it hers."""
    db.execute(update(address).where(address.c.id == address_id).values(contact_id=contact_id, state="live"))
    waiting = (delivery.c.address_id == address_id, delivery.c.state == "ready", delivery.c.broadcast_id.is_(None))
    db.execute(update(delivery).where(*waiting).values(contact_id=contact_id))


def move_address(db: Connection, address_id: int, external_id: str) -> None:
    """Give an address its new id on its channel; where another one has that id already, this one is dead."""
    channel = select(address.c.channel).where(address.c.id == address_id).scalar_subquery()
    taken = select(address.c.id).where(address.c.channel == channel, address.c.external_id == external_id)
    other = db.scalar(taken)
    moved = update(address).where(address.c.id == address_id)
    db.execute(moved.values(external_id=external_id) if other in (None, address_id) else moved.values(state="dead"))


def holders(db: Connection, address_ids: Iterable[int]) -> dict[int, int]:
    """Return whose each address is now."""
    rows = db.execute(select(address.c.id, address.c.contact_id).where(address.c.id.in_(list(address_ids))))
    return {row.id: row.contact_id for row in rows}


def live_addresses(db: Connection, contact_id: int) -> list[Address]:
    """Return the addresses that may be written to, newest first."""
    query = _ADDRESSES.where(address.c.contact_id == contact_id, address.c.state == "live")
    return [Address(*row) for row in db.execute(query.order_by(address.c.id.desc()))]


def get_many(db: Connection, contact_ids: Iterable[int]) -> dict[int, Contact]:
    """Return contacts by id; unknown ids are left out."""
    query = select(contact.c.id, contact.c.name, contact.c.language, contact.c.stopped_at)
    rows = db.execute(query.where(contact.c.id.in_(list(contact_ids))))
    return {row.id: Contact(row.id, row.name, row.language, row.stopped_at is not None) for row in rows}


def set_language(db: Connection, contact_id: int, language: str) -> None:
    """Remember the language she chose."""
    db.execute(update(contact).where(contact.c.id == contact_id).values(language=language))


def set_name(db: Connection, contact_id: int, name: str) -> None:
    """Remember the name she gave."""
    db.execute(update(contact).where(contact.c.id == contact_id).values(name=name))


def set_stopped(db: Connection, contact_id: int, at: datetime | None) -> None:
    """Stop everything but answers to her own messages, or (None) start again."""
    db.execute(update(contact).where(contact.c.id == contact_id).values(stopped_at=at))


def addresses_waiting(db: Connection, address_ids: Sequence[int]) -> dict[int, int]:
    """Return how many messages of each address are still to be worked on."""
    query = select(inbox.c.address_id).where(
        inbox.c.state == literal_column("'open'"), inbox.c.address_id.in_(address_ids)
    )
    waiting: dict[int, int] = {}
    for address_id in db.scalars(query):
        waiting[address_id] = waiting.get(address_id, 0) + 1
    return waiting
