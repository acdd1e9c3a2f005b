"""Roll figures up over a unit and everything below it, in SQL. The rules are those of `figures/rollup.py`.

A unit also stands for the units that merged into it, so a merger loses nothing. Units that were split are
not counted for their successors: nobody knows which part went where.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)

from figures.rollup import ADDING, BY_ITEM, COUNTED, CUMULATIVE, FIRST
from storage import units
from storage.schema import figure, report, succession, unit_version
from storage.types import Amount

Number = int | Decimal

SPLIT = "split"


@dataclass(frozen=True, slots=True)
class Way:
    """How figures of one indicator add: over units and over time, in the catalogue's words."""

    units: str
    time: str


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose figures: of a unit with everything below it by the borders of a day, or of a peer group itself."""

    unit_id: int | None = None
    peer_group_id: int | None = None
    on: date = date.max


@dataclass(frozen=True, slots=True)
class Span:
    """A span of days and the report state asked for: `approved` counts, `submitted` waits."""

    first_day: date
    last_day: date
    state: str = "approved"


@dataclass(frozen=True, slots=True)
class Sum:
    """A total of one indicator; of one item where items do not add (`series`).

    `of` is the n of "k of n", set where every figure in it has one, and for answers of yes and no.
    `cumulative` tells that all of it is running totals.
    """

    indicator: str
    series: str
    unit_of_measure: str
    value: Number
    units: int
    qualifiers: frozenset[str]
    of: Number | None = None
    cumulative: bool = False


def totals(db: Connection, subject: Subject, span: Span, ways: Mapping[str, Way]) -> list[Sum]:
    """Return the totals of the indicators in `ways` that have figures, by indicator and item."""
    found: list[Sum] = []
    for way in sorted(set(ways.values()), key=lambda way: (way.time, way.units)):
        indicators = sorted(code for code, each in ways.items() if each == way)
        found += _totals_one_way(db, _counting(subject, span, indicators, way), way)
    return sorted(found, key=lambda each: (each.indicator, each.series))


def per_unit(db: Connection, subject: Subject, span: Span, ways: Mapping[str, Way]) -> dict[str, dict[int, Number]]:
    """Return indicator → unit id → total, for the parts of percentages."""
    found: dict[str, dict[int, Number]] = {}
    for code, way in ways.items():
        kept = _counting(subject, span, [code], way)
        query = select(kept.c.unit_id, type_coerce(func.sum(kept.c.value), Amount)).group_by(kept.c.unit_id)
        values = {int(unit_id): value for unit_id, value in db.execute(query)}
        if values:
            found[code] = values
    return found


def _totals_one_way(db: Connection, kept: CTE, way: Way) -> list[Sum]:
    series = kept.c.series if way.units == BY_ITEM else literal("")
    value = func.sum(case((kept.c.value >= 1000, 1000), else_=0)) if way.units == COUNTED else func.sum(kept.c.value)
    query = select(
        kept.c.indicator,
        series.label("item"),
        func.max(kept.c.unit_of_measure),
        type_coerce(value, Amount),
        func.count(kept.c.unit_id.distinct()),
        case((func.count(kept.c.of_value) == func.count(), type_coerce(func.sum(kept.c.of_value), Amount))),
        func.min(case((kept.c.mode == CUMULATIVE, 1), else_=0)),
        *(func.max(case((kept.c.qualifier == name, 1), else_=0)) for name in QUALIFIERS),
    ).group_by(kept.c.indicator, *([kept.c.series] if way.units == BY_ITEM else []))
    return [_sum(row, way) for row in db.execute(query).all()]


QUALIFIERS = ("min", "max", "approx")


def _sum(row: Sequence[object], way: Way) -> Sum:
    indicator, series, measure, value, count, whole, cumulative, *met = row
    assert isinstance(value, int | Decimal) and isinstance(count, int)
    assert whole is None or isinstance(whole, int | Decimal)
    qualifiers = frozenset(name for name, seen in zip(QUALIFIERS, met, strict=True) if seen)
    of = count if way.units == COUNTED else whole
    return Sum(str(indicator), str(series), str(measure), value, count, qualifiers, of, bool(cumulative))


def _counting(subject: Subject, span: Span, indicators: Sequence[str], way: Way) -> CTE:
    """The figures that count, by one way of adding over time."""
    facts = _facts(subject, span, indicators)
    if way.units == COUNTED:
        return _standing(facts, way.time, by_series=False)
    if way.time in ADDING:
        return _without_included(facts, subject)
    return _without_parts(_standing(facts, way.time), subject)


def _facts(subject: Subject, span: Span, indicators: Sequence[str]) -> CTE:
    columns = [figure.c[name] for name in _FACT_COLUMNS]
    unit_id: ColumnElement[int] = figure.c.unit_id if subject.unit_id is not None else literal(0)
    # Plain thousandths: sums and comparisons are exact and the same on every database.
    thousandths = [type_coerce(figure.c[name], figure.c.id.type).label(name) for name in ("value", "of_value")]
    query = (
        select(unit_id.label("unit_id"), *thousandths, *columns)
        .join(report, report.c.id == figure.c.report_id)
        .where(
            _whose(subject),
            report.c.state == span.state,
            figure.c.replaced.is_(False),
            figure.c.indicator.in_(indicators),
            figure.c.first_day >= span.first_day,
            figure.c.last_day <= span.last_day,
        )
    )
    return query.cte()


_FACT_COLUMNS = ("id", "indicator", "unit_of_measure", "first_day", "last_day", "mode", "series", "qualifier")


def _without_included(facts: CTE, subject: Subject) -> CTE:
    """Leave out what a cumulative figure of the unit, or of one above it, includes."""
    wholes = select(facts).where(facts.c.mode == CUMULATIVE).cte()
    part = _parts(select(wholes.c.unit_id), subject)
    later = and_(
        facts.c.mode == CUMULATIVE,
        facts.c.unit_id == wholes.c.unit_id,
        facts.c.series == wholes.c.series,
        facts.c.first_day == wholes.c.first_day,
        facts.c.last_day == wholes.c.last_day,
        wholes.c.id < facts.c.id,
    )
    included = (
        select(facts.c.id)
        .join(part, part.c.part_id == facts.c.unit_id)
        .join(wholes, wholes.c.unit_id == part.c.whole_id)
        .where(
            _holds_for(wholes, facts),
            wholes.c.first_day <= facts.c.first_day,
            facts.c.last_day <= wholes.c.last_day,
            ~later,
        )
    )
    return select(facts).where(facts.c.id.not_in(included)).cte()


def _standing(facts: CTE, time: str, *, by_series: bool = True) -> CTE:
    """Keep of each unit, indicator and series the last (first) figure."""
    whose = [facts.c.unit_id, facts.c.indicator, *([facts.c.series] if by_series else [])]
    order = [facts.c.last_day, facts.c.id]
    newest_first = order if time == FIRST else [column.desc() for column in order]
    rank = func.row_number().over(partition_by=whose, order_by=newest_first).label("rank")
    ranked = select(facts, rank).cte()
    return select(ranked).where(ranked.c.rank == 1).cte()


def _without_parts(standing: CTE, subject: Subject) -> CTE:
    """Leave out the figures of parts where the whole has one of its own."""
    wholes = standing.alias()
    part = _parts(select(standing.c.unit_id), subject)
    covered = (
        select(standing.c.id)
        .join(part, part.c.part_id == standing.c.unit_id)
        .join(wholes, wholes.c.unit_id == part.c.whole_id)
        .where(_holds_for(wholes, standing))
    )
    return select(standing).where(standing.c.id.not_in(covered)).cte()


def _holds_for(whole: CTE, facts: CTE) -> ColumnElement[bool]:
    return and_(
        whole.c.indicator == facts.c.indicator,
        whole.c.id != facts.c.id,
        or_(whole.c.series == "", whole.c.series == facts.c.series),
    )


def _parts(wholes: Select[tuple[int]], subject: Subject) -> CTE:
    """Return (whole_id, part_id) of the units in `wholes`: themselves and all that belongs to them."""
    tops = wholes.subquery()
    top = select(tops.c.unit_id.label("whole_id"), tops.c.unit_id.label("part_id")).distinct()
    if subject.unit_id is None:
        return top.cte()
    below = _below(subject.on)
    walk = top.cte(recursive=True)
    return walk.union(select(walk.c.whole_id, below.c.lower_id).join(below, below.c.upper_id == walk.c.part_id))


def _below(on: date) -> CTE:
    """Return (upper_id, lower_id): child units of a day, and units that merged into another."""
    children = select(unit_version.c.parent_id.label("upper_id"), unit_version.c.unit_id.label("lower_id")).where(
        units.in_force(on), unit_version.c.parent_id.is_not(None)
    )
    merged = select(succession.c.to_unit_id, succession.c.from_unit_id).where(succession.c.kind != SPLIT)
    return union_all(children, merged).cte()


def scope(unit_id: int, on: date) -> Select[tuple[int]]:
    """Return the query for the ids of a unit, all below it on a day, and all that merged into one of these."""
    inside = units.subtree([unit_id], on).subquery()
    below = _below(on)
    belonging = select(inside.c.id.label("id")).cte(recursive=True)
    all_of_it = belonging.union(select(below.c.lower_id).join(belonging, belonging.c.id == below.c.upper_id))
    return select(all_of_it.c.id)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the units directly below reported in a span: with figures, only "nothing to report", not at all."""

    level: str
    reported: int
    nothing_to_report: int
    missing: tuple[str, ...]

    @property
    def expected(self) -> int:
        """The number of units asked."""
        return self.reported + self.nothing_to_report + len(self.missing)


def coverage(db: Connection, unit_id: int, on: date, first_day: date, last_day: date) -> Coverage | None:
    """Return who of the units directly below reported for some day of the span; None where there are none.

    A report counts for a unit when it comes from it or from anywhere below it, and is not returned or withdrawn.
    """
    below = units.children(db, unit_id, on)
    if not below:
        return None
    kinds = _kinds_by_child(db, [each.id for each in below], on, (first_day, last_day))
    told = {child: "nil" if found == {"nil"} else "figures" for child, found in kinds.items()}
    missing = tuple(each.short_name for each in below if each.id not in told)
    states = list(told.values())
    return Coverage(below[0].level, states.count("figures"), states.count("nil"), missing)


def _kinds_by_child(db: Connection, children: Sequence[int], on: date, days: tuple[date, date]) -> dict[int, set[str]]:
    asked = select(unit_version.c.unit_id).where(unit_version.c.unit_id.in_(children))
    part = _parts(asked, Subject(unit_id=0, on=on))
    query = (
        select(part.c.whole_id, report.c.kind)
        .join(report, report.c.unit_id == part.c.part_id)
        .where(
            report.c.state.in_(("submitted", "approved")),
            report.c.first_day <= days[1],
            report.c.last_day >= days[0],
        )
        .distinct()
    )
    kinds: dict[int, set[str]] = {}
    for child, kind in db.execute(query).all():
        kinds.setdefault(int(child), set()).add(str(kind))
    return kinds


def outside(db: Connection, subject: Subject, span: Span) -> int:
    """Return how many figures touch the span without lying in it, so that no total of it can hold them."""
    query = (
        select(func.count())
        .select_from(figure.join(report, report.c.id == figure.c.report_id))
        .where(
            _whose(subject),
            report.c.state == span.state,
            figure.c.replaced.is_(False),
            figure.c.first_day <= span.last_day,
            figure.c.last_day >= span.first_day,
            or_(figure.c.first_day < span.first_day, figure.c.last_day > span.last_day),
        )
    )
    return int(db.scalar(query) or 0)


@dataclass(frozen=True, slots=True)
class Stated:
    """What a unit or peer group itself said last, for figures that cannot be added ("8 of 8")."""

    indicator: str
    value: Number
    of: Number | None
    unit_of_measure: str
    qualifier: str | None


def stated(db: Connection, subject: Subject, span: Span, indicators: Collection[str]) -> list[Stated]:
    """Return the last figure of each indicator that the subject itself reported in the span."""
    own = figure.c.unit_id == subject.unit_id if subject.unit_id is not None else _whose(subject)
    columns = (figure.c.indicator, figure.c.value, figure.c.of_value, figure.c.unit_of_measure, figure.c.qualifier)
    query = (
        select(*columns)
        .join(report, report.c.id == figure.c.report_id)
        .where(
            own,
            report.c.state == span.state,
            figure.c.replaced.is_(False),
            figure.c.indicator.in_(indicators),
            figure.c.first_day >= span.first_day,
            figure.c.last_day <= span.last_day,
        )
        .order_by(figure.c.last_day, figure.c.id)
    )
    last = {row.indicator: Stated(*row) for row in db.execute(query)}
    return [last[code] for code in sorted(last)]


def _whose(subject: Subject) -> ColumnElement[bool]:
    if subject.unit_id is not None:
        return figure.c.unit_id.in_(scope(subject.unit_id, subject.on))
    return figure.c.peer_group_id == subject.peer_group_id
