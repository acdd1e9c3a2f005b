"""A report as a sentence: read, shown, changed, sent, corrected."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.reports.stage import BUTTONS, Person, Stage, figures_told, keys, name, named, names, sha, told

TREES, MEMBERS = named("TREES_PLANTED"), named("MEMBERS_NEW")


def card_of(head: Person) -> list[tuple[str, object]]:
    return figures_told(told(head.replies[-1:], "report.card")["figures"])


def test_a_sentence_becomes_a_report_with_a_code_and_the_officer_is_told(
    stage: Stage, head: Person, officer: Person
) -> None:
    head.hears("hôm qua trồng 150 cây xanh, kết nạp 2 hội viên mới")
    assert card_of(head) == [(TREES, 150), (MEMBERS, 2)]
    said = head.presses("report.send")
    (code,) = stage.codes()
    assert keys(said) == ["report.receipt", "report.receipt_read", "report.receipt_next"]
    assert said[0].sort == "receipt"
    assert told(said, "report.receipt")["code"] == code
    stored = stage.report(code)
    assert (stored.state, stored.unit_id, stored.period) == ("submitted", stage.units["boi"], "2026-11-22")
    assert keys(officer.replies) == ["report.notice"]
    assert officer.replies[0].choices[0].value == {"open": "review", "start": {"code": code}}


def test_nothing_is_stored_before_she_sends_it(stage: Stage, head: Person) -> None:
    head.hears("trồng 150 cây")
    head.presses("report.discard")
    assert keys(head.replies)[-1] == "report.discarded"
    assert stage.codes() == []


def test_the_same_button_pressed_twice_sends_once(stage: Stage, head: Person) -> None:
    head.hears("trồng 150 cây")
    card = head.replies[-1]
    head.presses("report.send", of=card)
    head.presses("report.send", of=card)
    assert len(stage.codes()) == 1


def test_the_send_button_of_an_earlier_card_sends_nothing(stage: Stage, head: Person) -> None:
    head.hears("trồng 150 cây")
    first = head.replies[-1]
    head.hears("trồng 100 cây")
    said = head.presses("report.send", of=first)
    assert keys(said) == ["turn.old_button", "report.card"]
    assert stage.codes() == []
    head.presses("report.send")
    assert stage.figures(stage.codes()[0]) == [("TREES_PLANTED", 100, False)]


@pytest.mark.parametrize(
    ("typed", "card"),
    [
        ("hv mới là 5", [(TREES, 150), (MEMBERS, 5)]),
        ("trồng 80 cây", [(TREES, 80), (MEMBERS, 2)]),
        ("tặng 20 suất quà", [(TREES, 150), (MEMBERS, 2), (named("GIFTS_GIVEN"), 20)]),
    ],
)
def test_a_phrase_at_the_card_changes_or_adds_a_figure(head: Person, typed: str, card: list[object]) -> None:
    head.hears("trồng 150 cây xanh, kết nạp 2 hội viên mới")
    head.hears(typed)
    assert card_of(head) == card


@pytest.mark.parametrize("typed", ["trời đẹp quá", "cảm ơn chị", "không"])
def test_what_is_not_understood_at_the_card_is_answered_with_a_hint(head: Person, typed: str) -> None:
    head.hears("trồng 150 cây")
    said = head.hears(typed)
    assert keys(said)[:2] == ["report.card_hint", "report.card"]
    assert card_of(head) == [(TREES, 150)]


def test_a_number_is_changed_by_button_and_wrong_answers_are_asked_again(head: Person) -> None:
    head.hears("trồng 150 cây xanh, kết nạp 2 hội viên mới")
    head.presses("report.change")
    assert len([c for c in head.replies[-1].choices if name(c) == "figure.label"]) == 2
    head.presses("figure.label")
    for typed, hint in (
        ("nhiều lắm", "report.one_number"),
        ("3 hay 4", "report.number_unclear"),
        ("5 %", "report.no_percent"),
    ):
        assert keys(head.hears(typed))[0] == hint
    head.hears("một trăm hai mươi")
    assert card_of(head) == [(TREES, 120), (MEMBERS, 2)]


def test_back_at_a_question_leads_to_the_one_before(head: Person) -> None:
    head.hears("trồng 150 cây")
    head.presses("report.change")
    assert keys(head.replies)[-1] == "report.value"
    head.hears("quay lại")
    assert keys(head.replies)[-1] == "report.card"
    assert card_of(head) == [(TREES, 150)]


def test_a_figure_is_left_out_but_never_the_last_one(head: Person) -> None:
    head.hears("trồng 150 cây xanh, kết nạp 2 hội viên mới")
    head.presses("report.drop")
    head.presses("figure.label")
    assert card_of(head) == [(MEMBERS, 2)]
    assert "report.drop" not in names(head.replies)


def test_the_date_is_changed_for_all_where_they_share_one(stage: Stage, head: Person) -> None:
    head.hears("trồng 150 cây xanh, kết nạp 2 hội viên mới")
    head.presses("report.change_date")
    assert keys(head.hears("bữa nào đó"))[0] == "report.one_date"
    assert keys(head.hears("ngày mai"))[0] in {"report.date_ahead", "report.one_date"}
    head.hears("20/11")
    head.presses("report.send")
    assert {figure.period for figure in stage.report(stage.codes()[0]).figures} == {"2026-11-20"}


def test_where_dates_differ_she_says_which_one(stage: Stage, head: Person) -> None:
    head.hears("Tháng 10: hv mới 2; tháng 11: hv mới 3")
    head.presses("report.change_date")
    assert keys(head.replies)[-1] == "report.which_date"
    head.presses("figure.label")
    head.hears("tháng 9")
    head.presses("report.send")
    assert [figure.period for figure in stage.report(stage.codes()[0]).figures] == ["2026-09", "2026-11"]


def test_photos_with_the_text_and_at_the_card_are_one_report(stage: Stage, head: Person) -> None:
    head.hears("trồng 150 cây", "one.jpg")
    head.hears("", "two.jpg", "one.jpg")
    assert told(head.replies[-1:], "report.card")["figures"].items[-1].values == {"count": 2}
    head.presses("report.add_photo")
    assert keys(head.hears("đây"))[0] == "answer.photo_wanted"
    head.hears("", "three.jpg")
    head.presses("report.send")
    report_id = stage.report(stage.codes()[0]).id
    assert stage.photos() == [(sha(each), report_id) for each in ("one.jpg", "two.jpg", "three.jpg")]


def test_a_value_far_above_the_usual_is_asked_once(stage: Stage, head: Person) -> None:
    said = head.hears("600k cây")
    assert keys(said) == ["report.sure_said"]
    head.presses("report.change")
    head.hears("600")
    assert card_of(head) == [(TREES, 600)]
    head.hears("trồng 600k cây")
    assert keys(head.replies)[-1] == "report.sure"
    head.presses("report.sure_yes")
    head.presses("report.change_date")
    head.presses("report.yesterday")
    assert card_of(head) == [(TREES, 600_000)]
    head.presses("report.send")
    assert stage.figures(stage.codes()[0]) == [("TREES_PLANTED", 600_000, False)]


def test_an_unclear_number_is_asked_for_and_told_anew(head: Person) -> None:
    assert keys(head.hears("trồng vài chục cây")) == ["report.ask.number_wanted"]
    assert keys(head.hears("ờ thì nhiều")) == ["report.number_unclear", "report.ask.number_wanted"]
    head.presses("report.ask_again")
    assert keys(head.hears("ờ thì nhiều")) == ["report.say_again_hint", "report.say_again"]
    head.hears("trồng 40 cây")
    assert card_of(head) == [(TREES, 40)]


def test_each_or_total_is_asked_with_both_amounts(head: Person) -> None:
    head.hears("tặng 10 phần quà 2 triệu")
    assert keys(head.replies)[-1] == "report.ask.each_or_total"
    head.presses("report.each_is")
    assert (named("GIFTS_VALUE"), 20_000_000) in card_of(head)


def test_an_unclear_day_is_asked_for(stage: Stage, head: Person) -> None:
    head.hears("bữa trước trồng 30 cây")
    assert keys(head.replies)[-1] == "report.ask.date"
    head.presses("report.yesterday")
    head.presses("report.send")
    assert stage.report(stage.codes()[0]).period == "2026-11-22"


def test_an_exact_repeat_is_sent_only_when_she_says_so(stage: Stage, head: Person) -> None:
    for _ in range(2):
        head.hears("trồng 150 cây")
        head.presses("report.send")
    assert keys(head.replies)[-1] == "report.again"
    assert told(head.replies, "report.again")["code"] == stage.codes()[0]
    head.presses("report.discard")
    assert len(stage.codes()) == 1
    head.hears("trồng 150 cây")
    head.presses("report.send")
    head.presses("report.send_again")
    assert len(stage.codes()) == 2


def test_who_heads_two_units_says_which_one_reports(stage: Stage) -> None:
    head = stage.person(("chi_hoi_truong", "boi"), ("chi_hoi_truong", "kla"))
    head.hears("trồng 150 cây")
    assert keys(head.replies)[-1] == "report.unit"
    head.presses("Chi hội làng Klă")
    head.presses("report.send")
    assert stage.report(stage.codes()[0]).unit_id == stage.units["kla"]


def test_a_woman_without_a_post_reports_nothing(stage: Stage) -> None:
    assert "report.card" not in keys(stage.person().hears("trồng 150 cây"))


def test_a_post_that_ended_meanwhile_sends_nothing(stage: Stage, head: Person) -> None:
    head.hears("trồng 150 cây")
    with stage.db() as db:
        db.exec_driver_sql("update appointment set valid_to = '2026-11-23'")
    later = replace(head, now=head.now)
    with stage.db() as db:
        db.exec_driver_sql("update appointment set valid_to = '2026-11-01'")
    assert "report.receipt" not in keys(later.presses("report.send"))
    assert stage.codes() == []


def test_without_buttons_a_number_picks_from_the_list(stage: Stage, head: Person) -> None:
    head.capabilities = replace(BUTTONS, buttons=False)
    head.hears("trồng 150 cây")
    assert keys(head.hears("9"))[0] == "report.card_hint"
    head.hears("1")
    assert len(stage.codes()) == 1


def test_a_correction_by_sentence_replaces_the_figure_she_means(stage: Stage, head: Person) -> None:
    head.hears("kết nạp 3 hội viên mới, trồng 10 cây")
    head.presses("report.send")
    head.hears("em gửi lại số đúng: hội viên mới là 5 chứ ko phải 3 chị nhé")
    assert card_of(head) == [(MEMBERS, 5), (TREES, 10)]
    head.presses("report.send")
    (code,) = stage.codes()
    assert stage.report(code).version == 2
    assert stage.figures(code) == [
        ("MEMBERS_NEW", 3, True),
        ("TREES_PLANTED", 10, True),
        ("MEMBERS_NEW", 5, False),
        ("TREES_PLANTED", 10, False),
    ]


def test_where_two_reports_fit_a_correction_she_picks_one(stage: Stage, head: Person) -> None:
    for day in ("20/11", "21/11"):
        head.hears(f"{day} kết nạp 3 hội viên mới")
        head.presses("report.send")
    head.hears("gửi lại số đúng: hội viên mới là 5 chứ không phải 3")
    assert keys(head.replies)[-1] == "report.which_report"
    head.presses("report.one_of_several")
    head.presses("report.send")
    versions = sorted(stage.report(code).version for code in stage.codes())
    assert versions == [1, 2]


def test_a_correction_of_nothing_sent_is_a_new_report(stage: Stage, head: Person) -> None:
    head.hears("gửi lại số đúng: hội viên mới là 5 chứ không phải 3")
    assert card_of(head) == [(MEMBERS, 5)]


def test_a_report_of_another_cannot_be_opened_for_correction(stage: Stage, head: Person) -> None:
    head.hears("trồng 150 cây")
    head.presses("report.send")
    other = stage.person(("chi_hoi_truong", "kla"))
    other.replies = [head.replies[-1]]
    assert keys(other.presses("report.correct")) == ["report.gone"]


def test_the_officer_of_a_commune_has_her_report_read_by_somebody_else(stage: Stage, officer: Person) -> None:
    colleague = stage.person(("chu_tich_xa", "xa"))
    officer.hears("trồng 150 cây")
    officer.presses("report.send")
    assert keys(colleague.replies) == ["report.notice"]
    assert "report.notice" not in keys(officer.replies)
