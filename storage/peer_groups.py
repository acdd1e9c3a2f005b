"""Peer groups of units (cụm thi đua): a year, its units; never a level of the tree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, exists, or_, select

from storage import units
from storage.figures import SPLIT, scope
from storage.schema import peer_group, peer_group_unit, report, succession


@dataclass(frozen=True, slots=True)
class PeerGroup:
    """A peer group in its year."""

    id: int
    name: str
    year: int


def around(db: Connection, unit_ids: Iterable[int], on: date) -> list[PeerGroup]:
    """Return the peer groups that one of the units belongs to, is above or is below, today or before a merger,
    and that have figures. Newest year first.
    """
    groups: dict[int, PeerGroup] = {}
    for unit_id in unit_ids:
        above = [each.id for each in units.ancestors(db, unit_id, on)]
        member = or_(
            peer_group_unit.c.unit_id.in_(_with_earlier(db, above)),
            peer_group_unit.c.unit_id.in_(scope(unit_id, on)),
        )
        query = (
            select(peer_group.c.id, peer_group.c.name, peer_group.c.year)
            .join(peer_group_unit, peer_group_unit.c.peer_group_id == peer_group.c.id)
            .where(member, exists().where(report.c.peer_group_id == peer_group.c.id))
            .distinct()
        )
        groups |= {row.id: PeerGroup(*row) for row in db.execute(query)}
    return sorted(groups.values(), key=lambda group: (-group.year, group.id))


def _with_earlier(db: Connection, unit_ids: Sequence[int]) -> list[int]:
    """Return the units and those that merged into them, at any time."""
    known, newest = set(unit_ids), set(unit_ids)
    while newest:
        query = select(succession.c.from_unit_id).where(succession.c.to_unit_id.in_(newest), succession.c.kind != SPLIT)
        newest = set(db.scalars(query)) - known
        known |= newest
    return sorted(known)
