"""The conversation engine, by small talks written for the purpose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.answers import Invalid
from dialogue.messages import Button, Choice, Inbound, Say
from dialogue.turn import (
    BACK,
    CANCEL,
    SKIP,
    Answers,
    Ask,
    Asked,
    Conversation,
    Ended,
    Left,
    Look,
    Reading,
    Script,
    begin,
    look,
    replay,
    turn,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
YES_NO = (Choice("yes", Say("yes")), Choice("no", Say("no")))


def whole_number(inbound: Inbound) -> int:
    if not inbound.text.isdecimal():
        raise Invalid("number.wanted", typed=inbound.text)
    return int(inbound.text)


def places(_db: Any, text: str) -> list[Choice]:
    return [Choice(name, name) for name in ("làng Bối", "làng Bàng", "thôn 2") if text in name]


def ask_all(context: Any) -> Script:
    name = yield Ask("name")
    age = yield Ask("age", parse=whole_number)
    place = yield Ask("place", search=places)
    phone = yield Ask("phone", optional=True)
    sure = yield Ask("sure", {"name": name}, parse=None, choices=YES_NO, confirm=True)
    return {"name": name, "age": age, "place": place, "phone": phone, "sure": sure}


ALL = Conversation("all", ask_all, done=lambda db, context, result: [])


def said(text: str) -> Inbound:
    return Inbound(NOW, text)


def pressed(value: Any) -> Inbound:
    return Inbound(NOW, "", Button(value, "label"))


def shown(asked: Asked) -> list[Button]:
    return [Button(c.value, str(c.value), asked.ask.key) for c in asked.found or asked.ask.choices]


@dataclass
class Player:
    """Plays a conversation as the dispatcher does: nothing is kept between turns but the log."""

    conversation: Conversation = ALL
    answers: Answers = ()
    buttons: tuple[Button, ...] = ()
    outcome: Any = None

    def hear(self, inbound: Inbound) -> Any:
        known: dict[Look, Any] = {}
        while True:
            outcome = turn(self.conversation, None, self.answers, inbound=inbound, shown=self.buttons, known=known)
            if not isinstance(outcome, Reading):
                break
            known[outcome.look] = outcome.look.read(None, *outcome.look.args)
        if isinstance(outcome, Asked):
            self.answers = (*outcome.answers, *outcome.rest)
            self.buttons = tuple(shown(outcome))
        self.outcome = outcome
        return outcome


def test_straight_path_ends_with_every_answer() -> None:
    player = Player()
    for text in ("Rơ Châm H'Bia", "23", "thôn 2", "0323456789"):
        player.hear(said(text))
    assert player.hear(pressed("yes")) == Ended(
        {"name": "Rơ Châm H'Bia", "age": 23, "place": "thôn 2", "phone": "0323456789", "sure": "yes"},
        (*player.answers, ("sure", "yes")),
    )


def test_wrong_answer_repeats_the_question_with_a_hint_and_keeps_the_rest() -> None:
    player = Player()
    player.hear(said("Lan"))
    asked = player.hear(said("hai mươi"))
    assert asked.ask.key == "age"
    assert asked.hint == Say("number.wanted", {"typed": "hai mươi"})
    assert player.answers == (("name", "Lan"),)


def test_several_found_places_are_offered_and_one_is_picked_by_number_label_or_button() -> None:
    for answer in (said("2"), said("lang bang"), pressed("làng Bàng")):
        player = Player()
        player.hear(said("Lan"))
        player.hear(said("23"))
        asked = player.hear(said("làng"))
        assert [choice.value for choice in asked.found] == ["làng Bối", "làng Bàng"]
        assert player.hear(answer).ask.key == "phone"
        assert dict(player.answers)["place"] == "làng Bàng"


def test_nothing_found_says_so() -> None:
    player = Player()
    player.hear(said("Lan"))
    player.hear(said("23"))
    assert player.hear(said("buôn Hồ")).hint == Say("place.none")


def test_a_number_that_is_an_answer_is_never_taken_for_a_choice() -> None:
    def ask(context: Any) -> Script:
        count = yield Ask("count", parse=whole_number, choices=(Choice(0, "không có"),))
        return count

    player = Player(
        Conversation("count", ask, done=lambda db, context, result: []), buttons=(Button(0, "không có", "count"),)
    )
    assert player.hear(said("1")).result == 1
    player.answers = ()
    assert player.hear(said("khong co")).result == 0


def test_back_drops_the_last_answer_and_cancel_leaves() -> None:
    player = Player()
    player.hear(said("Lan"))
    player.hear(said("23"))
    assert player.hear(pressed(BACK)).ask.key == "age"
    assert player.answers == (("name", "Lan"),)
    assert player.hear(pressed(CANCEL)) == Left()


def test_back_at_the_first_question_says_so() -> None:
    assert Player().hear(pressed(BACK)).hint == Say("turn.at_start")


def test_optional_question_is_skipped_and_others_are_not() -> None:
    player = Player()
    assert player.hear(pressed(SKIP)).hint == Say("turn.old_button")
    for text in ("Lan", "23", "thôn 2"):
        player.hear(said(text))
    assert player.hear(pressed(SKIP)).ask.key == "sure"
    assert dict(player.answers)["phone"] is None


def test_a_button_of_another_question_is_old() -> None:
    player = Player(buttons=(Button("yes", "yes", "sure"),))
    assert player.hear(pressed("yes")).hint == Say("turn.old_button")


def test_a_changed_script_keeps_what_fits_asks_what_is_new_and_confirms_again() -> None:
    def ask_more(context: Any) -> Script:
        place = yield Ask("place", search=places)
        name = yield Ask("name")
        village = yield Ask("village")
        age = yield Ask("age", parse=whole_number)
        sure = yield Ask("sure", parse=None, choices=YES_NO, confirm=True)
        return (place, name, village, age, sure)

    old: Answers = (("name", "Lan"), ("age", 23), ("place", "thôn 2"), ("sure", "yes"))
    player = Player(Conversation("more", ask_more, done=lambda db, context, result: []), old)
    waiting = replay(ask_more(None), old, {})
    assert isinstance(waiting, Asked) and waiting.ask.key == "village"
    asked = player.hear(said("Plei"))
    assert asked.ask.key == "sure", "the summary was confirmed before the village was known"
    assert dict(player.answers) == {"place": "thôn 2", "name": "Lan", "village": "Plei", "age": 23}


def test_a_choice_no_longer_offered_is_asked_again() -> None:
    def ask(context: Any) -> Script:
        colour = yield Ask("colour", parse=None, choices=(Choice("red", "đỏ"),))
        return colour

    waiting = replay(ask(None), (("colour", "blue"),), {})
    assert isinstance(waiting, Asked) and waiting.ask.key == "colour"


def test_a_look_is_answered_afresh_and_never_logged() -> None:
    def total(_db: Any, of: str) -> int:
        return len(of)

    def ask(context: Any) -> Script:
        size = yield look(total, "abc")
        name = yield Ask("name", {"size": size})
        return (size, name)

    conversation = Conversation("looking", ask, done=lambda db, context, result: [])
    wanted = begin(conversation, None, {})
    assert wanted == Reading(Look(total, ("abc",)))
    asked = begin(conversation, None, {Look(total, ("abc",)): 7})
    assert isinstance(asked, Asked) and asked.ask.values["size"] == 7 and asked.answers == ()


def test_a_talk_that_never_ends_is_an_error_not_a_hang() -> None:
    def ask(context: Any) -> Script:
        while True:
            yield look(len, ())

    with pytest.raises(RuntimeError):
        replay(ask(None), (), {Look(len, ((),)): 0})


LINES = st.one_of(
    st.sampled_from(["Lan", "23", "làng", "làng Bối", "thôn 2", "x", "1", "2", "", "0323456789", "không"]).map(said),
    st.sampled_from([BACK, SKIP, "yes", "no", None]).map(pressed),
    st.text(max_size=30).map(said),
)


@given(st.lists(LINES, max_size=25))
def test_any_sequence_of_messages_leads_to_a_question_or_an_end_and_the_log_alone_is_the_state(
    lines: list[Inbound],
) -> None:
    player, forgetful = Player(), Player()
    for line in lines:
        outcome = player.hear(line)
        # The second player is rebuilt from the stored log and buttons before every line: a restart.
        forgetful = Player(ALL, tuple((k, a) for k, a in forgetful.answers), forgetful.buttons)
        again = forgetful.hear(replace(line))
        assert again == outcome
        if isinstance(outcome, Ended):
            return
        assert isinstance(outcome, Asked)
        keys = [key for key, _ in outcome.answers]
        assert len(keys) == len(set(keys)) <= 4
