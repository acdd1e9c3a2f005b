"""What a reading leaves open is asked one at a time, with buttons, and answered in her own words as well."""

from __future__ import annotations

import pytest

from dialogue.messages import Inbound
from dialogue.turn import Ask
from handlers.report_questions import settle
from tests.reports.stage import Person, Stage, figures_told, keys, named, names, told

TREES, MEMBERS = named("TREES_PLANTED"), named("MEMBERS_NEW")
PARTICIPANTS = named("ACTIVITY_PARTICIPANTS")
GIFTS, WORTH = named("GIFTS_GIVEN"), named("GIFTS_VALUE")


def card_of(head: Person) -> list[tuple[str, object]]:
    return figures_told(told(head.replies[-1:], "report.card")["figures"])


@pytest.mark.parametrize(
    ("typed", "worth"), [("mỗi phần", 20_000_000), ("từng suất 2 triệu", 20_000_000), ("tổng", 2_000_000)]
)
def test_each_or_total_in_her_own_words(head: Person, typed: str, worth: int) -> None:
    head.hears("tặng 10 phần quà 2 triệu")
    head.hears(typed)
    assert card_of(head) == [(GIFTS, 10), (WORTH, worth)]


def test_figures_told_instead_of_an_answer_are_kept_and_the_question_stays(head: Person) -> None:
    head.hears("tặng 10 phần quà 2 triệu")
    assert keys(head.hears("kết nạp 3 hv mới")) == ["report.ask.each_or_total"]
    head.presses("report.total_is")
    assert card_of(head) == [(GIFTS, 10), (WORTH, 2_000_000), (MEMBERS, 3)]


def test_a_comma_with_three_digits_offers_thousands(head: Person) -> None:
    head.hears("trồng 1,250 cây")
    assert keys(head.replies) == ["report.ask.number_offered"]
    assert told(head.replies, "report.ask.number_offered")["said"] == "1,250 cây"
    head.presses("report.number_is")
    assert card_of(head) == [(TREES, 1250)]


def test_of_two_numbers_she_picks_one_or_types_a_third(head: Person) -> None:
    head.hears("hôm qua trồng 210 hay 220 cây, kết nạp vài chị vào hội")
    assert names(head.replies).count("report.number_is") == 2
    assert keys(head.hears("nhiều lắm"))[0] == "report.number_unclear"
    head.hears("215 cây")
    assert (TREES, 215) in card_of_after(head, "3")


def card_of_after(head: Person, typed: str) -> list[tuple[str, object]]:
    while keys(head.replies)[-1] == "report.ask.number_wanted":
        head.hears(typed)
    return card_of(head)


def test_the_number_is_read_of_the_day_of_the_message(stage: Stage, head: Person) -> None:
    head.hears("hôm qua tặng vài chục suất quà")
    head.hears("30")
    head.presses("report.send")
    assert [(each.value, each.period) for each in stage.report(stage.codes()[0]).figures] == [(30, "2026-11-22")]


def test_parts_that_do_not_add_are_shown_with_both_sums(head: Person) -> None:
    head.hears("bàn giao mái ấm trị giá 130tr (cụm 50tr, huyện 20tr, gia đình 50tr)")
    asked = told(head.replies, "report.ask.parts_differ")
    assert (asked["parts"].amount_vnd, asked["total"].amount_vnd) == (120_000_000, 130_000_000)
    head.presses("report.take_parts")
    assert (named("SHELTER_VALUE"), 120_000_000) in card_of(head)


@pytest.mark.parametrize("typed", ["ừ", "dạ đúng rồi", "ok em"])
def test_a_keyboard_left_in_telex_is_confirmed_in_a_word(head: Person, typed: str) -> None:
    assert keys(head.hears("hooij vieen mowis 4 chij")) == ["report.ask.keyboard"]
    head.hears(typed)
    assert card_of(head) == [(MEMBERS, 4)]


def test_an_unusual_value_shows_her_words_and_takes_the_right_number_at_once(head: Person) -> None:
    head.hears("Tổng tiền vận động 1 tỷ 2")
    assert told(head.replies, "report.sure_said")["said"] == "Tổng tiền vận động 1 tỷ 2"
    assert keys(head.hears("để xem"))[0] == "report.sure_hint"
    head.hears("nhầm, 1 triệu 2")
    assert card_of(head) == [(named("SUPPORT_VALUE_TOTAL"), 1_200_000)]


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("đúng rồi", "report.card"),
        ("không phải", "report.value"),
        ("không đúng", "report.value"),
        ("phải rồi", "report.card"),
    ],
)
def test_an_unusual_value_is_answered_with_yes_or_no(head: Person, typed: str, key: str) -> None:
    head.hears("Tổng tiền vận động 1 tỷ 2")
    assert keys(head.hears(typed)) == [key]


@pytest.mark.parametrize("typed", ["người tham gia", "Số lượt người tham gia"])
def test_a_number_of_nothing_is_named_by_a_button_or_a_word(stage: Stage, head: Person, typed: str) -> None:
    ask = {"key": "not_understood", "values": {"value": "22", "unit": "nguoi"}}
    trees = {"indicator": "TREES_PLANTED", "value": 5, "unit": "cay", "date": "2026-11-23"}
    with stage.db() as db:
        talk = settle(head.context(db), {"records": [trees], "asks": [ask]})
    asked = next(talk)
    assert isinstance(asked, Ask)
    assert asked.parse is not None
    assert PARTICIPANTS in [choice.label for choice in asked.choices]
    with pytest.raises(StopIteration) as settled:
        talk.send(asked.parse(Inbound(head.now, typed)))
    people = {"indicator": "ACTIVITY_PARTICIPANTS", "value": 22, "unit": "luot_nguoi", "date": "2026-11-23"}
    assert settled.value.value == [trees, people]


def test_a_number_of_nothing_is_left_out_or_told_better(head: Person) -> None:
    head.hears("trồng 20 cây, 7 cái")
    assert keys(head.hears("nắng lắm"))[0] == "report.pick_or_say"
    head.hears("hv mới 7")
    assert card_of(head) == [(TREES, 20), (MEMBERS, 7)]
    head.presses("report.discard")
    head.hears("trồng 20 cây, 7 cái")
    head.presses("report.leave_out")
    assert card_of(head) == [(TREES, 20)]


def test_one_of_two_figures_for_the_same_thing_is_kept(head: Person) -> None:
    head.hears("hv mới 2, hv mới 3")
    assert figures_told(told(head.replies, "report.ask.same_twice")["figures"]) == [(MEMBERS, 2), (MEMBERS, 3)]
    head.presses("report.only_this")
    assert card_of(head) == [(MEMBERS, 2)]


def test_a_day_that_is_missing_is_asked_with_the_figures_it_is_for(head: Person) -> None:
    head.hears("bữa trước trồng 30 cây")
    assert keys(head.replies) == ["report.ask.date"]
    head.hears("hôm qua chứ không phải hôm kia")
    assert card_of(head) == [(TREES, 30)]


def test_nothing_of_a_thing_is_written_down_as_zero_when_she_says_so(stage: Stage, head: Person) -> None:
    assert keys(head.hears("tháng 10 chưa trồng cây")) == ["report.ask.zero"]
    head.presses("report.write_zero")
    assert card_of(head) == [(TREES, 0)]
    head.presses("report.send")
    assert stage.report(stage.codes()[0]).period == "2026-10"
