"""Gather what the results of a unit or peer group are made of, for one period, in one read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from figures.catalogue import Catalogue, Indicator
from figures.rollup import percentage
from figures.targets import Target
from storage import figures, targets
from storage.database import Connection
from storage.figures import Coverage, Span, Stated, Subject, Sum, Way
from vietnamese.periods import period_bounds

RATIO = "ratio"


@dataclass(frozen=True, slots=True)
class Ratio:
    """A percentage and the figures it is computed from."""

    indicator: str
    numerator: str
    denominator: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the database: the ways figures add, the percentages to compute."""

    ways: tuple[tuple[str, Way], ...]
    ratios: tuple[Ratio, ...]
    stated: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Results: approved and waiting totals, percentages, targets, who reported, what lies across the period's ends."""

    approved: tuple[Sum, ...]
    waiting: tuple[Sum, ...]
    percentages: tuple[tuple[str, Decimal], ...]
    stated: tuple[Stated, ...]
    targets: tuple[Target, ...]
    coverage: Coverage | None
    outside: int


def wanted(catalogue: Catalogue, only: str | None = None) -> Wanted:
    """Return what to ask for: everything that may be shown, or one indicator with its parts.

    Restricted indicators count opinions; they are in no table (`design.md` §9).
    """
    codes = _with_parts(catalogue, only)
    shown = [each for each in catalogue if not each.restricted and (only is None or each.code in codes)]
    ratios = tuple(filter(None, (_ratio(catalogue, each) for each in shown)))
    computed = {ratio.indicator for ratio in ratios}
    return Wanted(
        ways=tuple((each.code, _way(each)) for each in shown if each.kind != RATIO),
        ratios=ratios,
        stated=tuple(each.code for each in shown if each.kind == RATIO and each.code not in computed),
    )


def _ratio(catalogue: Catalogue, indicator: Indicator) -> Ratio | None:
    numerator, denominator = indicator.numerator, indicator.denominator
    if indicator.kind != RATIO or numerator is None or denominator is None:
        return None
    in_catalogue = numerator in catalogue and denominator in catalogue
    return Ratio(indicator.code, numerator, denominator) if in_catalogue else None


def _with_parts(catalogue: Catalogue, code: str | None) -> set[str | None]:
    known = catalogue.indicators.get(code or "")
    return {code, known.numerator, known.denominator} if known else {code}


def _way(indicator: Indicator) -> Way:
    return Way(indicator.aggregation.units, indicator.aggregation.time)


def gather(db: Connection, subject: Subject, label: str, asked: Wanted, on: date) -> Found:
    """Return the results of a subject for the period `label`; who reported as of the borders of `on`."""
    first_day, last_day = period_bounds(label)
    approved = Span(first_day, last_day)
    ways = dict(asked.ways)
    aims = targets.of(db, label, unit_id=subject.unit_id, peer_group_id=subject.peer_group_id)
    covered = figures.coverage(db, subject.unit_id, on, first_day, last_day) if subject.unit_id is not None else None
    return Found(
        approved=tuple(figures.totals(db, subject, approved, ways)),
        waiting=tuple(figures.totals(db, subject, Span(first_day, last_day, "submitted"), ways)),
        percentages=tuple(_percentages(db, subject, approved, asked)),
        stated=tuple(figures.stated(db, subject, approved, asked.stated)),
        targets=tuple(aims.values()),
        coverage=covered,
        outside=figures.outside(db, subject, approved),
    )


def _percentages(db: Connection, subject: Subject, span: Span, asked: Wanted) -> list[tuple[str, Decimal]]:
    ways = dict(asked.ways)
    codes = {code for ratio in asked.ratios for code in (ratio.numerator, ratio.denominator)}
    values = figures.per_unit(db, subject, span, {code: ways[code] for code in codes if code in ways})
    found = (
        (ratio.indicator, percentage(values.get(ratio.numerator, {}), values.get(ratio.denominator, {})))
        for ratio in asked.ratios
    )
    return [(code, percent) for code, percent in found if percent is not None]
