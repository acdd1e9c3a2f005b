"""Seeing one's reports, and taking one back."""

from __future__ import annotations

import pytest

from dialogue.messages import Lines, Say
from tests.reports.stage import Person, Stage, keys, names, told
from tests.reports.test_review import send


@pytest.mark.parametrize("typed", ["tra cứu {code}", "tra cuu {small}", "{small}", "{code}", "xem báo cáo {code}"])
def test_a_code_is_found_however_it_is_typed(head: Person, officer: Person, typed: str) -> None:
    code = send(head)
    said = head.hears(typed.format(code=code, small=code.lower().replace("-", "")))
    assert told(said, "lookup.report")["code"] == code
    assert keys(said)[-1] == "report.state.submitted"
    assert names(said) == ["report.correct", "withdraw.open"]


def test_an_officer_above_sees_it_with_a_button_to_decide(head: Person, officer: Person) -> None:
    code = send(head)
    assert names(officer.hears(code)) == ["review.open"]


@pytest.mark.parametrize(("role", "unit"), [("chi_hoi_truong", "kla"), ("can_bo_xa", "xa2")])
def test_a_foreign_report_is_unknown(stage: Stage, head: Person, role: str, unit: str) -> None:
    code = send(head)
    assert keys(stage.person((role, unit)).hears(f"tra cứu {code}")) == ["lookup.unknown"]
    assert keys(stage.person().hears(f"tra cứu {code}")) == ["lookup.unknown"]


def test_to_open_a_report_one_may_not_decide_on_is_to_see_it(head: Person, officer: Person) -> None:
    code = send(head)
    assert keys(head.hears(f"mở {code}")) == keys(head.hears(f"tra cứu {code}"))
    assert keys(officer.hears(f"mở {code}")) == ["review.case"]


def test_who_decided_when_and_why_is_told(head: Person, officer: Person) -> None:
    code = send(head)
    officer.hears(f"mở {code}")
    officer.presses("review.return")
    officer.presses("review.reason.no_photo")
    said = head.hears(code)
    lines = [item for part in said[0].text if isinstance(part, Lines) for item in part.items]
    decided, reason = (item for item in lines if isinstance(item, Say) and item.key.startswith("lookup."))
    assert decided.values["by"] == "Thu Hà"
    assert reason.values["reason"] == Say("review.reason.no_photo")


def test_without_a_code_she_sees_her_last_five(head: Person) -> None:
    assert keys(head.hears("tra cứu")) == ["lookup.nothing"]
    codes = [send(head, f"trồng {number} cây") for number in range(10, 17)]
    assert names(head.hears("tra cứu")) == codes[:1:-1]


def test_a_waiting_report_is_taken_back_after_a_question(stage: Stage, head: Person, officer: Person) -> None:
    code = send(head)
    head.hears(code)
    head.presses("withdraw.open")
    assert stage.report(code).state == "submitted"
    assert keys(head.presses("withdraw.yes")) == ["withdraw.done"]
    assert stage.report(code).state == "withdrawn"
    assert keys(officer.presses("review.open"))[0] == "review.already"


def test_a_sentence_asking_to_delete_offers_the_last_report(stage: Stage, head: Person) -> None:
    send(head, "trồng 10 cây")
    code = send(head, "trồng 20 cây")
    said = head.hears("xin lỗi nhầm, xóa báo cáo lúc nãy giúp em")
    assert told(said, "withdraw.confirm")["code"] == code


def test_an_approved_report_is_not_taken_back(stage: Stage, head: Person, officer: Person) -> None:
    code = send(head)
    head.hears("rút lại báo cáo")
    officer.presses("review.open")
    officer.presses("review.approve")
    assert "withdraw.done" not in keys(head.presses("withdraw.yes"))
    assert stage.report(code).state == "approved"
    assert keys(head.hears("rút lại báo cáo")) == ["withdraw.none"]


def test_nobody_takes_back_the_report_of_another(stage: Stage, head: Person) -> None:
    code = send(head)
    head.hears(code)
    other = stage.person(("chi_hoi_truong", "boi"))
    other.replies = [head.replies[-1]]
    assert keys(other.presses("withdraw.open")) == ["withdraw.none"]
    assert stage.report(code).state == "submitted"
