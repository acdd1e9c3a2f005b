"""A report by buttons and questions."""

from __future__ import annotations

import pytest

from dialogue.messages import Reply
from tests.reports.stage import TREE, Person, Stage, content, figures_told, indicators, keys, named, names, sha, told


def test_she_picks_a_kind_answers_its_questions_and_sends(stage: Stage, head: Person) -> None:
    head.hears("gửi báo cáo")
    head.presses("report_type.tang_qua_an_sinh")
    head.hears("20")
    assert keys(head.hears("300"))[0] == "report.money_unit"
    head.hears("6 triệu")
    head.presses("report.yesterday")
    head.presses("turn.skip")
    assert figures_told(told(head.replies[-1:], "report.card")["figures"]) == [
        (named("GIFTS_GIVEN"), 20),
        (named("GIFTS_VALUE"), 6_000_000),
    ]
    head.presses("report.send")
    assert stage.report(stage.codes()[0]).period == "2026-11-22"


def test_a_skipped_question_tells_nothing_and_zero_tells_zero(stage: Stage, head: Person) -> None:
    head.hears("gửi báo cáo")
    head.presses("report_type.thoat_ngheo")
    assert "turn.skip" not in names(head.replies)
    head.hears("không có")
    head.presses("turn.skip")
    head.hears("0")
    head.presses("report.today")
    head.hears("", "one.jpg")
    head.presses("report.send")
    code = stage.codes()[0]
    assert stage.figures(code) == [("HH_ESCAPED_POVERTY", 0, False), ("LIVELIHOOD_HH", 0, False)]
    assert [sha_name for sha_name, _ in stage.photos()] == [sha("one.jpg")]


def test_a_photo_without_words_is_asked_for_and_kept(stage: Stage, head: Person) -> None:
    head.hears("", "trees.jpg")
    assert keys(head.replies)[-1] == "guided.type_of_photos"
    head.presses("report_type.trong_cay_moi_truong")
    for _ in range(4):
        head.hears("hai chục")
    head.presses("report.today")
    assert keys(head.replies)[-1] == "report.card"
    head.presses("report.send")
    assert stage.photos() == [(sha("trees.jpg"), stage.report(stage.codes()[0]).id)]


def test_back_asks_the_question_before_again(head: Person) -> None:
    head.hears("gửi báo cáo")
    head.presses("report_type.sinh_hoat")
    head.hears("1")
    assert keys(head.replies)[-1] == "guided.value.activity_participants"
    head.hears("quay lại")
    assert keys(head.replies)[-1] == "guided.value.activity_count"


def test_leaving_half_way_stores_nothing(stage: Stage, head: Person) -> None:
    head.hears("gửi báo cáo")
    head.presses("report_type.sinh_hoat")
    head.hears("1")
    assert keys(head.hears("hủy"))[0] == "turn.left"
    assert stage.codes() == []


@pytest.mark.parametrize(("role", "unit"), [("chi_hoi_truong", "boi"), ("can_bo_xa", "xa"), ("can_bo_tinh", "tinh")])
def test_only_kinds_of_her_level_are_offered(stage: Stage, role: str, unit: str) -> None:
    person = stage.person((role, unit))
    level = next(each[2] for each in TREE if each[0] == unit)
    offered = _kinds(person.hears("gửi báo cáo"))
    assert offered == [code for code, kind in content().report_types.items() if level in kind.levels]
    assert offered


def _kinds(said: list[Reply]) -> list[str]:
    return [str(choice.value) for choice in said[-1].choices if isinstance(choice.value, str)]


def test_every_kind_asks_for_indicators_that_exist() -> None:
    asked = {each.indicator for kind in content().report_types.values() for each in kind.questions}
    assert asked <= set(indicators().indicators)
    assert len(content().report_types) >= 8
    assert all(not kind.questions[0].optional for kind in content().report_types.values())
