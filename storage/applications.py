"""Wishes to join: submitted, then admitted, declined or withdrawn, once. Birth date and phone are sealed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, FromClause, and_, bindparam, exists, or_, select, update

from storage import codes, units
from storage.schema import application, unit_version
from storage.sealing import Place, Sealer
from vietnamese.fold import fold

PREFIX = "DK"
MOST_PLACES = 8
_OLD = "cu"  # "xã Hòa Phú cũ"


@dataclass(frozen=True, slots=True)
class NewApplication:
    """What she told us. `birth` is 1990 or 1990-05-12, `phone` +84… or nothing."""

    contact_id: int
    unit_id: int
    full_name: str
    birth: str
    phone: str | None


@dataclass(frozen=True, slots=True)
class Application:
    """An application without its sealed parts. `state`: submitted, admitted, declined, withdrawn."""

    id: int
    uid: str
    code: str
    contact_id: int
    unit_id: int
    full_name: str
    state: str
    reason: str | None
    decided_by: int | None
    decided_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Details:
    """The sealed parts, opened: 1990 or 1990-05-12, +84…"""

    birth: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class Spot:
    """A unit people can join, with the unit above it."""

    id: int
    name: str
    above: str


_APPLICATION = select(*(application.c[name] for name in Application.__slots__))


# Asked in every turn of a registration, so it is put together once.
_OPEN_OF = _APPLICATION.where(application.c.contact_id == bindparam("of"), application.c.state == "submitted").order_by(
    application.c.id.desc()
)
_own, _above, _below = unit_version.alias("own"), unit_version.alias("above"), unit_version.alias("below")


def submit(db: Connection, sealer: Sealer, new: NewApplication, *, at: datetime) -> str:
    """Keep an application and return its code. The caller has made sure that none is open."""
    uid = uuid4().hex
    values = {
        "uid": uid,
        "contact_id": new.contact_id,
        "unit_id": new.unit_id,
        "full_name": new.full_name,
        "birth_sealed": sealer.seal(new.birth, Place("application", "birth_sealed", uid)),
        "state": "submitted",
        "created_at": at,
    }
    if new.phone:
        values["phone_sealed"] = sealer.seal(new.phone, Place("application", "phone_sealed", uid))
        values["phone_index"] = sealer.index(new.phone)
    _, code = codes.insert_coded(db, application, PREFIX, values)
    return code


def by_code(db: Connection, code: str) -> Application | None:
    """Return an application whatever its state; None if the code is unknown."""
    row = db.execute(_APPLICATION.where(application.c.code == code)).first()
    return None if row is None else Application(*row)


def open_of(db: Connection, contact_id: int) -> Application | None:
    """Return the application of a contact that waits for a decision, if any."""
    row = db.execute(_OPEN_OF, {"of": contact_id}).first()
    return None if row is None else Application(*row)


def of_contact(db: Connection, contact_id: int) -> list[Application]:
    """Return every application of a contact, oldest first."""
    query = _APPLICATION.where(application.c.contact_id == contact_id).order_by(application.c.id)
    return [Application(*row) for row in db.execute(query)]


def details(db: Connection, sealer: Sealer, wanted: Application) -> Details:
    """Return the sealed parts, opened. Who may see them is the caller's to check; `CannotOpen` if tampered with."""
    row = db.execute(
        select(application.c.birth_sealed, application.c.phone_sealed).where(application.c.id == wanted.id)
    ).one()
    birth, phone = (
        sealer.open(sealed, Place("application", column, wanted.uid)) if sealed else None
        for column, sealed in zip(("birth_sealed", "phone_sealed"), row, strict=True)
    )
    return Details(birth, phone)


def decide(db: Connection, application_id: int, *, state: str, reason: str | None, by: int, at: datetime) -> bool:
    """Admit or decline an application; False if somebody decided before, and then nothing changed."""
    waiting = (application.c.id == application_id) & (application.c.state == "submitted")
    values = {"state": state, "reason": reason, "decided_by": by, "decided_at": at}
    return db.execute(update(application).where(waiting).values(**values)).rowcount == 1


def correct(db: Connection, sealer: Sealer, wanted: Application, field: str, value: str) -> bool:
    """Correct `name`, `birth` or `phone` of an application that still waits; False if it was decided meanwhile."""
    values: dict[str, str | bytes]
    if field == "name":
        values = {"full_name": value}
    else:
        values = {f"{field}_sealed": sealer.seal(value, Place("application", f"{field}_sealed", wanted.uid))}
    if field == "phone":
        values["phone_index"] = sealer.index(value)
    waiting = (application.c.id == wanted.id) & (application.c.state == "submitted")
    return db.execute(update(application).where(waiting).values(**values)).rowcount == 1


def withdraw(db: Connection, contact_id: int, *, at: datetime) -> list[str]:
    """Take back what is open of a contact, blank its details, and return the codes."""
    waiting = (application.c.contact_id == contact_id) & (application.c.state == "submitted")
    values = {**BLANK, "state": "withdrawn", "decided_at": at}
    taken_back = update(application).where(waiting).values(**values).returning(application.c.code)
    return list(db.scalars(taken_back))


BLANK = {"full_name": "", "birth_sealed": None, "phone_sealed": None, "phone_index": None, "reason": None}
"""What stays of an application whose person is erased: that there was one."""


def waiting_in(
    db: Connection, scope_ids: Collection[int], on: date, *, without: int, limit: int = 10
) -> list[Application]:
    """Return what waits for a decision in the subtrees of `scope_ids`, oldest first.

    `without` is the officer who asks: nobody decides on her own matter.
    """
    query = _APPLICATION.where(
        application.c.state == "submitted",
        application.c.contact_id != without,
        application.c.unit_id.in_(units.subtree(list(scope_ids), on)),
    )
    return [Application(*row) for row in db.execute(query.order_by(application.c.id).limit(limit))]


def places_named(db: Connection, text: str, on: date, levels: tuple[str, ...]) -> list[Spot]:
    """Return the units people can join whose name, with that of the unit above, holds every typed word.

    These are units without any below them, at one of `levels` (where members are admitted) or directly under one.
    Old names count, for they are in the look-up key. The shortest name comes first, eight at most.
    """
    words = [word for word in fold(text).split() if word != _OLD][:8]
    if not words:
        return []
    own, above, below = _own, _above, _below
    leaf = ~exists().where(below.c.parent_id == own.c.unit_id, _in_force(below, on))
    query = (
        select(own.c.unit_id, own.c.name, above.c.name, own.c.search_key)
        .join(above, above.c.unit_id == own.c.parent_id)
        .where(_in_force(own, on), _in_force(above, on), leaf)
        .where(or_(own.c.level.in_(levels), above.c.level.in_(levels)))
    )
    for word in words:
        query = query.where((own.c.search_key + above.c.search_key).contains(f" {word}", autoescape=True))
    rows = sorted(db.execute(query.limit(200)).all(), key=lambda row: (len(row[3]), row[1], row[2]))
    return [Spot(*row[:3]) for row in rows[:MOST_PLACES]]


def _in_force(version: FromClause, on: date) -> ColumnElement[bool]:
    return and_(
        or_(version.c.valid_from.is_(None), version.c.valid_from <= on),
        or_(version.c.valid_to.is_(None), version.c.valid_to >= on),
    )
