"""A woman registers: consent first, nothing kept before she sends it, nobody under 18, no name in a notice."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from dialogue.messages import Choice, Inbound, Say
from dialogue.turn import Ask
from handlers import abroad, person, register
from handlers.register import CONSENT_VERSION
from storage.applications import by_code, details
from tests.members.stage import ABROAD, Person, Press, Stage, key_of, values_of

AGREE = Press("agree")
SEND = Press("send")
STORY = (AGREE, "Rơ Châm H'Bia", "12/5/2003", "làng bối", "0162 345 6789")


def registers(someone: Person, *said: str | Press) -> str:
    return key_of(someone.plays(register.conversation(someone.stage.sealer), *said))


def test_the_straight_path_keeps_an_application_and_tells_the_commune_officer_a_code(stage: Stage) -> None:
    officer = stage.person("Chị Chủ tịch", role="chu_tich_xa", unit="chu_pah")
    stage.person("Trưởng làng", role="chi_hoi_truong", unit="boi")
    stage.person("Xã khác", role="chu_tich_xa", unit="ia_ly")
    woman = stage.person()
    assert registers(woman, *STORY, SEND) == "register.kept"
    code = values_of(woman.said[-1])["code"]
    assert woman.said[-1].sort == "receipt"
    assert [(notice.contact_id, key_of(notice.reply)) for notice in stage.notices] == [
        (officer.contact_id, "admit.notice")
    ]
    assert values_of(stage.notices[0].reply) == {"code": code, "unit": "Chi hội làng Bối"}
    assert stage.notices[0].reply.choices == (Choice({"open": "admit", "start": {"code": code}}, Say("admit.open")),)
    assert "Bia" not in repr(stage.notices)


def test_what_is_kept_is_sealed_and_opens_again(stage: Stage) -> None:
    woman = stage.person()
    registers(woman, *STORY, SEND)
    columns = "full_name, birth_sealed, phone_sealed, phone_index, state"
    name, birth, phone, index, state = stage.rows(f"select {columns} from application")[0]
    assert (name, state) == ("Rơ Châm H'Bia", "submitted")
    assert index == stage.sealer.index("+84323456789")
    for secret in (b"2003", b"323456789"):
        assert secret not in birth + phone
    with stage.db() as db:
        found = by_code(db, values_of(woman.said[-1])["code"])
        assert found is not None
        assert details(db, stage.sealer, found).birth == "2003-05-12"
        assert details(db, stage.sealer, found).phone == "+84323456789"


def test_the_summary_shows_an_old_number_as_todays(stage: Stage) -> None:
    woman = stage.person()
    assert registers(woman, *STORY) == "register.summary"
    assert values_of(woman.said[-1]) == {
        "name": "Rơ Châm H'Bia",
        "birth": date(2003, 5, 12),
        "unit": "Chi hội làng Bối",
        "phone": "0323 456 789",
    }


def test_the_consent_is_kept_with_the_text_she_read(stage: Stage) -> None:
    woman = stage.person()
    registers(woman, *STORY, SEND)
    columns = "purpose, text_version, text_shown, channel, contact_id, recorded_by, withdrawn_at"
    shown = f"Hội LHPN tỉnh keeps your data ({CONSENT_VERSION})"
    assert stage.rows(f"select {columns} from consent") == [
        ("membership", CONSENT_VERSION, shown, "paper", woman.contact_id, woman.contact_id, None)
    ]


def test_on_a_channel_abroad_the_transfer_needs_a_consent_of_its_own(stage: Stage) -> None:
    woman = stage.person()
    woman.capabilities = ABROAD
    guarded = abroad.guarded(register.conversation(stage.sealer))
    assert key_of(woman.plays(guarded, AGREE)) == "abroad.consent"
    assert key_of(woman.plays(guarded, AGREE, Press("refuse"))) == "abroad.refused_no_web"
    assert key_of(woman.plays(guarded, AGREE, Press("refuse"), "Rơ Châm H'Bia")) == "turn.pick_one"
    assert stage.rows("select * from consent") == []
    assert key_of(woman.plays(guarded, AGREE, *STORY)) == "register.summary"


def test_without_consent_nothing_is_kept(stage: Stage) -> None:
    assert registers(stage.person(), Press("refuse")) == "register.no_consent"
    assert stage.rows("select * from consent") == stage.rows("select * from application") == []


def test_typing_something_else_is_not_a_consent(stage: Stage) -> None:
    woman = stage.person()
    assert registers(woman, "ừ thì") == "turn.pick_one"


@pytest.mark.parametrize("left", range(1, 6))
def test_a_talk_left_half_way_keeps_nothing(stage: Stage, left: int) -> None:
    registers(stage.person(), *STORY[:left])
    assert stage.rows("select * from consent") == stage.rows("select * from application") == []


@pytest.mark.parametrize("birth", ["24/11/2008", "2009", "1/1/2015"])
def test_under_18_is_refused_and_what_she_wrote_is_blanked(stage: Stage, birth: str) -> None:
    child = stage.person()
    assert registers(child, AGREE, "Rơ Châm Em", birth) == "register.minor"
    assert stage.rows("select distinct cast(body as text) from inbox") == [(None,)]
    assert "Rơ Châm Em" not in stage.dump()


def test_18_today_is_old_enough(stage: Stage) -> None:
    assert registers(stage.person(), AGREE, "Rơ Châm Em", "23/11/2008") == "register.unit"


def test_a_year_that_leaves_the_age_open_asks_for_the_day(stage: Stage) -> None:
    woman = stage.person()
    assert registers(woman, AGREE, "Rơ Châm Em", "2008") == "person.birth_day"
    assert registers(woman, AGREE, "Rơ Châm Em", "2008", "2008") == "person.birth_day.retry"
    assert registers(woman, AGREE, "Rơ Châm Em", "2008", "1/11/2008") == "register.unit"
    assert registers(woman, AGREE, "Rơ Châm Em", "2008", "30/11/2008") == "register.minor"


@pytest.mark.parametrize(
    ("birth", "today", "adult"),
    [
        ("2008-02-29", date(2026, 2, 28), False),
        ("2008-02-29", date(2026, 3, 1), True),
        ("2008-12-31", date(2026, 12, 30), False),
        ("2008-12-31", date(2026, 12, 31), True),
        ("2008", date(2026, 1, 1), None),
        ("2008", date(2026, 12, 31), None),
        ("2007", date(2026, 1, 1), True),
        ("2009", date(2026, 12, 31), False),
    ],
)
def test_18_is_counted_to_the_day(birth: str, today: date, adult: bool | None) -> None:
    assert person.is_adult(birth, today) is adult


def test_the_day_is_counted_in_viet_nam(stage: Stage) -> None:
    woman = stage.person()
    woman.now = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)  # half past midnight on 23 November there
    assert registers(woman, AGREE, "Rơ Châm Em", "23/11/2008") == "register.unit"


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("hôm qua", "person.birth.retry"),
        ("31/2/1990", "person.birth.retry"),
        ("5/90", "person.birth.retry"),
        ("1900", "person.birth.implausible"),
        ("2030", "person.birth.implausible"),
        ("24/11/2026", "person.birth.implausible"),
        ("", "answer.text_wanted"),
    ],
)
def test_a_birth_date_that_cannot_be_is_asked_again(stage: Stage, typed: str, hint: str) -> None:
    assert registers(stage.person(), AGREE, "Rơ Châm Em", typed) == hint


@pytest.mark.parametrize("typed", ["0912", "1990", "!!!", "a" * 81, "nhà số 5"])
def test_what_is_no_name_is_asked_again(stage: Stage, typed: str) -> None:
    assert registers(stage.person(), AGREE, typed) == "person.name.retry"


@pytest.mark.parametrize("typed", ["113", "0123", "không nhớ", "02693 821 234"])
def test_what_is_no_mobile_number_is_asked_again(stage: Stage, typed: str) -> None:
    assert registers(stage.person(), *STORY[:4], typed) == "person.phone.retry"


def test_the_phone_may_be_left_out(stage: Stage) -> None:
    woman = stage.person()
    registers(woman, *STORY[:4], Press({"go": "skip"}), SEND)
    assert stage.rows("select phone_sealed, phone_index, state from application") == [(None, None, "submitted")]


@pytest.mark.parametrize("typed", ["bối", "lang boi chu pah", "làng Bối Hòa Phú", "làng bối xã hòa phú cũ", "Bối"])
def test_a_unit_is_found_by_part_of_its_name_and_the_old_commune(stage: Stage, typed: str) -> None:
    woman = stage.person()
    registers(woman, *STORY[:3], typed, "0912345678")
    assert values_of(woman.said[-1])["unit"] == "Chi hội làng Bối"


def test_several_units_are_told_apart_by_the_one_above(stage: Stage) -> None:
    woman = stage.person()
    assert registers(woman, *STORY[:3], "làng") == "search.several"
    assert [choice.label for choice in woman.said[-1].choices] == [
        Say("register.place", {"unit": "Chi hội làng Bối", "above": "Hội LHPN xã Chư Păh"}),
        Say("register.place", {"unit": "Chi hội làng Kép", "above": "Hội LHPN xã Ia Ly"}),
    ]


@pytest.mark.parametrize("typed", ["Lẻ Loi", "tỉnh Gia Lai", "xã Chư Păh chủ tịch", "%", "_"])
def test_only_units_with_members_can_be_joined(stage: Stage, typed: str) -> None:
    assert registers(stage.person(), *STORY[:3], typed) == "register.unit.none"


def test_each_answer_can_be_changed_at_the_summary(stage: Stage) -> None:
    woman = stage.person()
    edits: tuple[str | Press, ...] = (
        *(Press("name"), "Rơ Châm Hai"),
        *(Press("birth"), "1990"),
        *(Press("unit_id"), "thôn 2"),
        *(Press("phone"), "0912 345 678"),
        *(Press("name"), "Rơ Châm Ba"),
    )
    assert registers(woman, *STORY, *edits) == "register.summary"
    assert values_of(woman.said[-1]) == {
        "name": "Rơ Châm Ba",
        "birth": "1990",
        "unit": "Chi hội thôn 2",
        "phone": "0912 345 678",
    }
    assert registers(woman, *STORY, *edits, SEND) == "register.kept"
    assert stage.rows("select full_name, unit_id from application") == [("Rơ Châm Ba", stage.units["thon_2"])]


def test_becoming_a_minor_at_the_summary_ends_the_talk(stage: Stage) -> None:
    assert registers(stage.person(), *STORY, Press("birth"), "2015") == "register.minor"
    assert stage.rows("select * from application") == []


def test_going_back_asks_the_question_before(stage: Stage) -> None:
    assert registers(stage.person(), *STORY[:3], Press({"go": "back"})) == "person.birth"


def test_a_second_application_is_told_the_state_of_the_first(stage: Stage) -> None:
    woman = stage.person()
    registers(woman, *STORY, SEND)
    code = values_of(woman.said[-1])["code"]
    again = woman.does(register.conversation(stage.sealer))
    assert (key_of(again), values_of(again)["code"]) == ("register.waiting", code)


def test_sending_twice_keeps_one(stage: Stage) -> None:
    """Two phones of one person, both at the summary."""
    woman = stage.person()
    conversation = register.conversation(stage.sealer)
    wish = register.Wish("Rơ Châm H'Bia", "1990", stage.units["boi"], None)
    context = woman.context()
    with stage.db() as db:
        first = conversation.done(db, context, wish)
        second = conversation.done(db, context, wish)
    assert [key_of(first[0]), key_of(second[0])] == ["register.kept", "register.waiting"]
    assert stage.rows("select count(*) from application") == [(1,)]


def test_an_officer_who_registers_is_not_told_of_her_own_application(stage: Stage) -> None:
    officer = stage.person("Chị Chủ tịch", role="chu_tich_xa", unit="chu_pah")
    other = stage.person("Chị Phó", role="chu_tich_xa", unit="chu_pah")
    registers(officer, *STORY, SEND)
    assert [notice.contact_id for notice in stage.notices] == [other.contact_id]


def test_questions_for_personal_data_are_marked(stage: Stage) -> None:
    """On a channel abroad the dispatcher must be able to tell them."""
    script = register.conversation(stage.sealer).ask(stage.person().context())
    next(script)
    asked = [script.send(None), script.send("agree"), script.send("Rơ Châm H'Bia"), script.send("1990"), script.send(5)]
    assert [ask.key for ask in asked if isinstance(ask, Ask) and ask.personal] == [
        "person.name",
        "person.birth",
        "register.unit",
        "person.phone",
    ]


def test_a_shared_contact_photo_is_no_name(stage: Stage) -> None:
    with pytest.raises(ValueError, match=r"answer\.text_wanted"):
        person.full_name(Inbound(datetime(2026, 11, 23, tzinfo=UTC)))
