"""When a message goes out: asked in a few steps, said in words, with its next runs by weekday, day and hour."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

from dialogue import rhythms
from dialogue.answers import Invalid, plain_text
from dialogue.campaign_text import ALERT
from dialogue.messages import Capabilities, Choice, Inbound, Lines, Phrase, Say
from dialogue.moments import read_clock, read_day_of_month, read_day_of_year, read_moment
from dialogue.quiet import NEVER_QUIET, QuietHours
from dialogue.turn import Ask
from handlers.context import VIETNAM, Context
from storage.schedules import ONCE, Schedule

SHOWN_RUNS = 5
LEAST_APART = timedelta(hours=1)
"""People are not written to more often than this by a schedule."""

MOST_RULE_CHARS = 100
NOW, AT, DAILY, WEEKLY, MONTHLY, YEARLY, CRON = "now", "at", "daily", "weekly", "monthly", "yearly", "cron"
LATER = (AT, DAILY, WEEKLY, MONTHLY, YEARLY, CRON)
NextRuns = Callable[[str, datetime], Sequence[datetime]]
"""The next due times of a rule after an instant, earliest first, five at most; `ValueError` if it cannot be read."""


@dataclass(frozen=True, slots=True)
class Planning:
    """What planning a message needs of the program: due times, quiet hours, and what the channels in use can show."""

    next_runs: NextRuns
    quiet: QuietHours = NEVER_QUIET
    channels: tuple[Capabilities, ...] = ()


@dataclass(frozen=True, slots=True)
class When:
    """When it goes out: the schedule's rule and its next runs, earliest first; none means at once."""

    rule: str
    runs: tuple[datetime, ...] = ()
    is_alert: bool = False

    @property
    def first(self) -> datetime | None:
        """The first run; None if it goes at once."""
        return self.runs[0] if self.runs else None

    @property
    def words(self) -> Say:
        """How it goes out, within a sentence."""
        if self.is_alert:
            return Say("broadcast.goes.alert")
        if self.first is None:
            return Say("broadcast.goes.now")
        if self.rule == ONCE:
            return Say("broadcast.goes.at", {"moment": self.first})
        return rhythms.in_words(self.rule)


def ask_when(planning: Planning, context: Context, kinds: Sequence[str]) -> Generator[Any, Any, When]:
    """Yield the questions about the time, `kinds` being the ways offered; return the answer."""
    choices = tuple(Choice(kind, Say(f"broadcast.when.{kind}")) for kind in kinds)
    kind = yield Ask("broadcast.when", parse=None, choices=choices)
    if kind in (NOW, ALERT):
        return When(ONCE, is_alert=kind == ALERT)
    if kind == AT:
        typed = yield Ask("broadcast.moment", parse=partial(_moment, context.now))
        return When(ONCE, (datetime.fromisoformat(typed),))
    rule = yield from _ask_rule(planning, context, kind)
    return When(rule, tuple(planning.next_runs(rule, context.now)))


def _ask_rule(planning: Planning, context: Context, kind: str) -> Generator[Any, Any, str]:
    if kind == CRON:
        rule: str = yield Ask("broadcast.cron", parse=partial(_cron, planning.next_runs, context.now))
        return rule
    parts: dict[str, str] = {}
    if kind == WEEKLY:
        days = tuple(Choice(day, Say(f"weekday.{day}")) for day in rhythms.WEEKDAYS)
        parts["weekday"] = yield Ask("broadcast.weekday", parse=None, choices=days)
    if kind == MONTHLY:
        parts["day"] = yield Ask("broadcast.day", parse=read_day_of_month)
    if kind == YEARLY:
        day, month = (yield Ask("broadcast.day_of_year", parse=read_day_of_year)).split("-")
        parts |= {"day": str(int(day)), "month": str(int(month))}
    clock = yield Ask("broadcast.clock", parse=read_clock)
    return rhythms.rule(clock, **parts)


def _moment(now: datetime, inbound: Inbound) -> str:
    return read_moment(plain_text(inbound), now).isoformat()


def _cron(next_runs: NextRuns, now: datetime, inbound: Inbound) -> str:
    rule = " ".join(plain_text(inbound).lower().split())
    if len(rule) > MOST_RULE_CHARS:
        raise Invalid("broadcast.cron_unclear")
    try:
        runs = next_runs(rule, now)
    except ValueError:
        raise Invalid("broadcast.cron_unclear") from None
    if not runs:
        raise Invalid("broadcast.cron_never")
    if any(other - one < LEAST_APART for one, other in pairwise(runs)):
        raise Invalid("broadcast.cron_too_often")
    return rule


def runs_of(planning: Planning, plan: Schedule, now: datetime) -> list[datetime]:
    """Return the next runs of a schedule, earliest first; none where it is not in force or cannot be read."""
    if plan.state != "active":
        return []
    if plan.rule == ONCE:
        return [plan.next_due_at] if plan.next_due_at is not None else []
    try:
        if plan.next_due_at is None:  # it was paused; the next tick works it out
            return list(planning.next_runs(plan.rule, now))
        return [plan.next_due_at, *planning.next_runs(plan.rule, plan.next_due_at)][:SHOWN_RUNS]
    except ValueError:
        return [plan.next_due_at] if plan.next_due_at is not None else []


def runs_in_words(runs: Sequence[datetime]) -> Lines:
    """Return the next runs, a line each under a head; nothing for none."""
    head: list[Phrase] = [Say("broadcast.next_runs", {"count": len(runs)})] if runs else []
    return Lines((*head, *(Say("broadcast.run_line", {"run": run_in_words(run)}) for run in runs)))


def run_in_words(at: datetime) -> Say:
    """Return an instant with its weekday."""
    weekday = rhythms.WEEKDAYS[at.astimezone(VIETNAM).weekday()]
    return Say("broadcast.run_at", {"weekday": Say(f"weekday.{weekday}"), "moment": at})
