"""Read the moments people type when something is to happen: "mai 7h", "25/11 18:30", "thứ hai 8 giờ tối"."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, tzinfo

from dialogue.answers import Invalid
from dialogue.messages import Inbound
from dialogue.rhythms import LAST
from dialogue.text import VIETNAM
from vietnamese.fold import fold

MOST_DAYS_AHEAD = 366
NEAR_PAST_DAYS = 60
"""A date without a year that lies this near behind us was meant so, and is refused; an older one means next year."""

_NO_LEAP_YEAR = 2027
_CLOCK = re.compile(
    r"(?<![\d/])(?P<hour>\d{1,2})\s?(?::|gio(?: dung)?\b|h|g)\s?(?:(?P<minute>\d{2})(?!\d)|(?P<half>ruoi))?(?:\s?phut)?"
)
_PART_OF_DAY = re.compile(r"\b(sang|trua|chieu|toi|dem)\b")
_DATE = re.compile(r"\b(\d{1,2})\s?(?:[/.-]|\s?thang\s?)\s?(\d{1,2})(?:\s?(?:[/.-]|nam)\s?(\d{4}))?\b")
_DAYS_AHEAD = (
    (2, re.compile(r"\bngay kia\b|\bngay mot\b|\bmot\b(?! gio)|\bday after tomorrow\b")),
    (1, re.compile(r"\bmai\b|\btomorrow\b")),
    (0, re.compile(r"\bhom nay\b|\bnay\b|\btoday\b|\btonight\b")),
)
_WEEKDAY = re.compile(r"\b(?:thu|t)\s?([2-7]|hai|ba|tu|nam|sau|bay)\b|\b(chu nhat|cn)\b")
_WEEKDAYS = {"2": 0, "hai": 0, "3": 1, "ba": 1, "4": 2, "tu": 2, "5": 3, "nam": 3, "6": 4, "sau": 4, "7": 5, "bay": 5}
_NEXT_WEEK = re.compile(r"\btuan (?:sau|toi)\b|\bnext week\b")
_NOON_TO_NOON = {"chieu": (1, 11), "toi": (5, 11), "trua": (1, 2), "dem": (8, 11)}
"""Hours of the twelve-hour clock that mean the second half of the day with these words."""


def read_moment(text: str, now: datetime, zone: tzinfo = VIETNAM) -> datetime:
    """Return the moment meant, later than `now`, in the zone. Without a day it is today.

    `Invalid` with `moment.unclear` if there is no time of day or it makes no sense, `moment.past` if it is
    over, `moment.far` if it is more than a year ahead.
    """
    folded = fold(text)
    local = now.astimezone(zone)
    clock = _clock(folded)
    # "tuần tới" is a week, not an evening; the clock's own words are read already.
    day = _day(folded, local.date())
    if clock is None or day is None:
        raise Invalid("moment.unclear")
    moment = datetime.combine(day, clock, zone)
    if moment <= local:
        raise Invalid("moment.past", moment=moment)
    if day - local.date() > timedelta(days=MOST_DAYS_AHEAD):
        raise Invalid("moment.far")
    return moment


def read_clock(inbound: Inbound) -> str:
    """Read a time of day and return it as `07:30`; `Invalid` with `moment.unclear_clock` if it is none."""
    clock = _clock(fold(inbound.text))
    if clock is None:
        raise Invalid("moment.unclear_clock")
    return clock.isoformat("minutes")


def read_day_of_month(inbound: Inbound) -> str:
    """Read a day every month has (1 to 28), or its end, and return `1` … `28` or `last`."""
    folded = fold(inbound.text)
    if re.search(r"\bcuoi\b|\blast\b|\bend\b", folded):
        return LAST
    number = re.fullmatch(r"(?:ngay )?(?:mung )?(\d{1,2})", folded)
    if number is None or not 1 <= int(number[1]) <= 28:
        raise Invalid("moment.unclear_day")
    return str(int(number[1]))


def read_day_of_year(inbound: Inbound) -> str:
    """Read a day and a month ("8/3", "ngày 20 tháng 10") and return them as `08-03`, day first.

    `Invalid` with `moment.unclear_day_of_year` if there is no such day, or not in every year.
    """
    folded = fold(inbound.text).strip()
    written = _DATE.fullmatch(folded.removeprefix("ngay ").removeprefix("mung ").strip())
    if written is None or written[3] is not None:
        raise Invalid("moment.unclear_day_of_year")
    try:
        found = date(_NO_LEAP_YEAR, int(written[2]), int(written[1]))
    except ValueError:
        raise Invalid("moment.unclear_day_of_year") from None
    return found.strftime("%d-%m")


def _clock(folded: str) -> time | None:
    match = _CLOCK.search(_DATE.sub(" ", folded)) or _CLOCK.search(folded)
    if match is None:
        return None
    hour = int(match["hour"])
    minute = 30 if match["half"] else int(match["minute"] or 0)
    part = _PART_OF_DAY.search(_NEXT_WEEK.sub(" ", folded))
    if part is not None and part[1] in _NOON_TO_NOON:
        first, last = _NOON_TO_NOON[part[1]]
        hour += 12 if first <= hour <= last else 0
    if hour > 23 or minute > 59 or (part is not None and not _fits(part[1], hour)):
        return None
    return time(hour, minute)


def _fits(part: str, hour: int) -> bool:
    """Tell whether an hour belongs to its part of the day: "9h tối" does, "15h sáng" does not."""
    spans = {"sang": (0, 11), "trua": (10, 14), "chieu": (12, 18), "toi": (17, 23), "dem": (20, 23)}
    first, last = spans[part]
    return first <= hour <= last


def _day(folded: str, today: date) -> date | None:
    written = _DATE.search(folded)
    if written is not None:
        return _written_day(written, today)
    weekday = _WEEKDAY.search(folded)
    if weekday is not None:
        number = 6 if weekday[2] else _WEEKDAYS[weekday[1]]
        monday = today - timedelta(days=today.weekday())
        if _NEXT_WEEK.search(folded):
            return monday + timedelta(days=7 + number)
        ahead = (number - today.weekday()) % 7
        return today + timedelta(days=ahead)
    for days, words in _DAYS_AHEAD:
        if words.search(folded):
            return today + timedelta(days=days)
    return None if _NEXT_WEEK.search(folded) else today


def _written_day(match: re.Match[str], today: date) -> date | None:
    day, month, year = int(match[1]), int(match[2]), int(match[3] or today.year)
    try:
        found = date(year, month, day)
        is_old = today - found > timedelta(days=NEAR_PAST_DAYS)
        return found.replace(year=year + 1) if match[3] is None and is_old else found
    except ValueError:
        return None
