"""What she types at the card instead of pressing a button, and what no phrase of hers may do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.reports.stage import BUTTONS, Person, Stage, figures_told, keys, named, names, told

ACTIVITIES, PEOPLE = named("ACTIVITY_COUNT"), named("ACTIVITY_PARTICIPANTS")
TREES, MEMBERS, ANIMALS = named("TREES_PLANTED"), named("MEMBERS_NEW"), named("LIVELIHOOD_KITS")
SAID = "hôm qua trồng 150 cây, kết nạp 3 hv"


def card_of(head: Person) -> list[tuple[str, object]]:
    return figures_told(told(head.replies[-1:], "report.card")["figures"])


def days_of(stage: Stage, head: Person) -> list[str]:
    head.presses("report.send")
    return [figure.period for figure in stage.report(stage.codes()[-1]).figures]


@pytest.mark.parametrize(
    ("typed", "card"),
    [
        ("hv mới là 5", [(TREES, 150), (MEMBERS, 5)]),
        ("cay 160", [(TREES, 160), (MEMBERS, 3)]),
        ("sửa hội viên mới thành 5", [(TREES, 150), (MEMBERS, 5)]),
        ("150 sai, 160 mới đúng", [(TREES, 160), (MEMBERS, 3)]),
        ("160 chứ không phải 150", [(TREES, 160), (MEMBERS, 3)]),
        ("dòng 2 là 9", [(TREES, 150), (MEMBERS, 9)]),
        ("bỏ cây", [(MEMBERS, 3)]),
        ("bo hoi vien", [(TREES, 150)]),
        ("xóa dòng 1", [(MEMBERS, 3)]),
        ("xoa 3 hv", [(TREES, 150)]),
        ("thêm 2 con bò giống", [(TREES, 150), (MEMBERS, 3), (ANIMALS, 2)]),
    ],
)
def test_one_phrase_changes_drops_or_adds_one_figure(head: Person, typed: str, card: list[object]) -> None:
    head.hears(SAID)
    head.hears(typed)
    assert card_of(head) == card


@pytest.mark.parametrize(
    ("typed", "days"),
    [
        ("ngày 20/11", ["2026-11-20", "2026-11-20"]),
        ("hôm kia chứ không phải hôm qua", ["2026-11-21", "2026-11-21"]),
        ("không phải hôm qua mà là hôm nay", ["2026-11-23", "2026-11-23"]),
        ("hv mới ngày 19/11", ["2026-11-22", "2026-11-19"]),
        ("ngày của cây là 18/11", ["2026-11-18", "2026-11-22"]),
        ("dòng 2 là hôm nay", ["2026-11-22", "2026-11-23"]),
        ("tháng 10", ["2026-10", "2026-10"]),
    ],
)
def test_a_phrase_moves_the_day_of_one_figure_or_of_all(
    stage: Stage, head: Person, typed: str, days: list[str]
) -> None:
    head.hears(SAID)
    head.hears(typed)
    assert days_of(stage, head) == days


def test_what_is_added_by_a_word_for_more_was_done_on_the_days_of_the_card(stage: Stage, head: Person) -> None:
    head.hears(SAID)
    head.hears("thêm 2 con bò giống")
    head.hears("tặng 5 suất quà")
    assert days_of(stage, head) == ["2026-11-22", "2026-11-22", "2026-11-22", "2026-11-23"]


def test_figures_of_another_day_are_other_figures(stage: Stage, head: Person) -> None:
    head.hears("trồng 12 cây")
    head.hears("trồng 5 cây hôm kia")
    assert card_of(head) == [(TREES, 12), (TREES, 5)]
    assert days_of(stage, head) == ["2026-11-23", "2026-11-21"]


def test_two_figures_of_one_kind_never_overwrite_each_other(head: Person) -> None:
    head.hears("hv mới 2, hv mới 3")
    head.hears("đều đúng")
    head.hears("hv mới 4, hv mới 5")
    head.presses("report.keep_all")
    assert card_of(head) == [(MEMBERS, 4), (MEMBERS, 5)]


@pytest.mark.parametrize(("button", "total"), [("report.more_sum", 170), ("report.more_only", 20)])
def test_more_of_a_figure_that_is_there_is_asked_sum_or_number(head: Person, button: str, total: int) -> None:
    head.hears(SAID)
    assert keys(head.hears("thêm 20 cây nữa")) == ["report.more"]
    head.presses(button)
    assert card_of(head) == [(TREES, total), (MEMBERS, 3)]


def test_a_bare_number_with_several_figures_is_asked_for_not_lost(head: Person) -> None:
    head.hears(SAID)
    assert keys(head.hears("là 7")) == ["report.which_value"]
    head.presses("figure.label")
    assert card_of(head) == [(TREES, 7), (MEMBERS, 3)]


def test_where_a_phrase_fits_two_lines_she_picks_one_or_says_something_else(head: Person) -> None:
    head.hears("hv mới 2, hv mới 3")
    head.presses("report.keep_all")
    assert keys(head.hears("bỏ hội viên")) == ["report.which_drop"]
    head.hears("thêm 4 cây")
    assert card_of(head) == [(MEMBERS, 2), (MEMBERS, 3), (TREES, 4)]


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("trời đẹp quá", "report.card_hint"),
        ("xóa dòng 9", "report.no_such_line"),
        ("bỏ hết", "report.discard_hint"),
        ("ngày mai", "report.date_ahead"),
        ("hôm qua hay hôm kia", "report.one_date"),
        ("đúng rồi", "report.send_hint"),
        ("ok", "report.send_hint"),
    ],
)
def test_a_phrase_that_fits_nothing_is_told_what_to_do_and_changes_nothing(head: Person, typed: str, hint: str) -> None:
    head.hears(SAID)
    assert keys(head.hears(typed))[:2] == [hint, "report.card"]
    assert card_of(head) == [(TREES, 150), (MEMBERS, 3)]


def test_the_last_figure_is_not_dropped_by_a_phrase(head: Person) -> None:
    head.hears("trồng 150 cây")
    assert keys(head.hears("bỏ cây"))[0] == "report.only_figure"
    assert card_of(head) == [(TREES, 150)]


def test_accents_tell_a_cow_from_a_deletion(head: Person) -> None:
    head.hears("trồng 150 cây, trao 2 con bò giống")
    head.hears("bò giống 2 con")
    assert card_of(head) == [(TREES, 150), (ANIMALS, 2)]
    head.hears("bỏ bò giống")
    assert card_of(head) == [(TREES, 150)]


def test_a_deed_that_begins_like_a_deletion_takes_nothing_out(head: Person) -> None:
    head.hears(SAID)
    head.hears("xóa 2 nhà tạm")
    while keys(head.replies)[-1] != "report.card":
        head.hears("quay lại")
    assert card_of(head)[:2] == [(TREES, 150), (MEMBERS, 3)]


@pytest.mark.parametrize("typed", ["gửi", "gửi đi em", "ok gửi luôn nha", "dạ gửi"])
def test_she_sends_in_her_own_words(stage: Stage, head: Person, typed: str) -> None:
    head.hears(SAID)
    assert keys(head.hears(typed))[0] == "report.receipt"


@pytest.mark.parametrize(
    "typed", ["đừng gửi vội", "khoan gửi", "chưa gửi nha", "dung gui voi", "gửi sau", "không đúng"]
)
def test_what_is_no_yes_sends_and_drops_nothing(stage: Stage, head: Person, typed: str) -> None:
    head.hears(SAID)
    head.hears(typed)
    assert card_of(head) == [(TREES, 150), (MEMBERS, 3)]
    assert stage.codes() == []


@pytest.mark.parametrize("typed", ["không gửi nữa", "thôi không gửi", "khong gui dau em"])
def test_she_drops_it_in_her_own_words(stage: Stage, head: Person, typed: str) -> None:
    head.hears(SAID)
    assert keys(head.hears(typed)) == ["report.discarded"]
    assert stage.codes() == []


def test_unclear_words_added_at_the_card_are_asked_before_they_count(head: Person) -> None:
    head.hears(SAID)
    assert keys(head.hears("tặng 10 phần quà 2 triệu")) == ["report.ask.each_or_total"]
    head.presses("report.each_is")
    assert (named("GIFTS_VALUE"), 20_000_000) in card_of(head)
    assert keys(head.hears("thêm vài con bò giống")) == ["report.ask.number_wanted"]
    head.hears("4")
    assert (ANIMALS, 4) in card_of(head)


@pytest.mark.parametrize("typed", ["tháng này được mấy hv mới?", "tra cứu BC-7K3M"])
def test_a_question_in_the_middle_is_answered_and_moves_no_day(head: Person, typed: str) -> None:
    head.hears(SAID)
    said = head.hears(typed)
    assert keys(said)[-1] == "report.card"
    assert keys(said)[0] in {"results.understood", "lookup.unknown"}
    assert card_of(head) == [(TREES, 150), (MEMBERS, 3)]


def test_a_slip_in_choosing_by_number_changes_no_figure(head: Person) -> None:
    head.capabilities = replace(BUTTONS, buttons=False)
    head.hears("trồng 150 cây")
    assert keys(head.hears("9"))[0] == "report.card_hint"
    assert card_of(head) == [(TREES, 150)]
    assert "report.send" in names(head.replies)


def test_what_only_looks_like_a_word_of_the_talk_without_its_accents_is_a_phrase(head: Person) -> None:
    head.hears("trồng 20 cây, tặng 5 suất quà")
    head.hears("bỏ quà")
    assert card_of(head) == [(TREES, 20)]
