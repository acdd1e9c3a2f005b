"""Several talks of one person: parked, resumed, interrupted, left, and come back to after days."""

from __future__ import annotations

from tests.turns.conftest import Office


async def test_a_talk_left_open_is_parked_under_another_and_resumed_after_it(office: Office) -> None:
    await office.hear("an", "đơn")
    await office.hear("an", "Lan")
    assert await office.hear("an", "ghi chú") == ["note.title"]
    assert await office.hear("an", "mua cây") == ["note.saved", "turn.resumed\n\nform.age"]
    await office.hear("an", "30")
    assert await office.hear("an", "1") == ["form.saved"]
    assert await office.all_effects() == [("note", "mua cây"), ("form", "('Lan', 30)")]


async def test_an_interruption_answers_at_once_and_leaves_the_talk_as_it_was(office: Office) -> None:
    await office.hear("an", "đơn")
    assert await office.hear("an", "cứu tôi với") == ["sos.shown"]
    assert await office.hear("an", "Lan") == ["form.age"]


async def test_a_command_in_the_middle_is_answered_and_the_question_asked_again(office: Office) -> None:
    await office.hear("an", "đơn")
    assert await office.hear("an", "menu") == ["menu.shown", "form.name"]
    assert await office.hear("an", "Lan") == ["form.age"]


async def test_cancel_leaves_and_saves_nothing(office: Office) -> None:
    await office.hear("an", "đơn")
    await office.hear("an", "Lan")
    assert await office.hear("an", "huy") == ["turn.left"]
    assert await office.all_effects() == []
    assert await office.hear("an", "hủy") == ["menu.shown"]


async def test_back_goes_one_question_back(office: Office) -> None:
    await office.hear("an", "đơn")
    await office.hear("an", "Lan")
    assert await office.hear("an", "quay lai") == ["form.name"]
    assert await office.hear("an", "Liên") == ["form.age"]


async def test_help_explains_and_repeats_the_question(office: Office) -> None:
    await office.hear("an", "đơn")
    assert await office.hear("an", "trợ giúp") == ["turn.help\n\nform.name"]


async def test_a_wrong_answer_that_is_something_else_is_offered_as_that(office: Office) -> None:
    await office.hear("an", "đơn")
    await office.hear("an", "Lan")
    assert await office.hear("an", "nhớ mua cây") == ["turn.pick_one\n\nform.age"]
    number, body = await office.last_delivery()
    labels = [button["label"] for button in body["buttons"]]
    assert labels[0] == "Turn.open_instead"
    assert await office.hear("an", pressed=f"{number}.0") == ["note.title"]


async def test_after_days_the_talk_goes_on_but_a_sentence_of_its_own_is_not_taken_for_an_answer(office: Office) -> None:
    await office.hear("an", "đơn")
    await office.hear("an", "Lan")
    await office.hear("an", "quay lại")
    await office.hear("an", "Liên")
    office.later(days=3)
    office.open("second")
    assert await office.hear("an", "nhớ gọi chị Hoa") == ["note.title"]
    assert await office.hear("an", "gọi") == ["note.saved", "turn.resumed\n\nform.age"]
    assert await office.hear("an", "30") == ["form.sure"]


async def test_too_many_talks_are_refused_and_none_is_lost(office: Office) -> None:
    await office.hear("an", "đơn")
    await office.hear("an", "Lan")
    await office.hear("an", "cứu")
    call, _ = await office.last_delivery()
    for name in ("Liên", "Lành", "Lựu"):
        assert (await office.hear("an", pressed=f"{call}.0")) in (["note.title"], ["turn.too_many_open", "form.age"])
        await office.hear("an", "đơn")
        await office.hear("an", name)
    assert (await office.hear("an", "ghi chú"))[0] == "turn.too_many_open"
    await office.hear("an", "30")
    assert (await office.hear("an", "1"))[0] == "form.saved"


async def test_what_is_not_understood_is_met_with_the_menu(office: Office) -> None:
    assert await office.hear("an", "asdf") == ["turn.not_understood", "menu.shown"]
