"""Put figures and reports in words. A record is a figure as a message is read (`design.md` §5): JSON with
indicator, value, unit, date and, where said, qualifier, by, of, place, cumulative."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dialogue.messages import Choice, Lines, Money, Phrase, Say
from handlers.content import Content
from storage.reports import Report, StoredFigure
from vietnamese.periods import period_bounds

Record = Mapping[str, Any]
Number = int | Decimal

MONEY = "vnd"
PERCENT = "percent"


@dataclass(frozen=True, slots=True)
class Words:
    """The names of indicators and units of measure in one language."""

    content: Content
    language: str

    def indicator(self, code: str) -> str:
        """Return the name of an indicator; its code where the catalogue no longer knows it."""
        known = self.content.catalogue.indicators.get(code)
        return known.name(self.language) if known else code

    def measure(self, code: str) -> str:
        """Return what is counted, by the first of its names: "buổi" of "buổi, cuộc"."""
        known = self.content.catalogue.units.get(code)
        return known.name(self.language).partition(",")[0] if known else code

    def part(self, indicator: str, dimension: str, value: str) -> Phrase:
        """Return what a part of a breakdown is called: its sentence, else the first word the catalogue has for it."""
        key = f"part.{value}"
        if self.content.wording.has(key):
            return Say(key)
        known = self.content.catalogue.indicators.get(indicator)
        words = known.by.get(dimension, {}).get(value) if known else None
        return words[0] if words else value.replace("_", " ")


def amount(value: Number | float, unit: str, words: Words) -> Phrase:
    """Return a value with its unit: money, a percentage, or a count of something."""
    number = exact(value)
    if unit == MONEY:
        return Money(int(number))
    if unit == PERCENT:
        return Say("figure.percent", {"value": number})
    return Say("figure.counted", {"value": number, "unit": words.measure(unit)})


def qualified(phrase: Phrase, qualifier: str | None) -> Phrase:
    """Return the phrase with "at least", "at most" or "about" before it."""
    return Say(f"figure.{qualifier}", {"value": phrase}) if qualifier else phrase


def value_of(record: Record, words: Words) -> Phrase:
    """Return the value of a record as it is shown: qualifier, unit, "of n", cumulative."""
    phrase = qualified(amount(record["value"], record["unit"], words), record.get("qualifier"))
    if record.get("of") is not None:
        phrase = Say("figure.of", {"value": phrase, "of": exact(record["of"])})
    return Say("figure.cumulative", {"value": phrase}) if record.get("cumulative") else phrase


def line_of(record: Record, words: Words) -> Say:
    """Return one record as a line of a card: name, value, period, and below it what it is made of."""
    told = {
        "name": words.indicator(record["indicator"]),
        "value": value_of(record, words),
        "period": period_of(record["date"]),
    }
    details = tuple(_details(record, words))
    return Say("figure.line_with", {**told, "details": _joined(details)}) if details else Say("figure.line", told)


def label_of(record: Record, words: Words) -> Say:
    """Return one record as short as a button needs it: name and value."""
    return Say("figure.label", {"name": words.indicator(record["indicator"]), "value": value_of(record, words)})


def _details(record: Record, words: Words) -> Iterator[Phrase]:
    for dimension, value in (record.get("by") or {}).items():
        if isinstance(value, str):
            yield words.part(record["indicator"], dimension, value)
        else:
            name = words.part(record["indicator"], dimension, dimension)
            yield Say("figure.part", {"name": name, "value": amount(value, record["unit"], words)})
    place = record.get("place")
    if place and record.get("place_now"):
        yield Say("figure.place_former", {"place": str(place), "now": str(record["place_now"])})
    elif place:
        yield Say("figure.place_below", {"place": str(place)}) if record.get("place_unit") else str(place)


def _joined(phrases: tuple[Phrase, ...]) -> Phrase:
    first, *rest = phrases
    for phrase in rest:
        first = Say("figure.and", {"first": first, "second": phrase})
    return first


def period_of(label: str) -> Phrase:
    """Return a day or period in words; the label itself if it is none."""
    try:
        first_day, _ = period_bounds(label)
    except ValueError:
        return label
    year, _, rest = label.partition("-")
    if not rest:
        return Say("period.year", {"year": year})
    if rest[0] == "H":
        return Say(f"period.half_{rest[1:]}", {"year": year})
    if rest[0] in "QW":
        return Say("period.quarter" if rest[0] == "Q" else "period.week", {"number": int(rest[1:]), "year": year})
    return Say("period.month", {"number": int(rest), "year": year}) if len(rest) == 2 else first_day


def record_of(stored: StoredFigure) -> dict[str, Any]:
    """Return a stored figure as a record."""
    optional = {
        "qualifier": stored.qualifier,
        "by": dict(stored.breakdown) if stored.breakdown else None,
        "place": stored.place,
        "of": as_json(stored.of_value) if stored.of_value is not None else None,
        "cumulative": True if stored.mode == "cumulative" else None,
    }
    return {
        "indicator": stored.indicator,
        "value": as_json(stored.value),
        "unit": stored.unit_of_measure,
        "date": stored.period,
    } | {name: value for name, value in optional.items() if value is not None}


def lines_of(report: Report, words: Words) -> Lines:
    """Return the figures of a report line by line; of a nil report the one line that says so."""
    if report.kind == "nil":
        return Lines((Say("report.nil_line", {"period": period_of(report.period)}),))
    return Lines(tuple(line_of(record_of(figure), words) for figure in report.figures))


def short_of(report: Report, words: Words) -> Phrase:
    """Return the figures of a report in one line, as a button needs it."""
    if report.kind == "nil":
        return Say("report.nil_short")
    return _joined(tuple(label_of(record_of(figure), words) for figure in report.figures))


def choice_of(report: Report, words: Words) -> Choice:
    """Return a report as a choice: its code, of when it is and what is in it."""
    told = {"code": report.code, "period": period_of(report.period), "figures": short_of(report, words)}
    return Choice(report.code, Say("report.one_of_several", told))


def state_of(report: Report) -> Say:
    """Return the state of a report in plain words."""
    return Say(f"report.state.{report.state}")


def exact(value: Number | float) -> Number:
    """Return a number of JSON exactly, whole ones as int."""
    number = Decimal(str(value))
    return int(number) if number == number.to_integral_value() else number


def as_json(value: Number) -> int | float:
    """Return a number as JSON holds it."""
    return value if isinstance(value, int) else float(value)
