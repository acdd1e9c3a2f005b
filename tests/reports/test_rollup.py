"""The SQL of `storage/figures.py` against the plain rules of `figures/rollup.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from figures.rollup import Fact, Total, combined, percentage, total, within, yes_of
from storage import figures, reports, units
from storage.figures import Span, Subject, Way
from storage.reports import NewFigure, NewReport
from tests.tables import BOTH, POSTGRESQL, engine_on, new_place
from vietnamese.periods import period_bounds

YEAR = (date(2026, 1, 1), date(2026, 12, 31))
AT = datetime(2026, 11, 23, tzinfo=UTC)
ON = date(2026, 11, 23)


def fact(id_: int, unit: int, days: tuple[str, str], value: int, **more: Any) -> Fact:
    return Fact(id_, unit, date.fromisoformat(days[0]), date.fromisoformat(days[1]), value, **more)


NOVEMBER, OCTOBER = ("2026-11-01", "2026-11-30"), ("2026-10-01", "2026-10-31")
SO_FAR = ("2026-01-01", "2026-10-31")
COMMUNE = {1: frozenset({1, 2, 3}), 2: frozenset({2}), 3: frozenset({3})}


def test_flows_add_over_units_and_time() -> None:
    facts = [fact(1, 2, OCTOBER, 3), fact(2, 2, NOVEMBER, 4), fact(3, 3, NOVEMBER, 5)]
    assert total(facts, COMMUNE, time="sum") == Total(12, None, 2)


def test_a_running_total_stands_for_what_was_told_inside_its_span() -> None:
    facts = [
        fact(1, 2, OCTOBER, 3),
        fact(2, 2, SO_FAR, 40, mode="cumulative"),
        fact(3, 2, NOVEMBER, 4),
        fact(4, 3, OCTOBER, 100),
    ]
    assert total(facts, COMMUNE, time="sum") == Total(144, None, 2)


def test_of_two_running_totals_the_later_or_longer_stands() -> None:
    march = fact(1, 2, ("2026-01-01", "2026-03-31"), 10, mode="cumulative")
    june = fact(2, 2, ("2026-01-01", "2026-06-30"), 25, mode="cumulative")
    again = fact(3, 2, ("2026-01-01", "2026-06-30"), 26, mode="cumulative")
    assert total([march, june, again], COMMUNE, time="sum") == Total(26, None, 1)


def test_a_stock_is_the_latest_of_each_unit_and_what_the_whole_says_holds_for_its_parts() -> None:
    facts = [fact(1, 2, OCTOBER, 30), fact(2, 2, NOVEMBER, 32), fact(3, 3, NOVEMBER, 50)]
    assert total(facts, COMMUNE, time="latest") == Total(82, None, 2)
    assert total([*facts, fact(4, 1, OCTOBER, 90)], COMMUNE, time="latest") == Total(90, None, 1)


def test_poor_and_near_poor_are_series_that_add_and_the_whole_leaves_them_out() -> None:
    poor, near = fact(1, 2, NOVEMBER, 2, series="poor"), fact(2, 2, NOVEMBER, 1, series="near")
    assert total([poor, near], COMMUNE, time="latest") == Total(3, None, 1)
    assert total([poor, near, fact(3, 2, NOVEMBER, 4)], COMMUNE, time="latest") == Total(4, None, 1)


def test_a_baseline_is_the_first() -> None:
    assert total([fact(1, 2, NOVEMBER, 9), fact(2, 2, OCTOBER, 7)], COMMUNE, time="first") == Total(7, None, 1)


def test_yes_is_counted_among_those_who_answered() -> None:
    answers = [fact(1, 2, OCTOBER, 1), fact(2, 2, NOVEMBER, 0), fact(3, 3, OCTOBER, 1)]
    assert yes_of(answers) == Total(1, None, 2, 2)


def test_only_what_lies_wholly_in_the_span_counts() -> None:
    facts = [fact(1, 2, NOVEMBER, 3), fact(2, 2, ("2026-10-01", "2026-12-31"), 9)]
    assert within(facts, date(2026, 11, 1), date(2026, 11, 30)) == facts[:1]


@pytest.mark.parametrize(
    ("qualifiers", "sum_is"),
    [([None, None], None), ([None, "min"], "min"), (["min", "max"], "approx"), (["max", None, "max"], "max")],
)
def test_sums_of_qualified_figures_stay_qualified(qualifiers: list[str | None], sum_is: str | None) -> None:
    assert combined(qualifiers) == sum_is


def test_percentages_come_from_units_that_gave_both_parts_and_nothing_of_nothing_is_none() -> None:
    assert percentage({1: 30, 2: 50}, {1: 60, 3: 100}) == 50
    assert percentage({1: 0}, {1: 0}) is None
    assert percentage({}, {1: 5}) is None


@dataclass(frozen=True)
class World:
    """A random tree (parent of each unit, mergers) and random figures."""

    parents: tuple[int | None, ...]
    merged: tuple[tuple[int, int], ...]
    facts: tuple[Fact, ...]

    def parts(self) -> Mapping[int, frozenset[int]]:
        return {unit: frozenset(self._below(unit)) for unit in range(len(self.parents))}

    def _below(self, unit: int) -> Iterator[int]:
        yield unit
        for other, parent in enumerate(self.parents):
            if parent == unit or (other, unit) in self.merged:
                yield from self._below(other)


LABELS = ("2026-02-10", "2026-02", "2026-03", "2026-Q1", "2026-H1", "2026", "2025-12", "2026-12")


@st.composite
def worlds(draw: st.DrawFn) -> World:
    count = draw(st.integers(2, 7))
    parents = (None, *(draw(st.integers(-1, unit - 1)) for unit in range(1, count)))
    # Who merged stands outside the tree and belongs to an earlier unit; that keeps it free of circles.
    merged = tuple((unit, draw(st.integers(0, unit - 1))) for unit in range(1, count) if parents[unit] == -1)
    facts = draw(st.lists(_facts(count), max_size=14))
    numbered = tuple(Fact(place, *rest) for place, rest in enumerate(facts, 1))
    return World(tuple(None if parent == -1 else parent for parent in parents), merged, numbered)


def _facts(units_count: int) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.builds(
        lambda unit, label, value, mode, qualifier, series: (
            unit,
            *period_bounds(label),
            value,
            mode,
            qualifier,
            series,
        ),
        st.integers(0, units_count - 1),
        st.sampled_from(LABELS),
        st.one_of(st.integers(0, 3), st.sampled_from([Decimal("0.5"), Decimal("1.25")])),
        st.sampled_from(["increment", "increment", "cumulative"]),
        st.sampled_from([None, None, "min", "max", "approx"]),
        st.sampled_from(["", "", "a", "b"]),
    )


@pytest.fixture(scope="module", params=BOTH)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    path = tmp_path_factory.mktemp("rollup") / "figures.db"
    with new_place(request.param, path) as place, engine_on(place) as engine:
        yield engine


@contextmanager
def scratch(engine: Engine) -> Iterator[Connection]:
    """A database that forgets what is written to it."""
    with engine.connect() as db, db.begin() as transaction:
        if db.dialect.name == POSTGRESQL:  # where numbers given are not given again by themselves
            db.exec_driver_sql("ALTER SEQUENCE unit_id_seq RESTART")
        yield db
        transaction.rollback()


def plant(db: Connection, world: World) -> None:
    for unit in range(len(world.parents)):
        units.add(db, f"U{unit}")
    for unit, parent in enumerate(world.parents):
        if not any(unit == gone for gone, _ in world.merged):
            parent_id = None if parent is None else parent + 1
            units.add_version(db, unit + 1, parent_id=parent_id, level="x", name=f"U{unit}", short_name=f"U{unit}")
    for gone, heir in world.merged:
        units.add_succession(db, gone + 1, heir + 1, on=date(2025, 7, 1), kind="merge")
    for each in world.facts:
        _store(db, each)


def _store(db: Connection, each: Fact, state: str = "approved") -> str:
    stored = NewFigure(
        indicator="X",
        period="2026",
        first_day=each.first_day,
        last_day=each.last_day,
        value=each.value,
        unit_of_measure="ho",
        mode=each.mode,
        series=each.series,
        qualifier=each.qualifier,
    )
    new = NewReport("2026", each.first_day, each.last_day, (stored,), unit_id=each.unit_id + 1)
    return reports.submit(db, new, at=AT, state=state)[1]


@pytest.mark.parametrize("time", ["sum", "set_union", "latest", "first", "count_true"])
@settings(max_examples=80, deadline=None)
@given(world=worlds())
def test_the_sql_agrees_with_the_rules_on_any_tree_and_figures(engine: Engine, time: str, world: World) -> None:
    way = Way("count_true", "latest") if time == "count_true" else Way("sum", time)
    with scratch(engine) as db:
        plant(db, world)
        for unit in {0, len(world.parents) - 1}:
            found = figures.totals(db, Subject(unit_id=unit + 1, on=ON), Span(*YEAR), {"X": way})
            assert [_as_total(each) for each in found] == _expected(world, unit, time)


def _expected(world: World, unit: int, time: str) -> Sequence[Total]:
    parts = world.parts()
    facts = [each for each in within(world.facts, *YEAR) if each.unit_id in parts[unit]]
    result = yes_of(facts) if time == "count_true" else total(facts, parts, time=time)
    return [] if result is None else [result]


def _as_total(each: figures.Sum) -> Total:
    qualifier = None if each.of is not None else combined(each.qualifiers)
    return Total(each.value, qualifier, each.units, each.of)


def test_items_that_do_not_add_are_told_apart(engine: Engine) -> None:
    with scratch(engine) as db:
        plant(db, World((None,), (), ()))
        for series, value in (("a", 2), ("b", 3), ("a", 4)):
            _store(db, Fact(0, 0, *YEAR, value, series=series))
        found = figures.totals(db, Subject(unit_id=1, on=ON), Span(*YEAR), {"X": Way("sum_by_item", "sum")})
    assert [(each.series, each.value) for each in found] == [("a", 6), ("b", 3)]


def test_a_split_unit_is_not_counted_for_its_successors(engine: Engine) -> None:
    with scratch(engine) as db:
        plant(db, World((None, None), (), (Fact(1, 1, *YEAR, 5),)))
        units.add_succession(db, 2, 1, on=date(2025, 7, 1), kind="split")
        found = figures.totals(db, Subject(unit_id=1, on=ON), Span(*YEAR), {"X": Way("sum", "sum")})
    assert found == []


@pytest.mark.parametrize("state", ["submitted", "returned", "withdrawn"])
def test_what_nobody_approved_is_in_no_total(engine: Engine, state: str) -> None:
    with scratch(engine) as db:
        plant(db, World((None,), (), ()))
        _store(db, Fact(0, 0, *YEAR, 5), state)
        found = figures.totals(db, Subject(unit_id=1, on=ON), Span(*YEAR), {"X": Way("sum", "sum")})
    assert found == []


def test_a_thousand_units_are_added_up_soon(engine: Engine) -> None:
    parents = (None, *(0 for _ in range(30)), *(1 + place % 30 for place in range(970)))
    facts = tuple(
        Fact(place, place % 1000, date(2026, 1, 1) + timedelta(days=place % 300), date(2026, 12, 1), 1, mode)
        for place in range(1, 4001)
        for mode in ["cumulative" if place % 40 == 0 else "increment"]
    )
    with scratch(engine) as db:
        plant(db, World(parents, (), facts))
        for time in ("sum", "latest"):
            (found,) = figures.totals(db, Subject(unit_id=1, on=ON), Span(*YEAR), {"X": Way("sum", time)})
            assert 0 < found.value < 4000
