"""Schedules: when a campaign runs. A firing happens once per due time, however many processes tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, bindparam, literal_column, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from storage.schema import campaign, firing, schedule

ONCE = "once"
CATCH_UP_S = 6 * 3600
"""How late a run may still start: a greeting of the morning is no longer one in the night."""

FIRED, SKIPPED = "fired", "skipped"
Position: TypeAlias = tuple[datetime, int]
"""A due time and its schedule: where a look for due ones goes on."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """`rule` is `once` or cron text; `next_due_at` is empty when it has ended or is still to be worked out."""

    id: int
    campaign_id: int
    rule: str
    next_due_at: datetime | None
    catch_up_s: int
    state: str


@dataclass(frozen=True, slots=True)
class Due:
    """A due time that has come, with the campaign's code and owner."""

    schedule_id: int
    campaign_id: int
    rule: str
    due_at: datetime
    catch_up_s: int
    code: str
    owner_id: int


_COLUMNS = tuple(schedule.c[name] for name in Schedule.__dataclass_fields__)
_ACTIVE: Any = literal_column("'active'")
"""Written out, not bound: a partial index serves only a query that repeats its condition."""


def create(db: Connection, campaign_id: int, *, rule: str, next_due_at: datetime, catch_up_s: int = CATCH_UP_S) -> int:
    """Insert a schedule and return its id."""
    values = {
        "campaign_id": campaign_id,
        "rule": rule,
        "next_due_at": next_due_at,
        "catch_up_s": catch_up_s,
        "state": "active",
    }
    return int(db.execute(schedule.insert().values(**values).returning(schedule.c.id)).scalar_one())


def of_campaign(db: Connection, campaign_id: int) -> Schedule | None:
    """Return a campaign's schedule, the newest if it had several."""
    query = select(*_COLUMNS).where(schedule.c.campaign_id == campaign_id)
    row = db.execute(query.order_by(schedule.c.id.desc()).limit(1)).first()
    return None if row is None else Schedule(*row)


_DUE = (
    select(
        schedule.c.id,
        schedule.c.campaign_id,
        schedule.c.rule,
        schedule.c.next_due_at,
        schedule.c.catch_up_s,
        campaign.c.code,
        campaign.c.created_by,
    )
    .join(campaign, campaign.c.id == schedule.c.campaign_id)
    .where(schedule.c.state == _ACTIVE, schedule.c.next_due_at <= bindparam("now"))
    .order_by(schedule.c.next_due_at, schedule.c.id)
    .limit(bindparam("most"))
)
_DUE_AFTER = _DUE.where(
    schedule.c.next_due_at >= bindparam("at"),
    or_(schedule.c.next_due_at > bindparam("at"), schedule.c.id > bindparam("last_id")),
)


def due(db: Connection, now: datetime, *, most: int = 100, after: Position | None = None) -> list[Due]:
    """Return the due times that have come, earliest first, one of each schedule; those after the position `after`."""
    values: dict[str, Any] = {"now": now, "most": most}
    if after is None:
        return [Due(*row) for row in db.execute(_DUE, values)]
    at, last_id = after
    return [Due(*row) for row in db.execute(_DUE_AFTER, values | {"at": at, "last_id": last_id})]


def unplanned(db: Connection) -> list[Schedule]:
    """Return the active schedules whose next due time is still to be worked out: they were paused."""
    query = select(*_COLUMNS).where(schedule.c.state == _ACTIVE, schedule.c.next_due_at.is_(None))
    return [Schedule(*row) for row in db.execute(query)]


def plan(db: Connection, schedule_id: int, next_due_at: datetime | None) -> bool:
    """Set the next due time of an unplanned schedule; None ends it."""
    row = update(schedule).where(
        schedule.c.id == schedule_id, schedule.c.state == "active", schedule.c.next_due_at.is_(None)
    )
    return db.execute(row.values(**_next(next_due_at))).rowcount == 1


def fire(
    db: Connection, at_due: Due, outcomes: Mapping[datetime, str], *, next_due_at: datetime | None, now: datetime
) -> dict[datetime, int] | None:
    """Record the outcomes of due times, move the schedule on, and return the new firings' ids by due time.

    None if another process was first, or an officer changed the schedule meanwhile. A due time that has its firing
    already gets no second one. Create the firings' work in the same transaction.
    """
    moved = update(schedule).where(
        schedule.c.id == at_due.schedule_id,
        schedule.c.state == "active",
        schedule.c.next_due_at == at_due.due_at,
    )
    if db.execute(moved.values(**_next(next_due_at))).rowcount != 1:
        return None
    return _record(db, at_due.schedule_id, outcomes, now)


def _record(db: Connection, schedule_id: int, outcomes: Mapping[datetime, str], now: datetime) -> dict[datetime, int]:
    dialect: Any = postgresql if db.dialect.name == "postgresql" else sqlite
    rows = [
        {"schedule_id": schedule_id, "due_at": due_at, "fired_at": now, "outcome": outcome}
        for due_at, outcome in outcomes.items()
    ]
    insert = dialect.insert(firing).on_conflict_do_nothing().returning(firing.c.due_at, firing.c.id)
    return {row.due_at: row.id for row in db.execute(insert, rows)}


def skip(db: Connection, at_due: Due, *, next_due_at: datetime | None, now: datetime) -> bool:
    """Record that an officer skipped the coming run; False if it is not the one she saw, or fired already."""
    return fire(db, at_due, {at_due.due_at: SKIPPED}, next_due_at=next_due_at, now=now) is not None


def reschedule(db: Connection, before: Schedule, *, rule: str, next_due_at: datetime) -> bool:
    """Give a schedule another rule; False if it is no longer as `before`. A paused one stays paused."""
    same = (
        schedule.c.id == before.id,
        schedule.c.state == before.state,
        schedule.c.rule == before.rule,
        schedule.c.next_due_at.is_not_distinct_from(before.next_due_at),
    )
    if before.state == "ended":
        return False
    changed = update(schedule).where(*same).values(rule=rule, next_due_at=next_due_at)
    return db.execute(changed).rowcount == 1


def owner(db: Connection, schedule_id: int) -> tuple[int, str]:
    """Return who planned the campaign of a schedule, and its code."""
    query = select(campaign.c.created_by, campaign.c.code).join(schedule, schedule.c.campaign_id == campaign.c.id)
    return tuple(db.execute(query.where(schedule.c.id == schedule_id)).one())


def _next(next_due_at: datetime | None) -> dict[str, Any]:
    return {"next_due_at": next_due_at, "state": "active" if next_due_at is not None else "ended"}


def pause(db: Connection, schedule_id: int) -> bool:
    """Let no due time come until `resume`. False if it is not active."""
    return _change(db, schedule_id, "active", state="paused")


def resume(db: Connection, schedule_id: int) -> bool:
    """Go on from the next due time after now; those missed while paused do not count. False if not paused.

    A single time keeps its due time: if it passed meanwhile, its catch-up rule decides.
    """
    query = select(schedule.c.rule).where(schedule.c.id == schedule_id)
    values: dict[str, Any] = {} if db.scalar(query) == ONCE else {"next_due_at": None}
    return _change(db, schedule_id, "paused", state="active", **values)


def end(db: Connection, schedule_id: int) -> bool:
    """Let no due time come any more. False if it has ended already."""
    values = {"state": "ended", "next_due_at": None}
    return _change(db, schedule_id, "active", **values) or _change(db, schedule_id, "paused", **values)


def _change(db: Connection, schedule_id: int, before: str, **values: Any) -> bool:
    changed = update(schedule).where(schedule.c.id == schedule_id, schedule.c.state == before)
    return db.execute(changed.values(**values)).rowcount == 1
