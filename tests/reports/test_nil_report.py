"""Nothing to report is a fact of its own."""

from __future__ import annotations

from tests.reports.stage import Person, Stage, keys, told
from tests.reports.test_review import send


def test_a_sentence_that_says_so_is_confirmed_and_kept(stage: Stage, head: Person, officer: Person) -> None:
    assert keys(head.hears("tháng này chưa có gì mới chị ạ")) == ["nil.confirm"]
    assert keys(head.presses("report.send")) == ["nil.receipt"]
    stored = stage.report(stage.codes()[0])
    assert (stored.kind, stored.period, stored.state) == ("nil", "2026-11", "submitted")
    assert keys(officer.replies) == ["nil.notice"]


def test_the_button_asks_for_the_month_and_takes_one_month_only(stage: Stage, head: Person) -> None:
    head.hears("không phát sinh")
    assert keys(head.hears("quý 3"))[0] == "nil.month_wanted"
    head.hears("tháng 9")
    head.presses("report.send")
    assert stage.report(stage.codes()[0]).period == "2026-09"


def test_she_is_told_of_figures_that_are_there_already(stage: Stage, head: Person) -> None:
    code = send(head)
    said = head.hears("tháng này chưa có gì mới chị ạ")
    assert told(said, "nil.confirm_with_figures")["codes"] == code
    head.hears("hủy")
    assert stage.codes() == [code]


def test_a_second_one_for_the_same_month_is_not_kept(stage: Stage, head: Person) -> None:
    for _ in range(2):
        head.hears("tháng này chưa có gì mới chị ạ")
        head.presses("report.send")
    assert keys(head.replies)[-1] == "nil.already"
    assert len(stage.codes()) == 1


def test_an_officer_approves_it_like_any_other(stage: Stage, head: Person, officer: Person) -> None:
    head.hears("tháng này chưa có gì mới chị ạ")
    head.presses("report.send")
    officer.presses("review.open")
    officer.presses("review.approve")
    assert stage.report(stage.codes()[0]).state == "approved"
