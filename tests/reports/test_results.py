"""Results: approved figures of a subtree, against targets, with who is still missing; as text and as a chart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bot.picture_contract import ChartRow, ChartSpec
from dialogue.messages import Choice, Lines, Phrase, Reply, Say
from dialogue.text import Wording
from figures.targets import Target
from handlers.figures_text import period_of
from handlers.results_facts import gather, wanted
from handlers.results_text import Shown, chart
from storage import reports, targets, units
from storage.figures import Subject
from storage.reports import NewFigure, NewReport
from storage.schema import member, membership, peer_group, peer_group_unit
from tests.reports.stage import (
    BUTTONS,
    EVENING,
    TODAY,
    KeyIsText,
    Person,
    Stage,
    indicators,
    keys,
    named,
    names,
    number,
    told,
)

NOVEMBER = "2026-11"


def put(
    stage: Stage,
    unit: str,
    indicator: str,
    value: int,
    *,
    state: str = "approved",
    day: str = "2026-11-05",
    **more: Any,
) -> str:
    on = date.fromisoformat(day)
    stored = NewFigure(indicator, day, on, on, value, indicators()[indicator].unit, **more)
    with stage.db() as db:
        new = NewReport(day, on, on, (stored,), unit_id=stage.units[unit])
        return reports.submit(db, new, at=EVENING, state=state)[1]


def lines(said: list[Reply]) -> dict[str, Phrase]:
    """Name of the indicator → what is said of it."""
    found: dict[str, Phrase] = {}
    for part in (part for reply in said for part in reply.text if isinstance(part, Lines)):
        for item in part.items:
            inner = item
            while isinstance(inner, Say) and "line" in inner.values:
                inner = inner.values["line"]
            if isinstance(inner, Say) and inner.key == "results.line":
                found[str(inner.values["name"])] = item
    return found


def value_in(line: Phrase) -> Any:
    assert isinstance(line, Say)
    return number(value_in(line.values["line"]) if "line" in line.values else line.values["value"])


def seen_by(person: Person, period: str = "tháng này") -> list[Reply]:
    person.hears("kết quả")
    return person.hears(period)


def test_an_officer_sees_the_sum_of_everything_below_and_nothing_beside_it(stage: Stage, officer: Person) -> None:
    put(stage, "boi", "TREES_PLANTED", 100)
    put(stage, "kla", "TREES_PLANTED", 50)
    put(stage, "xa", "TREES_PLANTED", 7)
    put(stage, "ly1", "TREES_PLANTED", 1000)
    put(stage, "boi", "TREES_PLANTED", 9, day="2026-10-31")
    assert value_in(lines(seen_by(officer))[named("TREES_PLANTED")]) == 157


def test_only_approved_figures_count_and_waiting_ones_stand_apart(stage: Stage, officer: Person) -> None:
    put(stage, "boi", "TREES_PLANTED", 100)
    put(stage, "kla", "TREES_PLANTED", 50, state="submitted")
    put(stage, "kla", "MEMBERS_NEW", 2, state="submitted")
    put(stage, "kla", "TREES_PLANTED", 999, state="returned")
    found = lines(seen_by(officer))
    trees, members = found[named("TREES_PLANTED")], found[named("MEMBERS_NEW")]
    assert isinstance(trees, Say) and isinstance(members, Say)
    assert value_in(trees) == 100
    assert number(trees.values["waiting"]) == 50
    assert members.values["line"].values["value"].key == "results.none_approved"  # type: ignore[union-attr]  # a Say


def test_at_least_stays_at_least_in_a_sum(stage: Stage, officer: Person) -> None:
    put(stage, "boi", "TREES_PLANTED", 100, qualifier="min")
    put(stage, "kla", "TREES_PLANTED", 50)
    line = lines(seen_by(officer))[named("TREES_PLANTED")]
    assert isinstance(line, Say)
    assert isinstance(line.values["value"], Say)
    assert line.values["value"].key == "figure.min"


def test_a_running_total_is_called_one(stage: Stage, officer: Person) -> None:
    put(stage, "boi", "GODMOTHER_CHILDREN_NEW", 40, mode="cumulative")
    line = lines(seen_by(officer))[named("GODMOTHER_CHILDREN_NEW")]
    assert isinstance(line, Say) and isinstance(line.values["value"], Say)
    assert line.values["value"].key == "figure.cumulative"


def test_who_reported_nothing_and_who_is_missing_is_counted_and_named(stage: Stage, officer: Person) -> None:
    put(stage, "boi", "TREES_PLANTED", 100, state="submitted")
    with stage.db() as db:
        third = units.add(db, "third")
        units.add_version(
            db, third, parent_id=stage.units["xa"], level="chi_hoi", name="Chi hội thôn 3", short_name="thôn 3"
        )
        nil = NewReport(NOVEMBER, date(2026, 11, 1), date(2026, 11, 30), kind="nil", unit_id=third)
        reports.submit(db, nil, at=EVENING)
    notes = [
        item for reply in seen_by(officer) for part in reply.text if isinstance(part, Lines) for item in part.items
    ]
    coverage = next(item for item in notes if isinstance(item, Say) and item.key == "results.coverage")
    assert coverage.values == {"reported": 2, "expected": 3, "nothing": 1, "missing": 1}
    assert next(item for item in notes if isinstance(item, Say) and item.key == "results.missing").values == {
        "names": "Chi hội làng Klă"
    }


def test_a_result_is_shown_against_its_target_and_an_unconfirmed_one_says_so(stage: Stage) -> None:
    province = stage.person(("can_bo_tinh", "tinh"))
    put(stage, "xa", "HH_5K3S_ACHIEVED", 4698)
    put(stage, "xa", "HH_ESCAPED_POVERTY", 1624)
    with stage.db() as db:
        for code, value, confirmed in (("HH_5K3S_ACHIEVED", 5500, True), ("HH_ESCAPED_POVERTY", 2200, False)):
            targets.put(db, Target(code, "2026", value, "NQ", confirmed), unit_id=stage.units["tinh"])
    found = lines(seen_by(province, "2026"))
    first, second = found[named("HH_5K3S_ACHIEVED")], found[named("HH_ESCAPED_POVERTY")]
    assert isinstance(first, Say) and isinstance(second, Say)
    assert str(first.values["target"].values["percent"]) == "85.4"  # type: ignore[union-attr]  # a Say
    assert second.values["target"].key == "results.unconfirmed"  # type: ignore[union-attr]  # a Say
    assert list(found)[:2] == [named("HH_5K3S_ACHIEVED"), named("HH_ESCAPED_POVERTY")]


def test_the_rate_is_computed_from_its_parts_and_never_averaged(stage: Stage, officer: Person) -> None:
    for unit, members, women in (("boi", 30, 40), ("kla", 10, 60)):
        put(stage, unit, "MEMBERS_TOTAL", members)
        put(stage, unit, "WOMEN_18_PLUS", women)
    assert str(value_in(lines(seen_by(officer))[named("MEMBERSHIP_RATE")])) == "40.00"


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (4, None), (5, 5)])
def test_a_few_victims_are_never_counted_out(stage: Stage, officer: Person, count: int, shown: int | None) -> None:
    put(stage, "boi", "VICTIMS_DETECTED", count)
    put(stage, "boi", "VICTIMS_SUPPORTED", count)
    said = seen_by(officer)
    line = lines(said)[named("VICTIMS_DETECTED")]
    assert isinstance(line, Say)
    if shown is None:
        assert line.values["value"] == Say("results.few", {"limit": 5})
        assert named("VICTIM_SUPPORT_RATE") not in lines(said)
        assert not any(reply.picture for reply in said)
    else:
        assert value_in(line) == shown


def test_a_long_table_goes_on_with_a_button(stage: Stage, officer: Person) -> None:
    codes = [each.code for each in indicators() if each.kind == "flow" and not each.sensitive and not each.restricted][
        :13
    ]
    for code in codes:
        put(stage, "boi", code, 3)
    first = lines(seen_by(officer))
    rest = lines(officer.presses("results.more"))
    assert (len(first), len(rest)) == (10, 3)
    assert {*first, *rest} == {named(code) for code in codes}
    assert "results.more" not in names(officer.replies)


def test_figures_of_a_longer_period_are_left_out_and_mentioned(stage: Stage, officer: Person) -> None:
    with stage.db() as db:
        quarter = (date(2026, 10, 1), date(2026, 12, 31))
        stored = NewFigure("TREES_PLANTED", "2026-Q4", *quarter, 500, "cay")
        reports.submit(
            db, NewReport("2026-Q4", *quarter, (stored,), unit_id=stage.units["boi"]), at=EVENING, state="approved"
        )
    said = seen_by(officer)
    assert told(said, "results.outside") == {"count": 1}
    assert lines(said) == {}


def test_periods_are_typed_or_pressed_and_nonsense_is_asked_again(stage: Stage, officer: Person) -> None:
    put(stage, "boi", "TREES_PLANTED", 100, day="2023-05-01")
    officer.hears("kết quả")
    assert keys(officer.hears("hồi đó"))[0] == "results.period_hint"
    assert value_in(lines(officer.hears("năm 2023"))[named("TREES_PLANTED")]) == 100


def test_a_question_is_answered_from_her_own_unit(stage: Stage, head: Person) -> None:
    put(stage, "boi", "MEMBERS_NEW", 3)
    put(stage, "boi", "TREES_PLANTED", 100)
    put(stage, "kla", "MEMBERS_NEW", 50)
    found = lines(head.hears("cho em hỏi tháng này chi em báo được bao nhiêu hv mới rồi ạ"))
    assert {name: value_in(line) for name, line in found.items()} == {named("MEMBERS_NEW"): 3}


def test_a_member_sees_the_totals_of_her_chapter_and_a_stranger_nothing(stage: Stage) -> None:
    put(stage, "boi", "MEMBERS_NEW", 3)
    woman, stranger = stage.person(), stage.person()
    with stage.db() as db:
        values = {
            "uid": "x",
            "contact_id": woman.contact_id,
            "full_name": "A",
            "search_key": "a",
            "created_at": EVENING,
        }
        member_id = db.execute(member.insert().values(**values).returning(member.c.id)).scalar_one()
        db.execute(
            membership.insert().values(member_id=member_id, unit_id=stage.units["boi"], valid_from=date(2025, 1, 1))
        )
    assert value_in(lines(seen_by(woman))[named("MEMBERS_NEW")]) == 3
    assert keys(stranger.hears("kết quả")) == ["results.nobody"]


def test_results_of_another_unit_are_not_opened_by_a_forged_button(stage: Stage, head: Person) -> None:
    put(stage, "kla", "MEMBERS_NEW", 50)
    put(stage, "boi", "MEMBERS_NEW", 3)
    said = head.hears("kết quả")
    forged: dict[str, Any] = {
        "open": "results",
        "start": {"whose": f"unit-{stage.units['kla']}", "period": NOVEMBER, "skip": 0},
    }
    found = lines(head.presses("x", of=Reply(said[-1].text, (Choice(forged, "x"),))))
    assert value_in(found[named("MEMBERS_NEW")]) == 3


def cluster(stage: Stage, member_unit: str) -> int:
    with stage.db() as db:
        values = {"code": "CUM", "name": "Cụm thi đua", "year": 2023}
        group_id = int(db.execute(peer_group.insert().values(**values).returning(peer_group.c.id)).scalar_one())
        db.execute(peer_group_unit.insert().values(peer_group_id=group_id, unit_id=stage.units[member_unit]))
        year = (date(2023, 1, 1), date(2023, 12, 31))
        stored = (
            NewFigure("TREES_PLANTED", "2023", *year, 600_000, "cay", qualifier="min"),
            NewFigure("BASE_BELOW_60_CLEARED", "2023", *year, 122, "co_so", of_value=281),
            NewFigure("TARGETS_MET", "2023", *year, 8, "chi_tieu", of_value=8),
        )
        reports.submit(db, NewReport("2023", *year, stored, peer_group_id=group_id), at=EVENING, state="approved")
    return group_id


@pytest.mark.parametrize("unit", ["tinh", "xa", "boi"])
def test_the_results_of_the_peer_group_are_seen_from_its_members_and_below(stage: Stage, unit: str) -> None:
    cluster(stage, "tinh")
    person = stage.person(("chi_hoi_truong" if unit == "boi" else "can_bo_xa", unit))
    person.hears("kết quả")
    found = lines(person.presses("Cụm thi đua (2023)"))
    cleared, met = found[named("BASE_BELOW_60_CLEARED")], found[named("TARGETS_MET")]
    assert value_in(found[named("TREES_PLANTED")]) == 600_000
    assert isinstance(cleared, Say) and isinstance(met, Say)
    share = cleared.values["value"]
    assert isinstance(share, Say)
    assert (share.values["of"], str(share.values["percent"])) == (281, "43.4")
    assert value_in(met) == 8


def test_the_peer_group_of_others_is_not_offered(stage: Stage) -> None:
    cluster(stage, "xa2")
    assert keys(stage.person(("chi_hoi_truong", "boi")).hears("kết quả")) == ["results.period"]


def test_a_unit_keeps_the_results_of_those_that_merged_into_it(stage: Stage, officer: Person) -> None:
    put(stage, "xa2", "TREES_PLANTED", 40)
    put(stage, "boi", "TREES_PLANTED", 2)
    with stage.db() as db:
        units.add_succession(db, stage.units["xa2"], stage.units["xa"], on=date(2026, 11, 10), kind="merge")
    assert value_in(lines(seen_by(officer))[named("TREES_PLANTED")]) == 42


def test_the_chart_has_the_same_numbers_in_the_shape_that_is_drawn(stage: Stage, officer: Person) -> None:
    put(stage, "boi", "HH_5K3S_ACHIEVED", 12)
    with stage.db() as db:
        targets.put(db, Target("HH_5K3S_ACHIEVED", NOVEMBER, 10, "NQ", True), unit_id=stage.units["xa"])
        subject = Subject(unit_id=stage.units["xa"], on=TODAY)
        found = gather(db, subject, NOVEMBER, wanted(indicators()), TODAY)
        context = officer.context(db)
    words = {
        "figure.counted": "{value} {unit}",
        "results.target": "đạt {percent} %",
        "results.head_short": "Kết quả: {name}",
        "period.month": "tháng {number}/{year}",
    }
    shown = Shown(_speaking(context, words), "Xã Chư Păh", NOVEMBER, found)
    picture = chart(shown, skip=0)
    assert picture is not None
    spec = dict(picture.spec)
    rows = tuple(ChartRow(**row) for row in spec.pop("rows"))  # type: ignore[arg-type, union-attr]  # JSON
    drawn = ChartSpec(**spec, rows=rows)  # type: ignore[arg-type]  # JSON
    assert (drawn.kind, drawn.title, drawn.subtitle) == ("targets", "Kết quả: Xã Chư Păh", "tháng 11/2026")
    assert drawn.rows == (ChartRow(named("HH_5K3S_ACHIEVED"), 12.0, "12 hộ", 10.0, "đạt 120 %"),)


def _speaking(context: Any, words: dict[str, str]) -> Any:
    return replace(context, content=replace(context.content, wording=Wording({"vi": KeyIsText(words)})))


def test_a_channel_without_pictures_gets_the_text_alone(stage: Stage, officer: Person) -> None:
    put(stage, "boi", "TREES_PLANTED", 100)
    officer.capabilities = replace(BUTTONS, pictures=False)
    assert [reply.picture for reply in seen_by(officer)] == [None]


def test_nothing_reported_is_said_and_not_drawn(officer: Person) -> None:
    said = seen_by(officer)
    assert "results.nothing" in keys(said)
    assert not any(reply.picture for reply in said)


@pytest.mark.parametrize(
    ("label", "key"),
    [("2023", "period.year"), ("2023-Q4", "period.quarter"), ("2023-H1", "period.half_1"), ("2024-W42", "period.week")],
)
def test_periods_have_words(label: str, key: str) -> None:
    phrase = period_of(label)
    assert isinstance(phrase, Say)
    assert phrase.key == key
    assert phrase.values["year"] == label[:4]
    assert period_of("2023-11-21") == date(2023, 11, 21)
