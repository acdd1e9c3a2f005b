"""Due times become runs of their campaigns, or are skipped and told to their owner. Nothing is passed over in silence.

Every firing is kept in one transaction with what follows from it and may be tried again after a kill; several
processes may do it at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot import telling
from bot.due import BadRule, next_due
from dialogue.messages import Choice, Lines, Phrase, Reply, Say, opening
from dialogue.text import Wording
from storage import broadcasts, schedules
from storage.database import Connection
from storage.schedules import FIRED, SKIPPED, Due, Position, Schedule

MOST_MISSED = 1_000
"""Due times of one schedule that are caught up with in one transaction; more of them follow in the next."""

SHOWN_TIMES = 10

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Firing:
    """A schedule that is due: its due times that have come, oldest first, and the one after them.

    Of several only the latest may still run: the others are stale. With `is_readable` off the rule gives no next one.
    """

    due: Due
    times: tuple[datetime, ...]
    next_due_at: datetime | None
    is_readable: bool = True


def firings(db: Connection, now: datetime, *, most: int, after: Position | None = None) -> list[Firing]:
    """Return what is due, earliest first, `most` schedules at most, those after the position `after`."""
    return [_reckoned(due, now) for due in schedules.due(db, now, most=most, after=after)]


def _reckoned(due: Due, now: datetime) -> Firing:
    times = [due.due_at]
    try:
        following = next_due(due.rule, due.due_at)
        while following is not None and following <= now and len(times) < MOST_MISSED:
            times.append(following)
            following = next_due(due.rule, following)
    except BadRule:
        return Firing(due, tuple(times), None, is_readable=False)
    return Firing(due, tuple(times), following)


def fire(db: Connection, firing: Firing, wording: Wording, now: datetime) -> str | None:
    """Run the latest due time unless it is too late, skip the others, and say what was skipped; return the outcome.

    None if another process was first, or the schedule was changed since.
    """
    outcomes = dict.fromkeys(firing.times, SKIPPED)
    *_, latest = firing.times
    is_last = firing.next_due_at is None or firing.next_due_at > now
    if is_last and now - latest <= timedelta(seconds=firing.due.catch_up_s):
        outcomes[latest] = FIRED
    recorded = schedules.fire(db, firing.due, outcomes, next_due_at=firing.next_due_at, now=now)
    if recorded is None:
        return None
    is_fired = outcomes[latest] == FIRED and latest in recorded
    if is_fired:
        broadcasts.start(db, firing.due.campaign_id, recorded[latest], at=now)
    said = _said(firing, [at for at in recorded if outcomes[at] == SKIPPED], is_fired=is_fired)
    if said:
        telling.tell(db, wording, firing.due.owner_id, Reply(said, (_card(firing.due.campaign_id),)), at=now)
    return FIRED if is_fired else SKIPPED


def _said(firing: Firing, skipped: Sequence[datetime], *, is_fired: bool) -> tuple[Say, ...]:
    code = firing.due.code
    said: list[Say] = []
    if len(skipped) == 1:
        said.append(Say("broadcast.skipped", {"code": code, "due": skipped[0]}))
    elif skipped:
        shown: list[Phrase] = [Say("broadcast.skipped_one", {"due": at}) for at in skipped[:SHOWN_TIMES]]
        more = len(skipped) - len(shown)
        shown += [Say("broadcast.skipped_more", {"count": more})] if more else []
        values: dict[str, Phrase] = {"code": code, "count": len(skipped), "times": Lines(tuple(shown))}
        said.append(Say("broadcast.skipped_several", values))
    if skipped and is_fired:
        said.append(Say("broadcast.made_up_for", {"due": firing.times[-1]}))
    if not firing.is_readable:
        said.append(Say("broadcast.unreadable_schedule", {"code": code}))
    return tuple(said)


def plan(db: Connection, schedule: Schedule, wording: Wording, now: datetime) -> None:
    """Work out the next due time of a schedule that goes on after a pause; its owner hears if there is none."""
    try:
        next_due_at = next_due(schedule.rule, now)
    except BadRule:
        next_due_at = None
        log.error("schedule_unreadable", schedule_id=schedule.id)
    if schedules.plan(db, schedule.id, next_due_at) and next_due_at is None:
        owner_id, code = schedules.owner(db, schedule.id)
        said = Say("broadcast.unreadable_schedule", {"code": code})
        telling.tell(db, wording, owner_id, Reply((said,), (_card(schedule.campaign_id),)), at=now)


def _card(campaign_id: int) -> Choice:
    return opening("broadcasts", Say("broadcasts.open"), campaign=campaign_id)
