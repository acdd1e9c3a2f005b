"""Places named in a report: units below the sender's, and what they took over from under old names."""

from __future__ import annotations

from datetime import date

import pytest

from storage import places, units
from tests.reports.stage import TODAY, Person, Stage, keys

LAST_DAY, FIRST_DAY = date(2025, 6, 30), date(2025, 7, 1)


@pytest.fixture
def with_history(stage: Stage) -> Stage:
    """Xã Ia Ly took over from xã Ia Mơ Nông, which had taken over from xã Ia Kreng; xã Chư Păh from xã Hòa Phú."""
    with stage.db() as db:
        ids = {}
        for code, short in (("nong", "xã Ia Mơ Nông"), ("kreng", "xã Ia Kreng"), ("phu", "xã Hòa Phú")):
            ids[code] = units.add(db, code)
            units.add_version(
                db, ids[code], parent_id=None, level="xa", name=short, short_name=short, valid_to=LAST_DAY
            )
        for old, new in (
            (ids["kreng"], ids["nong"]),
            (ids["nong"], stage.units["xa2"]),
            (ids["phu"], stage.units["xa"]),
        ):
            units.add_succession(db, old, new, on=FIRST_DAY, kind="merge")
    return stage


def stored(stage: Stage, officer: Person) -> list[tuple[object, str | None]]:
    officer.presses("report.send")
    return [(each.value, each.place) for each in stage.report(stage.codes()[-1]).figures]


def test_each_chapter_named_is_a_figure_of_its_own(stage: Stage, officer: Person) -> None:
    officer.hears("chi hội làng bối trồng 50 cây, Chi hội làng Kla trồng 30 cây")
    assert keys(officer.replies) == ["report.card"], "two places are no two numbers for one thing"
    assert stored(stage, officer) == [(50, "Chi hội làng Bối"), (30, "Chi hội làng Klă")]


def test_a_former_name_is_kept_with_what_it_is_now(with_history: Stage, officer: Person) -> None:
    officer.hears("Xã Hòa Phú cũ em báo: 4 hv mới")
    details = officer.replies[-1].text[-1].values["figures"].items[0]  # type: ignore[union-attr]
    assert "figure.place_former" in repr(details)
    assert stored(with_history, officer) == [(4, "xã Hòa Phú")]


@pytest.mark.parametrize("typed", ["la Mơ Nông kết nạp 5 hv", "Ia Mơ Nông: 5 hv mới", "xa ia mo nong ket nap 5 hv"])
def test_a_capital_i_typed_as_a_small_l_is_the_same_place(with_history: Stage, typed: str) -> None:
    officer = with_history.person(("can_bo_xa", "xa2"))
    officer.hears(typed)
    assert stored(with_history, officer) == [(5, "xã Ia Mơ Nông")]


def test_a_place_of_somebody_else_is_none(with_history: Stage, officer: Person) -> None:
    officer.hears("Ia Mơ Nông: 5 hv mới")
    assert stored(with_history, officer) == [(5, None)]


def test_a_head_names_her_own_chapter_and_nothing_is_added(stage: Stage, head: Person) -> None:
    head.hears("chi hội làng Bối kết nạp 3 hv mới")
    assert stored(stage, head) == [(3, None)]


def test_old_names_reach_back_over_several_mergers(with_history: Stage) -> None:
    with with_history.db() as db:
        around = places.around(db, with_history.units["xa2"], TODAY)
    assert {(place.name, place.now) for place in around if place.now} == {
        ("xã Ia Mơ Nông", "Xã Ia Ly"),
        ("xã Ia Kreng", "Xã Ia Ly"),
    }
