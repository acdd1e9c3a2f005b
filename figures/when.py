"""Which date a figure has: its own clause's, the last one said, the only one of the message, or the day it came."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from datetime import date

from figures.scan import Scan
from figures.silence import silence
from vietnamese.dates import DateFound

_OCCASION_NEAR = 4
_DAY = len("2025-03-08")


@dataclass(frozen=True, slots=True)
class When:
    """The label of a figure's day or period, and why it is not sure."""

    label: str | None
    doubt: str | None = None
    cumulative: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """The dates of a message as (token, what it says), neighbours joined ("hôm nay 21/11")."""

    dates: tuple[tuple[int, When], ...]
    default: When


def told_dates(found: Scan, today: date, period: str) -> Told:
    """Join the dates of a scan; without one a message speaks of `today`, or of its year where `period` is year."""
    joined: list[tuple[int, When]] = []
    last_at = -2
    for at, said in _reporting(found):
        when = _when(found, at, said, today)
        if when is None:
            continue
        if joined and at == last_at + 1:
            joined[-1] = (joined[-1][0], _both(joined[-1][1], when))
        elif joined and at == last_at + 2 and found.row.texts[last_at + 1] in {"va", ",", "voi"}:
            joined.append((at, replace(_both(joined[-1][1], when), label=when.label)))
        else:
            joined.append((at, when))
        last_at = at
    return Told(tuple(joined), When(str(today.year) if period == "year" else today.isoformat()))


def _reporting(found: Scan) -> list[tuple[int, DateFound]]:
    """Return the dates that figures may have: none of last year beside this one's, no occasion beside another date."""
    quiet = silence(found)
    # The period of a plan holds for what was done of it: "Quý IV phấn đấu kết nạp 20, đã kết nạp 14".
    dates = [
        (at, said)
        for at, said in found.dates
        if at not in quiet.compared and (at not in quiet.sure or (said.doubt is None and len(said.label or "") < _DAY))
    ]
    own = [(at, said) for at, said in dates if not _is_occasion(found, at, said)]
    return own or dates


def when_of(told: Told, found: Scan, at: int) -> When:
    """Return the date of the figure whose words begin at token `at`."""
    if not told.dates:
        return told.default
    clause = [when for t, when in told.dates if found.weak[t] == found.weak[at] and found.strong[t] == found.strong[at]]
    if clause:
        return clause[-1] if len({when.label for when in clause}) == 1 else When(clause[0].label, "two_dates")
    before = [when for t, when in told.dates if t < at]
    if before:
        return before[-1]
    if len({when.label for _, when in told.dates}) == 1:
        return told.dates[0][1]
    return When(told.default.label, "two_dates")


def _when(found: Scan, at: int, said: DateFound, today: date) -> When | None:
    """Return what a date says; None for an occasion yet to come, which the day of the message came before."""
    if _is_occasion(found, at, said):
        if said.doubt in {"future", "which_year"}:
            return None
        if said.doubt is None and said.label != today.isoformat():
            return When(said.label, "occasion")
    return When(said.label, said.doubt, said.cumulative)


def _is_occasion(found: Scan, at: int, said: DateFound) -> bool:
    """Tell whether a day is only what was celebrated: "chào mừng 8/3"."""
    if said.label is None or len(said.label) != len("2025-03-08"):
        return False
    end = bisect_left(found.cues, (at, -1, ""))
    near = found.cues[max(0, end - 3) : end]
    return any(name == "occasion" and 0 < at - last <= _OCCASION_NEAR for _, last, name in near)


def _both(first: When, second: When) -> When:
    """Join neighbours: the narrower one holds; two different days are in doubt."""
    if first.label is None or second.label is None:
        return first if second.label is None and first.label else second
    if len(first.label) == len(second.label) and first.label != second.label:
        return When(second.label, "two_dates")
    narrow = first if len(first.label) > len(second.label) else second
    return When(narrow.label, first.doubt or second.doubt, first.cumulative or second.cumulative)
