"""Whom a campaign is for: who is meant and may be written to, counted before it runs and frozen when it does.

Meant is who on a day is a member or holds a post in the subtree of a unit, or with a role only who holds that post.
May be written to is who opened a channel herself and did not ask us to stop; danger to life passes that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Date,
    MetaData,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    union,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable

from dialogue.campaign_text import ALERT
from storage import units
from storage.appointments import held
from storage.deliveries import BROADCASTS
from storage.schema import address, appointment, contact, delivery, member, membership
from storage.types import Instant, RowId

MOST_COUNTED = 20_000
"""Posts and memberships that are looked at while an officer waits for an answer; of more a sample must do."""

SAMPLE, LEAST_HITS = 2_000, 50

Narrow = Callable[[Any, Any], tuple[ColumnElement[bool], ...]]
"""What the unit and the contact of a post or a membership must satisfy."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a message is for, seen on a day. `is_alert`: danger to life, so those who said stop are meant too."""

    unit_id: int
    role: str | None
    on: date
    is_alert: bool = False


@dataclass(frozen=True, slots=True)
class Size:
    """How many people a message would reach; of a large audience `people` is an estimate, in thousands."""

    people: int
    is_exact: bool = True


def size(db: Connection, who: Audience, *, most: int = MOST_COUNTED) -> Size:
    """Return how many people a message would reach, by a sample where the rows to look at are more than `most`."""
    estimate = None if _is_small(db, who, most) else _estimate(db, who)
    if estimate is not None:
        return Size(estimate, is_exact=False)
    return Size(int(db.scalar(_people(who, func.count())) or 0))


def _estimate(db: Connection, who: Audience) -> int | None:
    """Return how many of all contacts would be reached, judged by some of them; None if they are too few to say."""
    last = db.scalar(select(func.max(contact.c.id))) or 0
    sample = range(1, last + 1, max(1, last // SAMPLE))
    query = select(func.count()).where(contact.c.id.in_(sample), _may_get(is_alert=who.is_alert), _is_meant(who))
    hits = int(db.scalar(query) or 0)
    return round(hits * last / len(sample) / 1_000) * 1_000 if hits >= LEAST_HITS else None


def is_empty(db: Connection, who: Audience) -> bool:
    """Tell whether a message would reach nobody; the first one found is enough."""
    posts, *people = _meant_parts(who.role, who.on, _within(who))
    return all(
        db.execute(
            part.join(contact, contact.c.id == part.selected_columns[0]).where(_may_get(is_alert=who.is_alert)).limit(1)
        ).first()
        is None
        for part in (posts, *people)
    )


def longest_name(db: Connection, who: Audience, *, over: int = 0, most: int = MOST_COUNTED) -> str:
    """Return the longest name in an audience of those with more than `over` characters; empty where there is none."""
    is_long = func.length(contact.c.name) > over
    query = (
        _people(who, contact.c.name).where(is_long)
        if _is_small(db, who, most)
        else select(contact.c.name).where(is_long, _may_get(is_alert=who.is_alert), _is_meant(who))
    )
    return str(db.scalar(query.order_by(func.length(contact.c.name).desc()).limit(1)) or "")


def _is_small(db: Connection, who: Audience, most: int) -> bool:
    return _has_at_most(db, units.subtree([who.unit_id], who.on), who.role, most)


def _within(who: Audience) -> Narrow:
    scope = units.subtree([who.unit_id], who.on)
    return lambda unit_id, _: (unit_id.in_(scope),)


def _is_meant(who: Audience) -> ColumnElement[bool]:
    """The condition that a contact is meant, looked up for each of them: for few out of many."""
    within = _within(who)
    parts = _meant_parts(who.role, who.on, lambda unit, own: (*within(unit, own), own == contact.c.id))
    return or_(*(part.correlate(contact).exists() for part in parts))


def roles_within(db: Connection, unit_id: int, on: date) -> list[str]:
    """Return the roles held in a unit or below on a day, those held by most people first."""
    query = (
        select(appointment.c.role)
        .where(appointment.c.unit_id.in_(units.subtree([unit_id], on)), held(on))
        .group_by(appointment.c.role)
        .order_by(func.count().desc(), appointment.c.role)
    )
    return list(db.scalars(query))


def _people(who: Audience, *wanted: Any) -> Select[Any]:
    meant = _meant(who.role, who.on, _within(who))
    return select(*wanted).select_from(contact).where(contact.c.id.in_(meant), _may_get(is_alert=who.is_alert))


def _meant(role: Any, on: Any, narrow: Narrow) -> Any:
    """The ids of the contacts that are meant, among the posts and memberships that satisfy `narrow`."""
    parts = _meant_parts(role, on, narrow)
    return parts[0] if len(parts) == 1 else union(*parts)


def _meant_parts(role: Any, on: Any, narrow: Narrow) -> list[Select[Any]]:
    posts = select(appointment.c.contact_id).where(*narrow(appointment.c.unit_id, appointment.c.contact_id), held(on))
    if role is not None:
        return [posts.where(appointment.c.role == role)]
    people = (
        select(member.c.contact_id)
        .join(membership, membership.c.member_id == member.c.id)
        .where(
            *narrow(membership.c.unit_id, member.c.contact_id),
            member.c.contact_id.is_not(None),
            member.c.erased_at.is_(None),
            membership.c.valid_from <= on,
            or_(membership.c.valid_to.is_(None), membership.c.valid_to >= on),
        )
    )
    return [posts, people]


def _may_get(*, is_alert: bool) -> ColumnElement[bool]:
    reachable = exists().where(address.c.contact_id == contact.c.id, address.c.state == "live")
    if is_alert:
        return and_(contact.c.erased_at.is_(None), reachable)
    return and_(contact.c.erased_at.is_(None), contact.c.stopped_at.is_(None), reachable)


# --- Freezing ---

_scope = Table(
    "run_scope",
    MetaData(),
    Column("broadcast_id", RowId, primary_key=True),
    Column("unit_id", RowId, primary_key=True),
    prefixes=["TEMPORARY"],
    sqlite_with_rowid=False,
)
"""The units of a run being frozen, worked out once and not for every page. Each connection has its own and loses it."""

_RUN: Any = bindparam("run", type_=RowId)
_AFTER: Any = bindparam("after", type_=RowId)
_UP_TO: Any = bindparam("up_to", type_=RowId)
_AT: Any = bindparam("at", type_=Instant)
_ON: Any = bindparam("on", type_=Date)
_ROLE: Any = bindparam("role")
_UNITS = select(_scope.c.unit_id).where(_scope.c.broadcast_id == _RUN)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the audience of a run: contacts with ids over `after` up to `up_to`; without them, all at once."""

    broadcast_id: int
    who: Audience
    at: datetime
    after: int | None = None
    up_to: int | None = None


def know_scope(db: Connection, broadcast_id: int, who: Audience) -> None:
    """Work out the units of a run unless this connection knows them."""
    db.execute(CreateTable(_scope, if_not_exists=True))
    if db.execute(_UNITS.limit(1), {"run": broadcast_id}).first() is not None:
        return
    below = units.subtree([who.unit_id], who.on).subquery()
    rows = _scope.insert().from_select(["broadcast_id", "unit_id"], select(_RUN, below.c.id))
    db.execute(rows, {"run": broadcast_id})


def take_in(db: Connection, page: Page) -> int:
    """Insert the messages of a page of the audience and return how many; nobody gets a second one.

    The units must be known (`know_scope`).
    """
    values = {"run": page.broadcast_id, "at": page.at, "on": page.who.on}
    values |= {"role": page.who.role} if page.who.role is not None else {}
    values |= {"after": page.after, "up_to": page.up_to} if page.after is not None else {}
    statement = _taking_in(db.dialect.name, page.who.role is not None, page.who.is_alert, page.after is not None)
    return db.execute(statement, values, execution_options={"preserve_rowcount": True}).rowcount


def has_at_most(db: Connection, broadcast_id: int, who: Audience, most: int) -> bool:
    """Tell whether the posts and memberships of a run's known units are so few that its audience needs no pages."""
    return _has_at_most(db, _UNITS, who.role, most, run=broadcast_id)


def _has_at_most(db: Connection, scope: Select[Any], role: str | None, most: int, **values: Any) -> bool:
    found = 0
    for table in (appointment,) if role is not None else (appointment, membership):
        rows = select(literal_column("1")).where(table.c.unit_id.in_(scope)).limit(most + 1).subquery()
        found += int(db.scalar(select(func.count()).select_from(rows), values) or 0)
    return found <= most


def forget_scope(db: Connection, broadcast_id: int) -> None:
    """Let go of the units of a run whose audience is complete."""
    db.execute(_scope.delete().where(_scope.c.broadcast_id == broadcast_id))


@cache
def _taking_in(dialect_name: str, has_role: bool, is_alert: bool, is_part: bool) -> Any:
    dialect: Any = postgresql if dialect_name == "postgresql" else sqlite
    meant = _meant(_ROLE if has_role else None, _ON, _within_part if is_part else _within_all)
    chosen: dict[str, Any] = {
        "contact_id": contact.c.id,
        "broadcast_id": _RUN,
        "lane": literal_column(str(BROADCASTS)),
        "sort": literal_column(f"'{ALERT}'" if is_alert else "'broadcast'"),
        "state": literal_column("'ready'"),
        "attempt": literal_column("0"),
        "tries": literal_column("0"),
        "due_at": _AT,
        "restricted": literal_column("false"),
        "created_at": _AT,
    }
    people = select(*chosen.values()).where(contact.c.id.in_(meant), _may_get(is_alert=is_alert))
    insert = dialect.insert(delivery).from_select(list(chosen), people, include_defaults=False)
    return insert.on_conflict_do_nothing(index_elements=["broadcast_id", "contact_id"])


def _within_all(unit_id: Any, _contact_id: Any) -> tuple[ColumnElement[bool], ...]:
    return (unit_id.in_(_UNITS),)


def _within_part(unit_id: Any, contact_id: Any) -> tuple[ColumnElement[bool], ...]:
    # Looked up row by row: a list of the units would be made anew for every page.
    in_scope = exists().where(_scope.c.broadcast_id == _RUN, _scope.c.unit_id == unit_id)
    return (contact_id > _AFTER, contact_id <= _UP_TO, in_scope)
