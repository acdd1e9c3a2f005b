"""Days and periods as people write them, read out of folded text against the day a message came."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from vietnamese.date_patterns import PATTERNS
from vietnamese.fold import Aligned, fold
from vietnamese.lunar import solar_from_lunar
from vietnamese.periods import month_label, period_bounds, quarter_label, week_label

__all__ = ["DateFound", "birth", "find_dates", "period_bounds"]

# A day or month named without its year that comes again within so many days is perhaps a plan: ask.
_PERHAPS_AHEAD_DAYS = 92
_MONTHS = {
    "gieng": 1, "hai": 2, "ba": 3, "tu": 4, "nam": 5, "sau": 6, "bay": 7, "tam": 8, "chin": 9, "muoi": 10,
    "muoi mot": 11, "muoi hai": 12, "chap": 12,
}  # fmt: skip
_MONTHS_TYPED = {"hai": "hai", "ba": "ba", "tu": "tư", "nam": "năm", "sau": "sáu", "tam": "tám", "chin": "chín"}
_SELDOM_BARE = frozenset({"tu", "nam", "sau", "ba"})
"""Typed bare after "thang" these are more often something else: tháng từ, tháng này năm, tháng sau, tháng bà."""

_WEEKDAYS = {"hai": 0, "ba": 1, "tu": 2, "nam": 3, "sau": 4, "bay": 5}
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4}
_FEASTS = {"nguyen tieu": 1, "vu lan": 7, "trung thu": 8}
_NEW_YEAR_DAYS = 20
_DAYS = {"hai": 2, "ba": 3, "bon": 4}
_FIRST_YEAR = 1900
_WHOLE_MONTH = re.compile(r"(?:ca|tron) thang\b(?! \w)")


@dataclass(frozen=True, slots=True)
class DateFound:
    """A day or period and its place in the folded text.

    `label` is None where the words do not tell which day. `doubt`: vague, future, which_day, which_year, which_month,
    range; None if sure.
    `cumulative` marks "từ đầu năm": the figure is a total since then. `weak` marks d/m, which may be k of n.
    """

    start: int
    end: int
    label: str | None
    doubt: str | None = None
    cumulative: bool = False
    weak: bool = False


@dataclass(frozen=True, slots=True)
class _Meant:
    label: str | None
    doubt: str | None = None
    cumulative: bool = False
    weak: bool = False


_Reader = Callable[[re.Match[str], date], _Meant | None]
_VAGUE = _Meant(None, "vague")


def find_dates(text: Aligned, today: date) -> list[DateFound]:
    """Return the days and periods named in `text`, in order and not overlapping, as seen on `today`."""
    taken: list[DateFound] = []
    for name, gates, pattern in _compiled():
        if not any(gate in text.text for gate in gates):
            continue
        for match in pattern.finditer(text.text):
            if any(match.start() < other.end and other.start < match.end() for other in taken):
                continue
            meant = None if _typed_otherwise(name, match, text) else _READERS[name](match, today)
            if meant:
                taken.append(
                    DateFound(match.start(), match.end(), meant.label, meant.doubt, meant.cumulative, meant.weak)
                )
    return _months_of_heading(sorted(taken, key=lambda found: found.start), text.text)


def _months_of_heading(found: list[DateFound], folded: str) -> list[DateFound]:
    """Give "cả tháng" the month that heads the message, where one does."""
    heading = next((one.label for one in found if one.label and len(one.label) == len("2025-03")), None)
    return [replace(one, label=heading) if heading and _WHOLE_MONTH.match(folded, one.start) else one for one in found]


def birth(text: str) -> str:
    """Return a date of birth as 1990-05-12, or 1990 where only the year is told; `ValueError` if it cannot be told.

    Accepts "sn 1990", "12/5/1990", "12-05-1990", "12 tháng 5 năm 1990"; a year of two digits is refused.
    """
    typed = re.sub(r"^(?:sinh nam|sinh ngay|nam sinh|ngay sinh|sinh|sn|ns|ngay|nam)\b[ .:]*", "", fold(text))
    if re.fullmatch(r"(?:19|20)\d\d", typed):
        return typed
    match = re.fullmatch(r"(\d{1,2}) ?(?:[/.-]|thang) ?(\d{1,2}) ?(?:[/.-]|nam|,)? ?((?:19|20)\d\d)", typed)
    iso = re.fullmatch(r"((?:19|20)\d\d)-(\d\d)-(\d\d)", typed)
    if iso:
        return date(int(iso[1]), int(iso[2]), int(iso[3])).isoformat()
    if not match:
        raise ValueError("a date of birth has a year of four digits")
    return date(int(match[3]), int(match[2]), int(match[1])).isoformat()


@lru_cache(maxsize=1)
def _compiled() -> tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...]:
    return tuple((name, gates, re.compile(pattern, re.ASCII)) for name, gates, pattern in PATTERNS)


def _typed_otherwise(name: str, match: re.Match[str], text: Aligned) -> bool:
    """Tell whether the accents typed say that the words are others: "quỹ 4" is no quarter, "thu 5" no Thursday."""
    typed = text.typed(match.start(), match.end())
    if name.startswith("quarter") and "qu" in typed:
        return not ("quý" in typed or _is_bare(typed.split(" ")[0]))
    if name == "weekday" and match["th"]:
        told = match["past"] or match.start("th") > match.start() or _opens_clause(text.text, match.start())
        return not ("thứ" in typed or (_is_bare(text.typed(*match.span("th"))) and told))
    if name == "whole_month" and not ("cả" in typed or "trọn" in typed or _is_bare(typed.split(" ")[0])):
        return True
    if (
        name in {"month", "month_near", "month_word", "whole_month"}
        and "thang" in match[0]
        and ("thắng" in typed or "thăng" in typed)
    ):
        return True
    if name == "year_near":
        return not ("năm" in typed or _is_bare(typed)) or typed.startswith("trồng")
    if name in {"bare_before", "bare_full_moon"}:
        return not _is_bare(typed)
    if name == "long_before":
        return "kìa" not in typed
    if name in {"month_word", "full_moon"} and match["m"] in _MONTHS_TYPED:
        return _is_no_month(name, match, text)
    return False


def _is_bare(typed: str) -> bool:
    return not any(letter.isalpha() and not letter.isascii() for letter in typed)


def _is_no_month(name: str, match: re.Match[str], text: Aligned) -> bool:
    word, typed = match["m"], text.typed(*match.span("m"))
    if _is_bare(text.typed(match.start(), match.end())):
        return word == "sau" or (name == "month_word" and word in _SELDOM_BARE)
    return typed != _MONTHS_TYPED[word]


def _opens_clause(folded: str, start: int) -> bool:
    return not folded[:start].rstrip(" ") or folded[:start].rstrip(" ")[-1] in ".,;:!\n"


def _day(day: date | None, today: date, doubt: str | None = None, *, weak: bool = False) -> _Meant | None:
    if day is None:
        return None
    return _Meant(day.isoformat(), "future" if day > today else doubt, weak=weak)


def _made(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if year >= _FIRST_YEAR else None
    except ValueError:
        return None


def _nearest_past(day: int, month: int, today: date, *, weak: bool = False) -> _Meant | None:
    # 29/2 may lie up to eight years back.
    tried = (_made(today.year - back, month, day) for back in range(9))
    found = next((made for made in tried if made and made <= today), None)
    again = _made(today.year, month, day) or found
    ahead = again is not None and 0 < (again - today).days <= _PERHAPS_AHEAD_DAYS
    return _day(found, today, "which_year" if ahead else None, weak=weak)


def _read_day_month(match: re.Match[str], today: date) -> _Meant | None:
    day, month = int(match["d"]), int(match["m"])
    if match["lunar"]:
        return _lunar(day, month, today)
    return _nearest_past(day, month, today, weak=match.start() == match.start("d"))


def _read_full(match: re.Match[str], today: date) -> _Meant | None:
    return _day(_made(int(match["year"]), int(match["m"]), int(match["d"])), today)


def _read_spoken(match: re.Match[str], today: date) -> _Meant | None:
    month = _MONTHS.get(match["m"]) or int(match["m"])
    day = int(match["d"])
    if match["lunar"] or not match["m"].isdecimal():
        return _lunar(day, month, today)
    year = _year(match, today)
    return _day(_made(year, month, day), today) if year else _nearest_past(day, month, today)


def _read_day_near(match: re.Match[str], today: date) -> _Meant | None:
    back = 0 if match["which"] == "nay" else 1
    year, month = (int(part) for part in month_label(today.year, today.month - back).split("-"))
    return _day(_made(year, month, int(match["d"])), today)


def _read_day_only(match: re.Match[str], today: date) -> _Meant | None:
    made = _made(today.year, today.month, int(match["d"]))
    if made and made > today:
        year, month = (int(part) for part in month_label(today.year, today.month - 1).split("-"))
        return _day(_made(year, month, int(match["d"])), today, "which_month")
    return _day(made, today)


def _read_tet(match: re.Match[str], today: date) -> _Meant | None:
    return _lunar(int(match["d"]), 1, today)


def _read_tet_eve(match: re.Match[str], today: date) -> _Meant | None:
    """Read "28 Tết" as the 28th of the month before the latest Tết; "30 Tết" is its last day, be it the 29th."""
    new_year = _latest_tet(today + timedelta(days=30 - int(match["d"]) + 1))
    if new_year is None:
        return None
    eve = new_year - timedelta(days=1)
    day = solar_from_lunar(int(match["d"]), 12, new_year.year - 1)
    return _day(eve if day is None else min(day, eve), today)


def _latest_tet(today: date) -> date | None:
    for year in (today.year, today.year - 1):
        new_year = solar_from_lunar(1, 1, year)
        if new_year and new_year <= today:
            return new_year
    return None


def _read_lunar_day(match: re.Match[str], today: date) -> _Meant | None:
    """Read "mùng 4" alone: a day of Tết right after it, else vague."""
    new_year = _latest_tet(today)
    day = int(match["d"])
    if new_year is None or (today - new_year).days > _NEW_YEAR_DAYS or not 1 <= day <= 10:
        return _VAGUE
    made = new_year + timedelta(days=day - 1)
    return _day(made, today) if made <= today else _VAGUE


def _read_full_moon(match: re.Match[str], today: date) -> _Meant | None:
    return _lunar(15, _MONTHS.get(match["m"]) or int(match["m"]), today)


def _read_feast(match: re.Match[str], today: date) -> _Meant | None:
    """Read "Trung thu vừa rồi", "đêm Trung thu"; "quà trung thu" names no day."""
    if not (match["on"] or match["past"]):
        return None
    return _lunar(15, _FEASTS[match["feast"]], today)


def _lunar(day: int, month: int, today: date) -> _Meant | None:
    """Return the latest solar day up to `today` of a lunar day and month (UTC+7)."""
    for year in range(today.year + 1, today.year - 2, -1):
        solar = solar_from_lunar(day, month, year)
        if solar and solar <= today:
            return _day(solar, today)
    return None


def _year(match: re.Match[str], today: date) -> int | None:
    if match["year"]:
        return int(match["year"])
    if match["said"]:
        return today.year - (match["said"] != "nam nay")
    return None


def _read_month(match: re.Match[str], today: date) -> _Meant | None:
    month = _MONTHS.get(match["m"]) or int(match["m"])
    if not 1 <= month <= 12:
        return None
    year = _year(match, today)
    return _period_near(month, today, months=1, label=month_label, year=year)


def _read_quarter(match: re.Match[str], today: date) -> _Meant | None:
    quarter = _ROMAN.get(match["q"]) or int(match["q"])
    return _period_near(quarter, today, months=3, label=quarter_label, year=_year(match, today))


def _period_near(
    number: int, today: date, *, months: int, label: Callable[[int, int], str], year: int | None
) -> _Meant:
    current = (today.month - 1) // months + 1
    if year is not None:
        return _Meant(label(year, number), "future" if (year, number) > (today.year, current) else None)
    if number <= current:
        return _Meant(label(today.year, number))
    soon = (number - current) * months <= 3
    return _Meant(label(today.year - 1, number), "which_year" if soon else None)


def _read_month_near(match: re.Match[str], today: date) -> _Meant | None:
    return _Meant(month_label(today.year, today.month - (match["which"] != "nay")))


def _read_quarter_near(match: re.Match[str], today: date) -> _Meant | None:
    return _Meant(quarter_label(today.year, (today.month - 1) // 3 + 1 - (match["which"] != "nay")))


def _read_half(match: re.Match[str], today: date) -> _Meant | None:
    half = 1 if match["half"] == "dau" else 2
    year = int(match["year"] or today.year)
    starts = date(year, 6 * half - 5, 1)
    return _Meant(f"{year}-H{half}", "future" if starts > today else None)


def _read_since(match: re.Match[str], today: date) -> _Meant | None:
    return _Meant(str(match["year"] or today.year), cumulative=True)


def _read_year(match: re.Match[str], today: date) -> _Meant | None:
    year = int(match["year"])
    return _Meant(str(year), "future" if year > today.year else None)


def _read_year_near(match: re.Match[str], today: date) -> _Meant | None:
    return _Meant(str(today.year - (match["which"] in {"ngoai", "truoc", "roi"})))


def _read_week(match: re.Match[str], today: date) -> _Meant | None:
    return _Meant(week_label(today - timedelta(days=0 if match["which"] == "nay" else 7)))


def _read_weekday(match: re.Match[str], today: date) -> _Meant | None:
    told = match["wd"]
    weekday = 6 if not told else int(told) - 2 if told.isdecimal() else _WEEKDAYS[told]
    past = (match["past"] or "").strip()
    monday = today - timedelta(days=today.weekday())
    if past.startswith("tuan") and past != "tuan nay":
        return _day(monday + timedelta(days=weekday - 7), today)
    if past == "tuan nay":
        return _day(monday + timedelta(days=weekday), today)
    back = (today.weekday() - weekday) % 7
    return _day(today - timedelta(days=back or (7 if past else 0)), today)


def _read_begun(match: re.Match[str], today: date) -> _Meant | None:
    """Read "từ đầu tháng tới nay": the running month, quarter or week, as a total so far."""
    of = match["of"] or match["of2"]
    if of == "thang":
        return _Meant(month_label(today.year, today.month), cumulative=True)
    if of == "quy":
        return _Meant(quarter_label(today.year, (today.month - 1) // 3 + 1), cumulative=True)
    return _Meant(week_label(today), cumulative=True)


def _read_ago(match: re.Match[str], today: date) -> _Meant | None:
    told = match["n"] or match["n2"]
    return _day(today - timedelta(days=_DAYS.get(told) or int(told)), today)


_READERS: dict[str, _Reader] = {
    "range": lambda match, today: _Meant(None, "range"),
    "full": _read_full,
    "spoken": _read_spoken,
    "day_near": _read_day_near,
    "tet": _read_tet,
    "tet_eve": _read_tet_eve,
    # "ram thang sau": of the sixth month, or of the next.
    "bare_full_moon": lambda match, today: replace(_lunar(15, 6, today) or _VAGUE, doubt="which_month"),
    "full_moon": _read_full_moon,
    "feast": _read_feast,
    "day_month": _read_day_month,
    "day_only": _read_day_only,
    "lunar_day": _read_lunar_day,
    "half": _read_half,
    "since": _read_since,
    "begun": _read_begun,
    "quarter": _read_quarter,
    "quarter_near": _read_quarter_near,
    "month": _read_month,
    "month_word": _read_month,
    "month_near": _read_month_near,
    "weekday": _read_weekday,
    "short_weekday": _read_weekday,
    "whole_month": lambda match, today: _Meant(month_label(today.year, today.month)),
    "week": _read_week,
    "year": _read_year,
    "year_near": _read_year_near,
    "ago": _read_ago,
    "today": lambda match, today: _day(today, today),
    "yesterday": lambda match, today: _day(today - timedelta(days=1), today),
    "before": lambda match, today: _day(today - timedelta(days=2), today),
    # "hom kia" may be hôm kia or hôm kìa, the day before.
    "bare_before": lambda match, today: _day(today - timedelta(days=2), today, "which_day"),
    "long_before": lambda match, today: _day(today - timedelta(days=3), today),
    "ahead": lambda match, today: _Meant(None, "future"),
    "vague": lambda match, today: _VAGUE,
}
