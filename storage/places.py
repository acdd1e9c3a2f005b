"""Places a report may name: the units right below the sender's, and those they took over from under their old names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from storage import units
from storage.schema import succession, unit_version
from storage.units import Unit

MOST_GENERATIONS = 3


@dataclass(frozen=True, slots=True)
class Place:
    """A unit by its short name; `now` is that of the unit in force that took over from it, where it is gone."""

    name: str
    now: str | None = None


def around(db: Connection, unit_id: int, on: date) -> tuple[Place, ...]:
    """Return the units right below a unit on a day, then what it and they took over from, nearest first.

    A former unit whose name one in force bears too is left out.
    """
    own = units.get(db, unit_id, on)
    below = units.children(db, unit_id, on)
    living = {each.short_name for each in below}
    heirs = [*([own] if own else []), *below]
    former = (place for place in _former(db, heirs) if place.name not in living)
    return (*(Place(each.short_name) for each in below), *former)


def _former(db: Connection, heirs: list[Unit]) -> Iterator[Place]:
    """Yield the units that others took over from, with the one in force that has them now."""
    now = {heir.id: heir.short_name for heir in heirs}
    seen: set[int] = set(now)
    for _ in range(MOST_GENERATIONS):
        query = select(succession.c.from_unit_id, succession.c.to_unit_id).where(succession.c.to_unit_id.in_(now))
        now = {former: now[heir] for former, heir in db.execute(query) if former not in seen}
        if not now:
            return
        seen |= set(now)
        names = select(unit_version.c.unit_id, unit_version.c.short_name).where(unit_version.c.unit_id.in_(now))
        for former, name in db.execute(names.order_by(unit_version.c.id)):
            yield Place(name, now[former])
