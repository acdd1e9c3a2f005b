"""A correction or withdrawal finds the report it means: by code, day, old value, figure, or the last one."""

from __future__ import annotations

import pytest

from tests.reports.stage import Person, Stage, figures_told, keys, named, told

TREES, MEMBERS = named("TREES_PLANTED"), named("MEMBERS_NEW")


@pytest.fixture
def two(stage: Stage, head: Person) -> list[str]:
    """One of yesterday with trees, one of today; both with 7 new members."""
    for typed in ("hôm qua trồng 150 cây, kết nạp 7 hv", "hôm nay kết nạp 7 hv"):
        head.hears(typed)
        head.presses("report.send")
    return stage.codes()


def corrected(head: Person) -> str:
    return str(
        next(
            each for each in told(head.replies[-1:], "report.card")["figures"].items if each.key == "report.corrects"
        ).values["code"]
    )


@pytest.mark.parametrize(
    ("typed", "which"),
    [
        ("hqua hv moi la 5 chu ko phai 7", 0),
        ("hôm nay hv mới là 5 chứ không phải 7", 1),
        ("sửa lại báo cáo lúc nãy: hv mới là 5", 1),
        ("{0} hv mới là 5", 0),
        ("sửa báo cáo {1}: hv mới là 5", 1),
        ("sửa lại 160 cây chứ không phải 150 cây", 0),
    ],
)
def test_signs_tell_which_one_is_corrected(head: Person, two: list[str], typed: str, which: int) -> None:
    head.hears(typed.format(*two))
    assert corrected(head) == two[which]


def test_the_letters_of_a_code_are_no_figures(head: Person, two: list[str]) -> None:
    head.hears(f"{two[1]} hv mới là 5")
    assert figures_told(told(head.replies[-1:], "report.card")["figures"]) == [(MEMBERS, 5)]


@pytest.mark.parametrize("answer", ["cái hôm qua", "{0}", "trồng cây"])
def test_where_two_fit_she_tells_them_apart(head: Person, two: list[str], answer: str) -> None:
    head.hears("hv mới là 5 chứ không phải 7")
    assert keys(head.replies)[-1] == "report.which_report"
    assert keys(head.hears("cái kia"))[0] == "turn.pick_one"
    head.hears(answer.format(*two))
    assert corrected(head) == two[0]


def test_a_correction_of_nothing_says_that_it_is_new(head: Person) -> None:
    head.hears("hv mới là 5 chứ không phải 7")
    assert "report.none_to_correct" in repr(told(head.replies[-1:], "report.card"))


def test_a_correction_of_an_approved_report_says_that_it_waits_again(
    stage: Stage, head: Person, officer: Person, two: list[str]
) -> None:
    officer.hears("menu")
    with stage.db() as db:
        db.exec_driver_sql("update report set state = 'approved'")
    head.hears(f"{two[1]} hv mới là 5")
    assert "report.was_approved" in repr(told(head.replies[-1:], "report.card"))
    head.presses("report.send")
    assert stage.report(two[1]).state == "submitted"


@pytest.mark.parametrize(
    ("typed", "which"),
    [
        ("xóa báo cáo hôm qua", 0),
        ("xoa bc luc nay", 1),
        ("xóa báo cáo", 1),
        ("xóa {0}", 0),
        ("xóa báo cáo trồng cây", 0),
    ],
)
def test_signs_tell_which_one_is_taken_back(head: Person, two: list[str], typed: str, which: int) -> None:
    head.hears(typed.format(*two))
    assert told(head.replies[-1:], "withdraw.confirm")["code"] == two[which]


def test_where_two_fit_a_withdrawal_she_picks_one(stage: Stage, head: Person, two: list[str]) -> None:
    assert keys(head.hears("xóa báo cáo kết nạp hv mới")) == ["withdraw.which"]
    head.presses("report.one_of_several")
    head.presses("withdraw.yes")
    assert [stage.report(code).state for code in two] == ["submitted", "withdrawn"]


def test_an_approved_one_is_not_taken_back_and_the_way_to_correct_it_is_shown(
    stage: Stage, head: Person, two: list[str]
) -> None:
    with stage.db() as db:
        db.exec_driver_sql("update report set state = 'approved'")
    assert keys(head.hears(f"xóa {two[0]}")) == ["withdraw.too_late"]
    assert [choice.value["start"] for choice in head.replies[-1].choices] == [  # type: ignore[index, call-overload]
        {"code": two[0]},
        {"correct": two[0]},
    ]
    assert stage.report(two[0]).state == "approved"
