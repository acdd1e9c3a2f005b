"""Turn records (figures as a message is read) into figures to store, and merge what she adds at the card."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from dialogue.messages import Attachment
from handlers.figures_text import Record
from storage.reports import NewFigure
from vietnamese.fold import fold
from vietnamese.periods import period_bounds

MOST_VALUE = Decimal(9) * 10**15
DECIMALS = Decimal("0.001")
MOST_RECORDS = 20
MOST_PHOTOS = 10
SERIES_CHARS = 200
QUALIFIERS = frozenset({"min", "max", "approx"})


def has_value(record: Record) -> bool:
    """Tell whether a record has a value that a figure can hold."""
    value = record.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= Decimal(str(value)) <= MOST_VALUE


def figure_of(record: Record, *, unit_name: str, today: date) -> NewFigure:
    """Return a record as a figure to store.

    A cumulative one reaches only to the day it is told: what comes later is not in it.
    """
    label = str(record["date"])
    first_day, last_day = period_bounds(label)
    cumulative = bool(record.get("cumulative"))
    qualifier = record.get("qualifier")
    return NewFigure(
        indicator=str(record["indicator"]),
        period=label,
        first_day=first_day,
        last_day=max(first_day, min(last_day, today)) if cumulative else last_day,
        value=held(record["value"]),
        unit_of_measure=str(record["unit"]),
        mode="cumulative" if cumulative else "increment",
        series=series_of(record, unit_name),
        qualifier=qualifier if qualifier in QUALIFIERS else None,
        breakdown=record.get("by") or None,
        place=record.get("place"),
        of_value=held(record["of"]) if record.get("of") is not None else None,
    )


def held(value: int | float) -> int | Decimal:
    """Return a number of JSON as a figure holds it: exact, three decimals at most."""
    number = Decimal(str(value)).quantize(DECIMALS)
    return int(number) if number == number.to_integral_value() else number


def series_of(record: Record, unit_name: str = "") -> str:
    """Return what tells a record from others of its indicator: the words (not numbers) of its breakdown, its place.

    The sender's own place tells nothing apart.
    """
    told = [f"{name}={value}" for name, value in (record.get("by") or {}).items() if isinstance(value, str)]
    place = fold(str(record.get("place") or ""))
    if place and place not in fold(unit_name):
        told.append(f"@{place}")
    return fold(" ".join(sorted(told)))[:SERIES_CHARS]


def same_fact(one: Record, other: Record) -> bool:
    """Tell whether two records say the same kind of thing of the same day, so that the later one replaces it."""
    return _identity(one) == _identity(other)


def _identity(record: Record) -> tuple[str, str, str]:
    return record["indicator"], str(record["date"]), series_of(record)


def merged(records: Sequence[Record], said: Iterable[Record], *, dated: bool = False) -> list[Record]:
    """Return the records with what she said later put in: it changes the one it speaks of, or is added.

    "hv mới là 5" names no day and no breakdown; it changes the only record of its indicator. `dated`: she named the
    day, so a record of another day is another figure.
    """
    result = list(records)
    told: set[int] = set()
    for record in said:
        # Two figures of one kind in what she said are two: the second must not take the place of the first.
        place = _place_of(record, result, told, dated=dated)
        if place is None:
            place = len(result)
            result.append(record)
        else:
            result[place] = _changed(result[place], record)
        told.add(place)
    return result[:MOST_RECORDS]


def _place_of(record: Record, among: Sequence[Record], told: Collection[int], *, dated: bool) -> int | None:
    of_its_kind = [index for index, other in enumerate(among) if other["indicator"] == record["indicator"]]
    alike = [index for index in of_its_kind if index not in told]
    replaced = [index for index in alike if record.get("replaces") == among[index]["value"]]
    if len(replaced) == 1:
        return replaced[0]
    exactly = [index for index in alike if same_fact(among[index], record)]
    if exactly:
        return exactly[0]
    is_only_one = bool(alike) and len(of_its_kind) == 1
    return alike[0] if is_only_one and not dated and not series_of(record) else None


def without_span(record: Record) -> dict[str, Any]:
    """Return a record without the place of its words in the message: it comes from somewhere else."""
    return {name: value for name, value in record.items() if name != "span"}


_TOLD_WITH_A_VALUE = frozenset({"value", "qualifier", "of", "derived", "span"})


def _changed(record: Record, said: Record) -> dict[str, Any]:
    kept = {name: value for name, value in record.items() if name not in _TOLD_WITH_A_VALUE}
    new = {name: said[name] for name in ("value", "qualifier", "of", "span") if said.get(name) is not None}
    return {**kept, "by": said.get("by") or _parts_kept(record), **new}


def _parts_kept(record: Record) -> Mapping[str, Any]:
    """A breakdown in numbers belonged to the old value; words such as "poor" stay."""
    return {name: value for name, value in (record.get("by") or {}).items() if isinstance(value, str)}


def span_of(figures: Sequence[NewFigure]) -> tuple[str, date, date]:
    """Return the period of a whole report: (label, first day, last day). The label is the shortest that holds all."""
    first_day = min(figure.first_day for figure in figures)
    last_day = max(figure.last_day for figure in figures)
    labels = {figure.period for figure in figures}
    if len(labels) == 1:
        return labels.pop(), first_day, last_day
    for label in _labels_from(first_day):
        begins, ends = period_bounds(label)
        if begins <= first_day and last_day <= ends:
            return label, first_day, last_day
    return str(last_day.year), first_day, last_day


def _labels_from(day: date) -> tuple[str, ...]:
    year, month = day.year, day.month
    quarter, half = (month + 2) // 3, (month + 5) // 6
    return day.isoformat(), f"{year:04d}-{month:02d}", f"{year:04d}-Q{quarter}", f"{year:04d}-H{half}", f"{year:04d}"


def added_photos(photos: Sequence[str], attachments: Iterable[Attachment | str]) -> list[str]:
    """Return the SHA-256 names of the photos so far and the new ones, each once, ten at most."""
    names = [each if isinstance(each, str) else each.sha256 for each in attachments]
    return list(dict.fromkeys((*photos, *names)))[:MOST_PHOTOS]
