"""Put the structure that a new installation begins with into the database: units, successions, peer groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, update

from storage import units
from storage.schema import appointment, peer_group, peer_group_unit


@dataclass(frozen=True, slots=True)
class Place:
    """Where a unit belongs from a day to a day (both included, or open). `parent` is a code, None at the top."""

    parent: str | None
    valid_from: date | None = None
    valid_to: date | None = None

    def is_backwards(self) -> bool:
        """Tell whether the span ends before it begins."""
        return self.valid_from is not None and self.valid_to is not None and self.valid_to < self.valid_from

    def holds(self, on: date) -> bool:
        """Tell whether the unit belongs there on a day."""
        return (self.valid_from or on) <= on <= (self.valid_to or on)


@dataclass(frozen=True, slots=True)
class Successor:
    """Who took over from a unit: its code, the first day, and how (merge, split, rename)."""

    unit: str
    on: date
    how: str


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """A unit to be made, with one version for each place."""

    code: str
    level: str
    name: str
    short_name: str
    places: tuple[Place, ...]
    aliases: tuple[str, ...] = ()
    gso_code: str | None = None
    successors: tuple[Successor, ...] = ()


@dataclass(frozen=True, slots=True)
class PeerGroupPlan:
    """A peer group of a year; units by their codes."""

    code: str
    year: int
    name: str
    members: tuple[str, ...]
    leader: str | None = None
    deputy: str | None = None


def plant_units(db: Connection, plans: Iterable[UnitPlan]) -> dict[str, int]:
    """Insert units with their versions and successions, in any order, and return code → id."""
    plans = list(plans)
    ids = {plan.code: units.add(db, plan.code) for plan in plans}
    for plan in plans:
        for place in plan.places:
            units.add_version(
                db,
                ids[plan.code],
                parent_id=ids[place.parent] if place.parent else None,
                level=plan.level,
                name=plan.name,
                short_name=plan.short_name,
                aliases=plan.aliases,
                gso_code=plan.gso_code,
                valid_from=place.valid_from,
                valid_to=place.valid_to,
            )
        for heir in plan.successors:
            units.add_succession(db, ids[plan.code], ids[heir.unit], on=heir.on, kind=heir.how)
    return ids


def plant_peer_groups(
    db: Connection, plans: Iterable[PeerGroupPlan], ids: Mapping[str, int]
) -> dict[tuple[str, int], int]:
    """Insert peer groups with their units, given code → unit id, and return (code, year) → id."""
    made: dict[tuple[str, int], int] = {}
    for plan in plans:
        values = {
            "code": plan.code,
            "year": plan.year,
            "name": plan.name,
            "leader_id": ids[plan.leader] if plan.leader else None,
            "deputy_id": ids[plan.deputy] if plan.deputy else None,
        }
        group_id = int(db.execute(peer_group.insert().values(**values).returning(peer_group.c.id)).scalar_one())
        db.execute(
            peer_group_unit.insert(),
            [{"peer_group_id": group_id, "unit_id": ids[code]} for code in plan.members],
        )
        made[plan.code, plan.year] = group_id
    return made


def end_appointment(db: Connection, appointment_id: int, *, on: date) -> None:
    """Let an appointment end with a day."""
    db.execute(update(appointment).where(appointment.c.id == appointment_id).values(valid_to=on))
