"""A sentence that tells of a woman who is to join: only the rest is asked; a head registers another woman."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import update

from dialogue.messages import Choice
from handlers import admit, register
from handlers.register import CONSENT_VERSION
from handlers.register_other import Told
from storage.schema import appointment
from tests.members.stage import Person, Press, Stage, key_of, values_of

AGREE, ASKED, SEND = Press("agree"), Press("asked"), Press("send")
BIA = {"full_name": "Rơ Châm H'Bia", "birth_year": 2003, "phone": "0323456789", "chapter": "làng Bối"}


def told(someone: Person, member: dict[str, object], *said: str | Press) -> str:
    talk = register.conversation(someone.stage.sealer)
    return key_of(someone.plays(talk, *said, start={"member": member}))


@pytest.fixture
def head(stage: Stage) -> Person:
    return stage.person("Trưởng làng", role="chi_hoi_truong", unit="boi")


def test_nothing_that_was_told_is_asked_again(stage: Stage) -> None:
    woman = stage.person()
    assert told(woman, BIA) == "register.consent"
    assert told(woman, BIA, AGREE) == "register.summary"
    assert values_of(woman.said[-1]) == {
        "name": "Rơ Châm H'Bia",
        "birth": "2003",
        "unit": "Chi hội làng Bối",
        "phone": "0323 456 789",
    }
    assert told(woman, BIA, AGREE, SEND) == "register.kept"


@pytest.mark.parametrize(
    ("missing", "asked"),
    [
        ("full_name", "person.name"),
        ("birth_year", "person.birth"),
        ("chapter", "register.unit"),
        ("phone", "person.phone"),
    ],
)
def test_what_was_not_told_is_asked(stage: Stage, missing: str, asked: str) -> None:
    assert told(stage.person(), {name: value for name, value in BIA.items() if name != missing}, AGREE) == asked


def test_what_was_told_wrongly_is_asked(stage: Stage) -> None:
    assert told(stage.person(), {**BIA, "phone": "12345"}, AGREE) == "person.phone"
    assert told(stage.person(), {**BIA, "chapter": "làng Không Có"}, AGREE) == "register.unit"
    assert told(stage.person(), {**BIA, "birth_year": 2008}, AGREE) == "person.birth_day", "the birthday decides"


def test_what_was_told_can_be_changed_at_the_summary(stage: Stage) -> None:
    woman = stage.person()
    assert told(woman, BIA, AGREE, Press("phone"), "0912345678") == "register.summary"
    assert values_of(woman.said[-1])["phone"] == "0912 345 678"


def test_a_minor_told_of_in_a_sentence_is_not_kept(stage: Stage, head: Person) -> None:
    assert told(stage.person(), {**BIA, "birth_year": 2015}, AGREE) == "register.minor"
    assert told(head, {**BIA, "birth_year": 2015}, ASKED) == "register.minor"
    assert stage.rows("select count(*) from application") == [(0,)]


def test_a_head_registers_another_woman_into_her_own_chapter(stage: Stage, head: Person) -> None:
    officer = stage.person("Chủ tịch", role="chu_tich_xa", unit="chu_pah")
    assert told(head, BIA) == "register.other_consent"
    assert told(head, BIA, ASKED, SEND) == "register.other_kept"
    code = values_of(head.said[-1])["code"]
    ((contact_id, unit_id),) = stage.rows("select contact_id, unit_id from application")
    assert contact_id != head.contact_id
    assert unit_id == stage.units["boi"]
    consent = stage.rows("select contact_id, recorded_by, purpose, text_version from consent")
    assert consent == [(contact_id, head.contact_id, "membership", CONSENT_VERSION)]
    assert [(each.contact_id, key_of(each.reply)) for each in stage.notices] == [(officer.contact_id, "admit.notice")]
    assert "Bia" not in repr(stage.notices)
    assert code in repr(stage.notices)


def test_she_who_was_not_asked_is_not_written_down(stage: Stage, head: Person) -> None:
    assert told(head, BIA, Press("not_asked")) == "register.ask_her_first"
    assert stage.rows("select count(*) from application") == [(0,)]
    assert stage.rows("select count(*) from consent") == [(0,)]


def test_an_officer_says_which_chapter_of_hers(stage: Stage) -> None:
    officer = stage.person("Chủ tịch", role="chu_tich_xa", unit="chu_pah")
    assert told(officer, {**BIA, "chapter": "thôn 2"}, ASKED) == "register.summary"
    assert values_of(officer.said[-1])["unit"] == "Chi hội thôn 2"
    assert told(officer, {**BIA, "chapter": "làng Kép"}, ASKED) == "register.unit", "it is of another commune"


def test_an_end_of_her_post_stops_it(stage: Stage, head: Person) -> None:
    told(head, BIA, ASKED)
    with stage.db() as db:
        db.execute(update(appointment).values(valid_to=date(2026, 11, 1)))
    context = head.context(0, {"member": BIA})
    with stage.db() as db:
        wanted = Told("Rơ Châm H'Bia", "2003", stage.units["boi"], None)
        (said,) = register.submit(stage.sealer, db, context, wanted)
    assert "turn.not_allowed" in repr(said)
    assert stage.rows("select count(*) from application") == [(0,)]


@pytest.mark.parametrize(("decision", "to_officer", "to_head"), [
    ("admit", "admit.admitted_for", "admit.other_admitted"),
    ("decline", "admit.declined_for", "admit.other_declined"),
])  # fmt: skip
def test_the_decision_goes_to_whoever_registered_her(
    stage: Stage, head: Person, decision: str, to_officer: str, to_head: str
) -> None:
    officer = stage.person("Chủ tịch", role="chu_tich_xa", unit="chu_pah")
    told(head, BIA, ASKED, SEND)
    code = values_of(head.said[-1])["code"]
    stage.notices.clear()
    talk, start = admit.conversation(stage.sealer), {"code": code, "decision": decision}
    if decision == "admit":
        officer.does(talk, start)
    else:
        officer.plays(talk, "chưa đủ giấy tờ", Press("yes"), start=start)
    assert key_of(officer.said[-1]) == to_officer
    assert [(each.contact_id, key_of(each.reply)) for each in stage.notices] == [(head.contact_id, to_head)]
    assert "Bia" not in repr(stage.notices)


def test_buttons_offer_the_chapters_of_one_name(stage: Stage) -> None:
    woman = stage.person()
    told(woman, {**BIA, "chapter": "làng"}, AGREE)
    assert [type(choice) for choice in woman.said[-1].choices] == [Choice, Choice]
