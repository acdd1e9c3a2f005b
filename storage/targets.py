"""Targets of units and peer groups. A number the Union has not confirmed is kept and marked so."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from figures.targets import Target
from storage.schema import target


def put(db: Connection, new: Target, *, unit_id: int | None = None, peer_group_id: int | None = None) -> None:
    """Set the target of a unit or a peer group, in place of an earlier one of the same indicator and period."""
    same = (
        target.c.unit_id.is_not_distinct_from(unit_id),
        target.c.peer_group_id.is_not_distinct_from(peer_group_id),
        target.c.indicator == new.indicator,
        target.c.period == new.period,
    )
    db.execute(delete(target).where(*same))
    values = {name: getattr(new, name) for name in Target.__dataclass_fields__}
    db.execute(target.insert().values(unit_id=unit_id, peer_group_id=peer_group_id, **values))


def of(
    db: Connection, period: str, *, unit_id: int | None = None, peer_group_id: int | None = None
) -> dict[str, Target]:
    """Return the targets of a unit or a peer group for a period, by indicator."""
    query = select(*(target.c[name] for name in Target.__dataclass_fields__)).where(
        target.c.unit_id.is_not_distinct_from(unit_id),
        target.c.peer_group_id.is_not_distinct_from(peer_group_id),
        target.c.period == period,
    )
    return {row.indicator: Target(*row) for row in db.execute(query)}
