"""The tree of units over time: names, parents and what became of them. Levels are data, of any depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from storage.schema import succession, unit, unit_version
from vietnamese.fold import fold


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as it is on a day."""

    id: int
    code: str
    level: str
    name: str
    short_name: str
    parent_id: int | None


def in_force(on: date) -> ColumnElement[bool]:
    """The condition that a unit version is in force on a day."""
    return and_(
        or_(unit_version.c.valid_from.is_(None), unit_version.c.valid_from <= on),
        or_(unit_version.c.valid_to.is_(None), unit_version.c.valid_to >= on),
    )


_COLUMNS = (
    unit.c.id,
    unit.c.code,
    unit_version.c.level,
    unit_version.c.name,
    unit_version.c.short_name,
    unit_version.c.parent_id,
)


def _versions(on: date) -> Select[Any]:
    return select(*_COLUMNS).join(unit_version, unit_version.c.unit_id == unit.c.id).where(in_force(on))


def get(db: Connection, unit_id: int, on: date) -> Unit | None:
    """Return a unit as it is on `on`, or as it last was; None if the id is unknown."""
    row = db.execute(_versions(on).where(unit.c.id == unit_id)).first()
    if row is None:
        latest = (
            select(*_COLUMNS)
            .join(unit_version, unit_version.c.unit_id == unit.c.id)
            .where(unit.c.id == unit_id)
            .order_by(unit_version.c.valid_from.desc().nulls_last())
        )
        row = db.execute(latest).first()
    return None if row is None else Unit(*row)


def by_code(db: Connection, code: str, on: date) -> Unit | None:
    """Return the unit with our own `code`."""
    unit_id = db.scalar(select(unit.c.id).where(unit.c.code == code))
    return None if unit_id is None else get(db, unit_id, on)


def children(db: Connection, unit_id: int, on: date) -> list[Unit]:
    """Return the units directly under `unit_id` on a day, by name."""
    query = _versions(on).where(unit_version.c.parent_id == unit_id).order_by(unit_version.c.name)
    return [Unit(*row) for row in db.execute(query)]


def ancestors(db: Connection, unit_id: int, on: date) -> list[Unit]:
    """Return the units above `unit_id`, nearest first."""
    above: list[Unit] = []
    current = get(db, unit_id, on)
    while current is not None and current.parent_id is not None:
        current = get(db, current.parent_id, on)
        if current is not None:
            above.append(current)
    return above


def subtree(unit_ids: Sequence[int], on: date) -> Select[tuple[int]]:
    """Return the query for the ids of `unit_ids` and all units below them on a day: an officer's scope.

    Every query that shows or counts anything of a unit passes through this one function.
    """
    top = select(unit.c.id).where(unit.c.id.in_(unit_ids)).cte("scope", recursive=True)
    below = select(unit_version.c.unit_id).join(top, unit_version.c.parent_id == top.c.id).where(in_force(on))
    scope = top.union(below)
    return select(scope.c.id)


def is_within(db: Connection, unit_id: int, scope_ids: Sequence[int], on: date) -> bool:
    """Tell whether `unit_id` is one of `scope_ids` or below one on a day."""
    if unit_id in scope_ids:
        return True
    return any(above.id in scope_ids for above in ancestors(db, unit_id, on))


def search(
    db: Connection, text: str, on: date, *, levels: Sequence[str] = (), within: Sequence[int] = (), limit: int = 8
) -> list[Unit]:
    """Return units of a day whose names or aliases hold every typed word, without regard to accents.

    A word matches at the start of a word of the name. Fewest extra letters first.
    """
    words = fold(text).split()[:8]
    if not words:
        return []
    query = _versions(on).add_columns(unit_version.c.search_key)
    for word in words:
        query = query.where(unit_version.c.search_key.contains(f" {word}", autoescape=True))
    if levels:
        query = query.where(unit_version.c.level.in_(levels))
    if within:
        query = query.where(unit.c.id.in_(subtree(within, on)))
    rows = db.execute(query.limit(200)).all()
    ranked = sorted(rows, key=lambda row: (len(row.search_key), row.name))
    return [Unit(*row[:6]) for row in ranked[:limit]]


def successors(db: Connection, unit_id: int) -> list[int]:
    """Return the ids of the units that took over from `unit_id`; empty while it lives."""
    query = select(succession.c.to_unit_id).where(succession.c.from_unit_id == unit_id)
    return list(db.scalars(query))


def search_key(*names: str) -> str:
    """Return the folded names as stored for `search`: every word after a space."""
    return "".join(f" {word}" for name in names for word in fold(name).split())


def add(db: Connection, code: str) -> int:
    """Insert a unit without versions yet and return its id."""
    inserted = db.execute(unit.insert().values(code=code).returning(unit.c.id))
    return int(inserted.scalar_one())


def add_version(
    db: Connection,
    unit_id: int,
    *,
    parent_id: int | None,
    level: str,
    name: str,
    short_name: str,
    aliases: Sequence[str] = (),
    gso_code: str | None = None,
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> None:
    """Say what a unit is called and where it belongs from `valid_from` to `valid_to` (both included, or open)."""
    db.execute(
        unit_version.insert().values(
            unit_id=unit_id,
            parent_id=parent_id,
            level=level,
            name=name,
            short_name=short_name,
            search_key=search_key(name, short_name, *aliases),
            gso_code=gso_code,
            valid_from=valid_from,
            valid_to=valid_to,
        )
    )


def add_succession(db: Connection, from_unit_id: int, to_unit_id: int, *, on: date, kind: str) -> None:
    """Record that `to_unit_id` took over from `from_unit_id` on a day: `merge`, `split` or `rename`."""
    db.execute(succession.insert().values(from_unit_id=from_unit_id, to_unit_id=to_unit_id, on_date=on, kind=kind))
