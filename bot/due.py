"""When a schedule is due next. Rules are `once` or cron text (`30 7 * * mon`), read in the zone of the people."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from apscheduler.triggers.cron import CronTrigger

from dialogue.text import VIETNAM
from storage.schedules import ONCE


class BadRule(ValueError):
    """The rule is neither `once` nor cron text of five fields with weekdays by name."""


def next_due(rule: str, after: datetime, zone: tzinfo = VIETNAM) -> datetime | None:
    """Return the first due time later than `after` (aware), in UTC; None if there is none. `BadRule` if unreadable.

    Fields: minute, hour, day of month (also `last`), month, weekday by name. Weekdays by number are refused:
    cron counts from Sunday, the library from Monday.
    """
    if rule == ONCE:
        return None
    found: datetime | None = _trigger(rule, zone).get_next_fire_time(None, after + timedelta(microseconds=1))
    return None if found is None else found.astimezone(UTC)


def next_runs(rule: str, after: datetime, zone: tzinfo = VIETNAM, *, count: int = 5) -> list[datetime]:
    """Return the next due times later than `after`, earliest first, `count` at most."""
    runs: list[datetime] = []
    latest: datetime | None = after
    while len(runs) < count and latest is not None:
        latest = next_due(rule, latest, zone)
        if latest is not None:
            runs.append(latest)
    return runs


def _trigger(rule: str, zone: tzinfo) -> CronTrigger:
    fields = rule.split()
    if len(fields) != 5 or re.search(r"\d", fields[4]):
        raise BadRule(rule)
    try:
        return CronTrigger.from_crontab(rule, timezone=zone)
    except ValueError as error:
        raise BadRule(rule) from error
