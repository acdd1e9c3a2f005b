"""Violence: help at once, nobody told unless she asks, her words read once and gone within a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dialogue.messages import Inbound, Reply
from dialogue.turn import Conversation
from figures.emergency import is_emergency
from handlers import emergency, settings
from handlers.emergency import DISASTER_CALL, EMERGENCY
from storage import calls, sessions
from storage.schema import delivery, inbox, mailbox
from storage.sessions import Session, Talk
from tests.members.stage import ABROAD, NOON, Person, Press, Stage, key_of, values_of

WORDS = "gọi số 0912 345 678 lúc 9 giờ sáng"
YES = Press("yes")


@pytest.fixture
def officer(stage: Stage) -> Person:
    return stage.person("Chị Chủ tịch", role="chu_tich_xa", unit="chu_pah")


def asks_for_contact(woman: Person, *said: str | Press) -> Reply:
    contact_me, _ = emergency.conversations(woman.stage.sealer)
    return woman.plays(contact_me, *said)


def opened(conversation: Conversation, text: str, woman: Person) -> dict[str, Any]:
    assert conversation.opens is not None
    start = conversation.opens(Inbound(NOON, text), woman.context())
    assert start is not None
    return dict(start)


def opens(someone: Person, code: str) -> Reply:
    _, call = emergency.conversations(someone.stage.sealer)
    return someone.plays(call, YES, start={"code": code})


def calls_for_help(woman: Person) -> str:
    asks_for_contact(woman, WORDS, "làng bối", YES)
    return str(values_of(woman.stage.notices[-1].reply)["code"])


@pytest.mark.parametrize(
    "text", ["chồng đánh em", "chong danh em dau qua", "Chị ơi làng có vụ chồng đánh vợ, làm sao giờ"]
)
def test_violence_opens_it(stage: Stage, text: str) -> None:
    assert is_emergency(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "hôm qua tuyên truyền PCBLGĐ cho 45 chị",
        "tập huấn phòng chống bạo lực gia đình 30 người",
        "đánh giá công tác Hội",
        "trồng 150 cây",
        "",
    ],
)
def test_talk_about_campaigns_does_not(stage: Stage, text: str) -> None:
    assert is_emergency(text) is None


def test_it_answers_in_the_middle_of_any_talk_and_asks_nothing(stage: Stage) -> None:
    assert EMERGENCY.interrupts
    woman = stage.person()
    said = woman.does(EMERGENCY, opened(EMERGENCY, "chồng đánh em", woman))
    keys = [getattr(part, "key", None) for part in said.text]
    assert keys == ["emergency.safety", None, "emergency.machine", "emergency.delete_chat"]
    assert "1900 96 96 80" in repr(said.text[1])
    assert [choice.value for choice in said.choices] == [{"open": "contact_me", "start": {}}]
    assert said.sort == "alert"


def test_in_a_flood_other_numbers_are_given(stage: Stage) -> None:
    woman = stage.person()
    start = opened(DISASTER_CALL, "nước dâng lên mái nhà rồi, cứu với", woman)
    said = woman.does(DISASTER_CALL, start)
    assert key_of(said) == "emergency.disaster"
    assert "114" in repr(said.text[1])
    assert "1900" not in repr(said.text[1])


def test_nobody_is_told_by_itself(stage: Stage, officer: Person) -> None:
    stage.person().does(EMERGENCY, {"topic": "bao_luc_gia_dinh"})
    assert stage.notices == []
    assert stage.rows("select * from call_for_help") == stage.rows("select * from audit") == []


def test_she_is_told_who_would_hear_before_anybody_does(stage: Stage, officer: Person) -> None:
    woman = stage.person()
    asked = asks_for_contact(woman, WORDS, "làng bối")
    assert key_of(asked) == "emergency.sure"
    assert values_of(asked) == {"unit": "Hội LHPN xã Chư Păh", "way": WORDS}
    assert stage.notices == []


def test_the_officers_of_the_commune_get_a_code_and_nothing_else(stage: Stage, officer: Person) -> None:
    stage.person("Trưởng làng", role="chi_hoi_truong", unit="boi")
    woman = stage.person()
    assert key_of(asks_for_contact(woman, WORDS, "làng bối", YES)) == "emergency.told"
    (told,) = stage.notices
    assert told.contact_id == officer.contact_id
    assert list(values_of(told.reply)) == ["code"]
    assert "0912" not in repr(told) + repr(stage.rows("select words_sealed from call_for_help"))


@pytest.mark.parametrize("way", [Press("emergency.way.call"), "1"])
def test_a_chosen_way_is_completed_by_her_and_reaches_the_officer_whole(
    stage: Stage, officer: Person, way: str | Press
) -> None:
    woman = stage.person()
    assert key_of(asks_for_contact(woman, way)) == "emergency.call_details"
    asks_for_contact(woman, way, "0912 345 678, hỏi cô Mai", "làng bối", YES)
    code = str(values_of(stage.notices[-1].reply)["code"])
    assert values_of(opens(officer, code))["words"] == "call: 0912 345 678, hỏi cô Mai"


def test_where_nobody_would_hear_she_is_told_so(stage: Stage) -> None:
    said = asks_for_contact(stage.person(), WORDS, "làng kép")
    assert (key_of(said), stage.rows("select * from call_for_help")) == ("emergency.nobody", [])
    assert "1900 96 96 80" in repr(said)


def test_an_officer_in_danger_is_not_her_own_help(stage: Stage, officer: Person) -> None:
    assert key_of(asks_for_contact(officer, WORDS, "làng bối")) == "emergency.nobody"


def test_her_words_are_shown_once(stage: Stage, officer: Person) -> None:
    code = calls_for_help(stage.person())
    other = stage.person("Chị Phó", role="chu_tich_xa", unit="chu_pah")
    shown = opens(officer, code)
    assert (key_of(shown), values_of(shown)["words"]) == ("call.words", WORDS)
    assert key_of(opens(officer, code)) == key_of(opens(other, code)) == "call.read_before"
    assert stage.rows("select state, words_sealed, read_by from call_for_help") == [("read", None, officer.contact_id)]


def test_others_do_not_learn_that_the_code_exists(stage: Stage, officer: Person) -> None:
    woman = stage.person()
    code = calls_for_help(woman)
    foreign = stage.person("Xã khác", role="chu_tich_xa", unit="ia_ly")
    head = stage.person("Trưởng làng", role="chi_hoi_truong", unit="boi")
    for someone in (foreign, head, woman):
        assert key_of(opens(someone, code)) == "call.unknown"
    assert key_of(opens(officer, "GH-2222")) == "call.unknown"
    assert stage.rows("select state from call_for_help") == [("waiting",)]


def test_on_a_channel_abroad_it_stays_unread(stage: Stage, officer: Person) -> None:
    code = calls_for_help(stage.person())
    officer.capabilities = ABROAD
    _, call = emergency.conversations(stage.sealer)
    assert key_of(officer.does(call, {"code": code})) == "call.not_here"
    assert stage.rows("select state from call_for_help") == [("waiting",)]


def test_after_a_day_it_can_no_longer_be_read(stage: Stage, officer: Person) -> None:
    code = calls_for_help(stage.person())
    officer.now = NOON + timedelta(hours=24)
    assert key_of(opens(officer, code)) == "call.read_before"


def test_within_a_day_her_words_are_nowhere(stage: Stage, officer: Person) -> None:
    woman = stage.person()
    code = calls_for_help(woman)
    opens(officer, code)
    _copy_to_mailbox(stage, officer)
    assert "0912 345 678" in stage.dump()
    with stage.db() as db:
        assert calls.erase_due(db, now=NOON + timedelta(hours=23, minutes=59)) == 0
        assert calls.erase_due(db, now=NOON + timedelta(hours=24)) == 1
        assert calls.erase_due(db, now=NOON + timedelta(hours=24)) == 0
    assert "0912" not in stage.dump()
    assert stage.rows("select state, words_sealed from call_for_help") == [("erased", None)]


def _copy_to_mailbox(stage: Stage, reader: Person) -> None:
    with stage.db() as db:
        last = max(row.id for row in db.execute(delivery.select()))
        body = {"text": WORDS}
        values = {"address_id": reader.address_id, "delivery_id": last, "body": body, "created_at": NOON}
        db.execute(mailbox.insert().values(**values))


def test_a_talk_left_half_way_is_forgotten_with_the_message_that_began_it(stage: Stage) -> None:
    woman = stage.person()
    woman.does(EMERGENCY, {"topic": "bao_luc_gia_dinh"})
    with stage.db() as db:
        db.execute(delivery.update().values(restricted=True))  # the dispatcher does this for what interrupts
        kept = Talk("report", {}, (("report.held_on", "2026-11-22"),))
        half = Talk(calls.TALK, {}, (("emergency.way", WORDS),))
        sessions.save(db, [Session(woman.contact_id, half, (kept,))], at=NOON)
        calls.erase_due(db, now=NOON + timedelta(hours=24))
        left = sessions.load(db, [woman.contact_id])[woman.contact_id]
    assert (left.talk, left.parked) == (None, (kept,))
    assert "0912" not in stage.dump()


def test_ordinary_messages_are_not_erased_with_the_restricted_ones(stage: Stage, officer: Person) -> None:
    calls_for_help(stage.person())
    other = stage.person()
    other.does(settings.STOP)
    with stage.db() as db:
        calls.erase_due(db, now=NOON + timedelta(hours=24))
        mine = inbox.c.address_id == other.address_id
        assert [row.body for row in db.execute(inbox.select().where(mine))] == [{"text": "(opens)"}]


def test_a_typed_code_opens_the_call(officer: Person) -> None:
    for typed in ("mở GH-7K3M", "gh 7k3m", "GH-7K3M"):
        assert emergency.call_code_in(Inbound(NOON, typed), officer.context()) == {"code": "GH-7K3M"}
    assert emergency.call_code_in(Inbound(NOON, "mở DK-7K3M"), officer.context()) is None
