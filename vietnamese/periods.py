"""Labels of days and periods: `2025-03-09`, `2025-03`, `2025-Q1`, `2025-H1`, `2024-W42`, `2025`."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta

_LABEL = re.compile(r"(\d{4})(?:-(?:Q([1-4])|H([12])|W(\d{2})|(\d{2})(?:-(\d{2}))?))?")


def period_bounds(label: str) -> tuple[date, date]:
    """Return the first and last day of a label; `ValueError` if it is none."""
    match = _LABEL.fullmatch(label)
    if not match or not label.isascii():
        raise ValueError(f"not a day or period: {label!r}")
    year, quarter, half, week, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None
    if week is not None:
        monday = date.fromisocalendar(year, week, 1)
        return monday, monday + timedelta(days=6)
    if day is not None and month is not None:
        only = date(year, month, day)
        return only, only
    if quarter is not None:
        return _months(year, 3 * quarter - 2, 3 * quarter)
    if half is not None:
        return _months(year, 6 * half - 5, 6 * half)
    return _months(year, month or 1, month or 12) if month is None or 1 <= month <= 12 else _refuse(label)


def month_label(year: int, month: int) -> str:
    """Return the label of a month; months outside 1 to 12 run over into the neighbouring years."""
    years, index = divmod(month - 1, 12)
    return f"{year + years:04d}-{index + 1:02d}"


def week_label(day: date) -> str:
    """Return the label of the ISO week of a day."""
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


def quarter_label(year: int, quarter: int) -> str:
    """Return the label of a quarter; quarters outside 1 to 4 run over into the neighbouring years."""
    years, index = divmod(quarter - 1, 4)
    return f"{year + years:04d}-Q{index + 1}"


def _months(year: int, first: int, last: int) -> tuple[date, date]:
    return date(year, first, 1), date(year, last, monthrange(year, last)[1])


def _refuse(label: str) -> tuple[date, date]:
    raise ValueError(f"not a day or period: {label!r}")
