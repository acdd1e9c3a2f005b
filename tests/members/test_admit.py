"""An officer decides on an application: only of her scope, never her own, and only one decision stands."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from sqlalchemy import select

from dialogue.messages import Inbound, Reply
from handlers import admit, register
from handlers.admit import Wanted
from storage import members
from storage.members import NewMember
from storage.schema import application
from storage.sealing import CannotOpen
from tests.members.stage import ABROAD, NOON, TODAY, Person, Press, Stage, key_of, values_of

STORY = (Press("agree"), "Rơ Châm H'Bia", "12/5/2003", "làng bối", "0323 456 789", Press("send"))


@pytest.fixture
def officer(stage: Stage) -> Person:
    return stage.person("Chị Chủ tịch", role="chu_tich_xa", unit="chu_pah")


@pytest.fixture
def woman(stage: Stage) -> Person:
    return stage.person()


def applies(woman: Person) -> str:
    woman.plays(register.conversation(woman.stage.sealer), *STORY)
    woman.stage.notices.clear()
    return str(values_of(woman.said[-1])["code"])


def opens(someone: Person, code: str, decision: str | None = None) -> Reply:
    start = {"code": code} if decision is None else {"code": code, "decision": decision}
    return someone.does(admit.conversation(someone.stage.sealer), start)


def declines(someone: Person, code: str, reason: str | Press) -> Reply:
    start = {"code": code, "decision": "decline"}
    return someone.plays(admit.conversation(someone.stage.sealer), reason, Press("yes"), start=start)


def test_the_officer_sees_the_name_the_year_and_a_masked_phone(officer: Person, woman: Person) -> None:
    code = applies(woman)
    card = opens(officer, code)
    assert values_of(card) == {
        "code": code,
        "name": "Rơ Châm H'Bia",
        "birth_year": "2003",
        "unit": "Chi hội làng Bối",
        "phone": "032••••789",
        "sent_at": NOON,
    }
    assert "456" not in repr(card)
    assert officer.stage.rows("select act, actor_id from audit order by id")[-1] == (
        "application.viewed",
        officer.contact_id,
    )


def test_admitting_makes_her_a_member_and_tells_her(officer: Person, woman: Person) -> None:
    code = applies(woman)
    assert key_of(opens(officer, code, "admit")) == "admit.admitted"
    assert [(n.contact_id, key_of(n.reply)) for n in officer.stage.notices] == [(woman.contact_id, "admit.welcome")]
    assert woman.context().name == "Rơ Châm H'Bia"
    assert woman.context().member_of == ((officer.stage.units["boi"], "Chi hội làng Bối"),)
    with officer.stage.db() as db:
        (member,) = members.of_contact(db, officer.stage.sealer, woman.contact_id, TODAY)
        assert members.with_phone(db, officer.stage.sealer, "+84323456789") == [member.id]
    assert (member.full_name, member.birth, member.phone) == ("Rơ Châm H'Bia", "2003-05-12", "+84323456789")
    again = woman.does(register.conversation(officer.stage.sealer))
    assert key_of(again) == "register.already"


@pytest.mark.parametrize("chosen", [Press("admit.reason.elsewhere"), "1"])
def test_declining_tells_her_the_reason(officer: Person, woman: Person, chosen: str | Press) -> None:
    code = applies(woman)
    assert key_of(declines(officer, code, chosen)) == "admit.declined"
    (told,) = officer.stage.notices
    assert (told.contact_id, key_of(told.reply)) == (woman.contact_id, "admit.sorry")
    assert values_of(told.reply)["reason"].key == "admit.reason.elsewhere"
    assert officer.stage.rows("select * from member") == []
    assert key_of(woman.plays(register.conversation(officer.stage.sealer))) == "register.consent"


def test_a_reason_may_be_in_her_own_words(officer: Person, woman: Person) -> None:
    code = applies(woman)
    declines(officer, code, "Mời ghé nhà văn hóa")
    assert values_of(officer.stage.notices[0].reply)["reason"] == "Mời ghé nhà văn hóa"


def test_declining_needs_a_confirmation(officer: Person, woman: Person) -> None:
    code = applies(woman)
    start = {"code": code, "decision": "decline"}
    asked = officer.plays(admit.conversation(officer.stage.sealer), "Lý do", start=start)
    assert key_of(asked) == "admit.decline_summary"
    assert officer.stage.rows("select state from application") == [("submitted",)]


def test_foreign_unknown_and_own_codes_are_answered_alike(stage: Stage, officer: Person, woman: Person) -> None:
    code = applies(woman)
    own = applies(officer)
    foreign = stage.person("Xã khác", role="chu_tich_xa", unit="ia_ly")
    head = stage.person("Trưởng làng", role="chi_hoi_truong", unit="boi")
    province = stage.person("Tỉnh", role="can_bo_tinh", unit="tinh")
    for decision in (None, "admit"):
        for someone, asked in [(foreign, code), (head, code), (province, code), (officer, own), (officer, "DK-2222")]:
            said = opens(someone, asked, decision)
            assert said == Reply((said.text[0],))
            assert (key_of(said), values_of(said)) == ("admit.unknown", {"code": asked})
    assert key_of(declines(officer, code, "x")) == "admit.declined"
    assert stage.rows("select state from application order by id") == [("declined",), ("submitted",)]


def test_a_refused_officer_is_not_asked_for_a_reason(stage: Stage, woman: Person) -> None:
    code = applies(woman)
    foreign = stage.person("Xã khác", role="chu_tich_xa", unit="ia_ly")
    assert key_of(opens(foreign, code, "decline")) == "admit.unknown"


def test_rights_are_read_again_when_she_decides(stage: Stage, officer: Person, woman: Person) -> None:
    code = applies(woman)
    with stage.db() as db:
        db.exec_driver_sql("update appointment set valid_to = '2026-01-01'")
    assert key_of(opens(officer, code, "admit")) == "admit.unknown"


def test_the_second_officer_reads_what_was_decided_and_where(stage: Stage, officer: Person, woman: Person) -> None:
    code = applies(woman)
    other = stage.person("Chị Phó", role="chu_tich_xa", unit="chu_pah")
    opens(officer, code, "admit")
    for late in (opens(other, code), opens(other, code, "admit"), declines_late(other, code)):
        assert key_of(late) == "admit.was_admitted"
        assert values_of(late)["by"].values == {"unit": "Hội LHPN xã Chư Păh"}
        assert values_of(late)["at"] == NOON
        assert "Chủ tịch" not in repr(late)
    assert values_of(opens(officer, code))["by"].key == "admit.by_you"
    assert stage.rows("select count(*) from member") == [(1,)]


def declines_late(someone: Person, code: str) -> Reply:
    done = admit.conversation(someone.stage.sealer).done
    context = someone.context()
    with someone.stage.db() as db:
        (said,) = done(db, context, Wanted(code, "decline", "x"))
    assert isinstance(said, Reply)
    return said


@pytest.mark.parametrize("round_number", range(5))
def test_of_two_decisions_at_the_same_moment_one_stands(
    stage: Stage, officer: Person, woman: Person, round_number: int
) -> None:
    code = applies(woman)
    other = stage.person("Chị Phó", role="chu_tich_xa", unit="chu_pah")
    conversation = admit.conversation(stage.sealer)
    contexts = [officer.context(), other.context()]
    both = Barrier(2)

    def decides(number: int) -> str:
        both.wait()
        with stage.db() as db:
            decision = ("admit", "decline")[(number + round_number) % 2]
            said = conversation.done(db, contexts[number], Wanted(code, decision, "x"))
        return key_of(said[0])

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(decides, range(2)))
    state = stage.rows("select state from application")[0][0]
    assert said == (
        ["admit.admitted", "admit.was_admitted"] if state == "admitted" else ["admit.declined", "admit.was_declined"]
    )
    assert stage.rows("select count(*) from member") == [(1 if state == "admitted" else 0,)]


def test_an_officer_abroad_reads_no_name(officer: Person, woman: Person) -> None:
    code = applies(woman)
    officer.capabilities = ABROAD
    said = opens(officer, code)
    assert key_of(said) == "admit.not_here"
    assert "Bia" not in repr(said)


def test_a_namesake_in_the_unit_is_pointed_out(stage: Stage, officer: Person, woman: Person) -> None:
    with stage.db() as db:
        member_id = members.add(db, stage.sealer, NewMember(None, "Rơ Châm HBia"), at=NOON)
        members.join(db, member_id, stage.units["boi"], since=TODAY)
    card = opens(officer, applies(woman))
    assert "admit.namesakes" in repr(card.text[1])


def test_the_list_shows_codes_of_her_scope_only(stage: Stage, officer: Person, woman: Person) -> None:
    code = applies(woman)
    applies(officer)
    foreign = stage.person("Xã khác", role="chu_tich_xa", unit="ia_ly")
    listed = officer.does(admit.conversation(stage.sealer))
    assert [choice.value for choice in listed.choices] == [{"open": "admit", "start": {"code": code}}]
    assert "Bia" not in repr(listed)
    assert key_of(foreign.does(admit.conversation(stage.sealer))) == "admit.none_waiting"


@pytest.mark.parametrize("typed", ["mở DK-4T9P", "mo dk 4t9p", "DK-4T9P", "xem đơn DK4T9P", "duyệt dk-4t9p"])
def test_a_typed_code_opens_it(officer: Person, typed: str) -> None:
    assert admit.code_in(Inbound(datetime.now(UTC), typed), officer.context()) == {"code": "DK-4T9P"}


@pytest.mark.parametrize("typed", ["mở BC-4T9P", "đăng ký", "dk", "mở", "hôm qua kết nạp 3 hội viên"])
def test_other_messages_do_not(officer: Person, typed: str) -> None:
    assert admit.code_in(Inbound(datetime.now(UTC), typed), officer.context()) is None


def test_a_sealed_value_moved_between_applications_stops_the_decision(
    stage: Stage, officer: Person, woman: Person
) -> None:
    code, other = applies(woman), applies(stage.person())
    with stage.db() as db:
        query = select(application.c.phone_sealed).where(application.c.code == other)
        db.execute(application.update().where(application.c.code == code).values(phone_sealed=db.scalar(query)))
    with pytest.raises(CannotOpen):
        opens(officer, code, "admit")
    assert stage.rows("select distinct state from application") == [("submitted",)]
