"""The rules of repeated messages, which are cron text (`30 7 * * mon`), made from answers and said in words again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import time

from dialogue.messages import Phrase, Say

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LAST = "last"


def rule(clock: str, *, day: str = "*", month: str = "*", weekday: str = "*") -> str:
    """Return the rule of a time of day such as `07:30` on a day of the month (or `last`), in a month, on a weekday."""
    at = time.fromisoformat(clock)
    return f"{at.minute} {at.hour} {day} {month} {weekday}"


def in_words(text: str) -> Say:
    """Return how often a rule comes and when; one that has no plain words is shown as it is written."""
    fields = text.split()
    words = _plain_words(*fields) if len(fields) == 5 else None
    return words or Say("broadcast.goes.cron", {"rule": text})


def _plain_words(minute: str, hour: str, day: str, month: str, weekday: str) -> Say | None:
    if not (minute.isdecimal() and hour.isdecimal()) or int(minute) > 59 or int(hour) > 23:
        return None
    clock: dict[str, Phrase] = {"clock": f"{int(hour):02}:{int(minute):02}"}
    days = weekday.split(",")
    if (day, month) == ("*", "*") and weekday == "*":
        return Say("broadcast.goes.daily", clock)
    if (day, month) == ("*", "*") and all(each in WEEKDAYS for each in days):
        return Say("broadcast.goes.weekly", clock | {"weekday": _enumerated([Say(f"weekday.{each}") for each in days])})
    if weekday != "*" or not re.fullmatch(r"\d{1,2}|last", day):
        return None
    if month == "*":
        return Say("broadcast.goes.monthly", clock | {"day": day_in_words(day)})
    if month.isdecimal() and day != LAST:
        return Say("broadcast.goes.yearly", clock | {"day": str(int(day)), "month": str(int(month))})
    return None


def day_in_words(day: str) -> Say:
    """Return a day of the month in words."""
    return Say("broadcast.last_day") if day == LAST else Say("broadcast.day_number", {"day": str(int(day))})


def _enumerated(items: Sequence[Say]) -> Say:
    first, *rest = items
    return Say("broadcast.enumerated", {"first": first, "rest": _enumerated(rest)}) if rest else first
