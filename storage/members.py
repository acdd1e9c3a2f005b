"""Members of the Union and their dated memberships. Birth date and phone are sealed; look-up by phone is blind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from storage import units
from storage.schema import member, membership
from storage.sealing import Place, Sealer
from vietnamese.names import name_key


@dataclass(frozen=True, slots=True)
class NewMember:
    """Who is admitted. `birth` is 1990 or 1990-05-12, `phone` +84…; without a channel there is no contact."""

    contact_id: int | None
    full_name: str
    birth: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A member with the sealed values opened. `units` holds (id, name) of the units she belongs to now."""

    id: int
    uid: str
    full_name: str
    birth: str | None
    phone: str | None
    units: tuple[tuple[int, str], ...]


def belongs(on: date) -> ColumnElement[bool]:
    """The condition that a membership is in force on a day."""
    return and_(membership.c.valid_from <= on, or_(membership.c.valid_to.is_(None), membership.c.valid_to >= on))


def add(db: Connection, sealer: Sealer, new: NewMember, *, at: datetime) -> int:
    """Insert a member who belongs nowhere yet and return her id."""
    uid = uuid4().hex
    values = {
        "uid": uid,
        "contact_id": new.contact_id,
        "created_at": at,
        **_named(new.full_name),
        **_birth(sealer, uid, new.birth),
        **_phone(sealer, uid, new.phone),
    }
    return int(db.execute(member.insert().values(**values).returning(member.c.id)).scalar_one())


def join(db: Connection, member_id: int, unit_id: int, *, since: date) -> int:
    """Let a member belong to a unit from a day on and return the membership's id."""
    values = {"member_id": member_id, "unit_id": unit_id, "valid_from": since}
    return int(db.execute(membership.insert().values(**values).returning(membership.c.id)).scalar_one())


def leave(db: Connection, member_id: int, *, on: date, reason: str) -> None:
    """Close the memberships of a member with a day and a reason; they stay as history."""
    open_ones = (membership.c.member_id == member_id) & membership.c.valid_to.is_(None)
    db.execute(update(membership).where(open_ones).values(valid_to=on, reason=reason))


def units_of_contacts(db: Connection, contact_ids: Iterable[int], on: date) -> dict[int, list[tuple[int, str]]]:
    """Return (unit id, unit name) of the units each contact belongs to on a day; who belongs nowhere is left out."""
    query = (
        select(member.c.contact_id, membership.c.unit_id)
        .join(membership, membership.c.member_id == member.c.id)
        .where(member.c.contact_id.in_(list(contact_ids)), member.c.erased_at.is_(None), belongs(on))
        .order_by(membership.c.id)
    )
    found: dict[int, list[tuple[int, str]]] = {}
    for contact_id, unit_id in db.execute(query).all():
        place = units.get(db, unit_id, on)
        if place is not None:
            found.setdefault(contact_id, []).append((unit_id, place.name))
    return found


def ids_of_contact(db: Connection, contact_id: int) -> list[tuple[int, str]]:
    """Return (id, uid) of the members a contact is, erased ones left out: one, or several after an import."""
    query = select(member.c.id, member.c.uid).where(member.c.contact_id == contact_id, member.c.erased_at.is_(None))
    return [(row.id, row.uid) for row in db.execute(query.order_by(member.c.id))]


def of_contact(db: Connection, sealer: Sealer, contact_id: int, on: date) -> list[Member]:
    """Return what is kept of a contact as a member, sealed values opened; `CannotOpen` if one was tampered with."""
    query = select(member).where(member.c.contact_id == contact_id, member.c.erased_at.is_(None))
    places = tuple(units_of_contacts(db, [contact_id], on).get(contact_id, ()))
    return [
        Member(
            row.id,
            row.uid,
            row.full_name,
            _opened(sealer, row.birth_sealed, "birth_sealed", row.uid),
            _opened(sealer, row.phone_sealed, "phone_sealed", row.uid),
            places,
        )
        for row in db.execute(query.order_by(member.c.id))
    ]


def count_namesakes(db: Connection, full_name: str, unit_id: int, on: date) -> int:
    """Return how many members of a unit have this name, accents and apostrophes aside: perhaps she is one already."""
    query = (
        select(func.count())
        .select_from(member)
        .join(membership, membership.c.member_id == member.c.id)
        .where(member.c.search_key == name_key(full_name), membership.c.unit_id == unit_id, belongs(on))
    )
    return int(db.scalar(query) or 0)


def with_phone(db: Connection, sealer: Sealer, phone: str) -> list[int]:
    """Return the ids of the members with a phone (+84…). Families share one, so it proves nothing."""
    query = select(member.c.id).where(member.c.phone_index == sealer.index(phone), member.c.erased_at.is_(None))
    return list(db.scalars(query.order_by(member.c.id)))


def rename(db: Connection, member_id: int, full_name: str) -> None:
    """Correct a name."""
    db.execute(update(member).where(member.c.id == member_id).values(**_named(full_name)))


def set_birth(db: Connection, sealer: Sealer, member_id: int, uid: str, birth: str | None) -> None:
    """Correct or blank a date of birth."""
    db.execute(update(member).where(member.c.id == member_id).values(**_birth(sealer, uid, birth)))


def set_phone(db: Connection, sealer: Sealer, member_id: int, uid: str, phone: str | None) -> None:
    """Correct or blank a phone number (+84…)."""
    db.execute(update(member).where(member.c.id == member_id).values(**_phone(sealer, uid, phone)))


def seal_anew(db: Connection, sealer: Sealer, *, most: int = 500) -> int:
    """Seal values of older keys with the newest one, `most` rows at a time, and return how many rows were done.

    Call it again until it returns 0. It may be cut off at any moment, for the old keys still open.
    """
    newest = bytes([sealer.keys.current])
    stale = [
        and_(column.is_not(None), func.substr(column, 1, 1) != newest)
        for column in (member.c.birth_sealed, member.c.phone_sealed)
    ]
    rows = db.execute(select(member).where(or_(*stale)).order_by(member.c.id).limit(most)).all()
    for row in rows:
        set_birth(db, sealer, row.id, row.uid, _opened(sealer, row.birth_sealed, "birth_sealed", row.uid))
        set_phone(db, sealer, row.id, row.uid, _opened(sealer, row.phone_sealed, "phone_sealed", row.uid))
    return len(rows)


def _named(full_name: str) -> dict[str, str]:
    return {"full_name": full_name, "search_key": name_key(full_name)}


def _birth(sealer: Sealer, uid: str, birth: str | None) -> dict[str, bytes | None]:
    return {"birth_sealed": sealer.seal(birth, Place("member", "birth_sealed", uid)) if birth else None}


def _phone(sealer: Sealer, uid: str, phone: str | None) -> dict[str, bytes | None]:
    sealed = sealer.seal(phone, Place("member", "phone_sealed", uid)) if phone else None
    return {"phone_sealed": sealed, "phone_index": sealer.index(phone) if phone else None}


def _opened(sealer: Sealer, sealed: bytes | None, column: str, uid: str) -> str | None:
    return sealer.open(sealed, Place("member", column, uid)) if sealed else None
