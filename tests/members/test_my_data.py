"""What is hers: she sees it, corrects it, withdraws her consent, and is erased so that her name is nowhere."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dialogue.messages import Reply, Say
from handlers import admit, my_data, register
from storage import erasure, members
from storage.schema import inbox, report
from tests.members.stage import ABROAD, NOON, TODAY, Person, Press, Stage, filled, key_of, values_of

NAME = "Rơ Châm H'Bia"
STORY = (Press("agree"), NAME, "12/5/2003", "làng bối", "0323 456 789", Press("send"))


def joins(stage: Stage) -> Person:
    """A woman who was admitted, with everything that leaves behind in messages of hers and of the officer."""
    officer = stage.person("Chị Chủ tịch", role="chu_tich_xa", unit="chu_pah")
    woman = stage.person()
    applies(woman)
    code = values_of(woman.said[-1])["code"]
    for start in ({"code": code}, {"code": code, "decision": "admit"}):
        officer.does(admit.conversation(stage.sealer), start)
    stage.notices.clear()
    return woman


def applies(woman: Person) -> None:
    woman.plays(register.conversation(woman.stage.sealer), *STORY)


def asks(someone: Person, *said: str | Press) -> Reply:
    return someone.plays(my_data.conversation(someone.stage.sealer), *said)


def lines_of(said: Reply) -> dict[str, object]:
    lines = said.text[1]
    items = getattr(lines, "items", ())
    return {line.key: dict(line.values) for line in items if isinstance(line, Say)}


def test_a_member_sees_everything_that_is_kept(stage: Stage) -> None:
    said = asks(joins(stage), Press("see"))
    seen = lines_of(said)
    assert seen["my_data.kept_full_name"] == {"name": NAME}
    assert seen["my_data.kept_phone"] == {"phone": "0323 456 789"}
    assert seen["my_data.kept_unit"] == {"unit": "Chi hội làng Bối"}
    assert seen["my_data.kept_consent"] == {"given_at": NOON}
    assert {"my_data.kept_birth", "my_data.kept_messages", "my_data.kept_addresses"} <= set(seen)


def test_an_applicant_sees_her_application(stage: Stage) -> None:
    woman = stage.person()
    applies(woman)
    seen = lines_of(asks(woman, Press("see")))
    assert "my_data.kept_application" in seen
    assert seen["my_data.kept_phone"] == {"phone": "0323 456 789"}


def test_a_stranger_sees_only_her_messages(stage: Stage) -> None:
    assert set(lines_of(asks(stage.person(), Press("see")))) == {"my_data.kept_messages", "my_data.kept_addresses"}


def test_nobody_sees_what_is_anothers(stage: Stage) -> None:
    joins(stage)
    assert NAME not in repr(asks(stage.person(), Press("see")))


def test_on_a_channel_abroad_nothing_personal_is_shown(stage: Stage) -> None:
    woman = joins(stage)
    woman.capabilities = ABROAD
    assert key_of(asks(woman, Press("see"))) == "my_data.not_here"


@pytest.mark.parametrize(
    ("field", "typed", "birth", "phone"),
    [
        ("birth", "1/2/1990", "1990-02-01", "+84323456789"),
        ("birth", "1990", "1990", "+84323456789"),
        ("phone", "0912 345 678", "2003-05-12", "+84912345678"),
    ],
)
def test_a_member_corrects_what_is_sealed(stage: Stage, field: str, typed: str, birth: str, phone: str) -> None:
    woman = joins(stage)
    assert key_of(asks(woman, Press("correct"), Press(field), typed, Press("yes"))) == "my_data.corrected"
    with stage.db() as db:
        (member,) = members.of_contact(db, stage.sealer, woman.contact_id, TODAY)
        assert members.with_phone(db, stage.sealer, phone) == [member.id]
    assert (member.birth, member.phone) == (birth, phone)


def test_a_corrected_name_replaces_the_old_one(stage: Stage) -> None:
    woman = joins(stage)
    asks(woman, Press("correct"), Press("name"), "Rơ Châm H'Mai", Press("yes"))
    assert stage.rows("select full_name from member") == [("Rơ Châm H'Mai",)]
    assert woman.context().name == "Rơ Châm H'Mai"


def test_an_applicant_corrects_her_application(stage: Stage) -> None:
    woman = stage.person()
    applies(woman)
    asks(woman, Press("correct"), Press("name"), "Rơ Châm H'Mai", Press("yes"))
    asks(woman, Press("correct"), Press("phone"), "0912345678", Press("yes"))
    index = stage.sealer.index("+84912345678")
    assert stage.rows("select full_name, phone_index from application") == [("Rơ Châm H'Mai", index)]


def test_nothing_is_changed_before_she_confirms(stage: Stage) -> None:
    woman = joins(stage)
    assert key_of(asks(woman, Press("correct"), Press("name"), "Rơ Châm H'Mai")) == "my_data.sure_correct"
    assert stage.rows("select full_name from member") == [(NAME,)]


def test_a_stranger_has_nothing_to_correct(stage: Stage) -> None:
    for field, typed in (("name", "Rơ Châm"), ("phone", "0912345678")):
        said = asks(stage.person(), Press("correct"), Press(field), typed, Press("yes"))
        assert key_of(said) == "my_data.nothing_to_correct"


def test_a_birth_date_of_a_minor_is_not_recorded(stage: Stage) -> None:
    assert key_of(asks(joins(stage), Press("correct"), Press("birth"), "2015")) == "my_data.birth_of_a_minor"


def test_moving_to_another_unit_is_for_the_officer(stage: Stage) -> None:
    assert key_of(asks(joins(stage), Press("correct"), Press("unit"))) == "my_data.ask_your_officer"


def test_withdrawing_consent_blanks_the_sealed_values_and_stops_messages(stage: Stage) -> None:
    woman = joins(stage)
    assert key_of(asks(woman, Press("withdraw"), Press("yes"))) == "my_data.withdrawn"
    assert stage.rows("select full_name, birth_sealed, phone_sealed, phone_index from member") == [
        (NAME, None, None, None)
    ]
    assert stage.rows("select count(*) from consent where withdrawn_at is null") == [(0,)]
    assert stage.rows(f"select stopped_at is not null from contact where id = {woman.contact_id}") == [(1,)]


def test_withdrawing_consent_takes_back_an_open_application(stage: Stage) -> None:
    woman = stage.person()
    applies(woman)
    asks(woman, Press("withdraw"), Press("yes"))
    assert stage.rows("select full_name, state, birth_sealed from application") == [("", "withdrawn", None)]


def test_deleting_leaves_her_name_phone_and_words_nowhere(stage: Stage) -> None:
    woman = joins(stage)
    asks(woman, Press("see"))
    asks(woman, Press("correct"), Press("name"), "Rơ Châm H'Mai", Press("yes"))
    _reports(stage, woman, "chị Rơ Châm H'Mai trồng 5 cây")
    for trace in ("H'Bia", "H'Mai", "0323 456 789", "12/5/2003"):
        assert trace in stage.dump(), "the test must see what it looks for"
    assert key_of(asks(woman, Press("delete"), Press("yes"))) == "my_data.deleted"
    dump = stage.dump()
    for trace in ("Bia", "H'Mai", "cham", "0323", "323456789", "323 456 789", "12/5/2003", "032••••789"):
        assert trace not in dump
    assert stage.rows("select source_text from report") == [("chị — trồng 5 cây",)]


def _reports(stage: Stage, author: Person, text: str) -> None:
    row = filled(report, code="BC-2222", unit_id=stage.units["boi"], author_id=author.contact_id, source_text=text)
    with stage.db() as db:
        db.execute(row)


def test_deleting_an_open_application_leaves_no_name(stage: Stage) -> None:
    officer = stage.person("Chị Chủ tịch", role="chu_tich_xa", unit="chu_pah")
    woman = stage.person()
    applies(woman)
    officer.does(admit.conversation(stage.sealer), {"code": values_of(woman.said[-1])["code"]})
    asks(woman, Press("delete"), Press("yes"))
    assert "Bia" not in stage.dump()
    assert stage.rows("select state from application") == [("withdrawn",)]


def test_deleting_needs_a_confirmation_that_a_word_does_not_give(stage: Stage) -> None:
    woman = joins(stage)
    assert key_of(asks(woman, Press("delete"))) == "my_data.sure_delete"
    assert key_of(asks(woman, Press("delete"), "ừ")) == "turn.pick_one"
    assert stage.rows("select erased_at from member") == [(None,)]


def test_deleting_ends_her_memberships_and_her_rights_at_once(stage: Stage) -> None:
    officer = stage.person("Chị Chủ tịch", role="chu_tich_xa", unit="chu_pah")
    asks(officer, Press("delete"), Press("yes"))
    assert officer.context().posts == ()
    woman = joins(stage)
    asks(woman, Press("delete"), Press("yes"))
    assert woman.context().member_of == ()
    assert stage.rows("select cast(valid_to as text), reason from membership") == [("2026-11-23", "erased")]


def test_a_message_that_still_waits_is_not_lost_by_deleting(stage: Stage) -> None:
    woman = joins(stage)
    later = {"channel": "paper", "key": "later", "address_id": woman.address_id, "body": {}, "state": "open"}
    with stage.db() as db:
        db.execute(filled(inbox, **later))
    asks(woman, Press("delete"), Press("yes"))
    kept = f"select key from inbox where address_id = {woman.address_id} and body is not null"
    assert stage.rows(kept) == [("later",)]


def test_others_keep_what_is_theirs(stage: Stage) -> None:
    woman, other = joins(stage), stage.person()
    other.plays(register.conversation(stage.sealer), Press("agree"), "Siu Mai", "1990", "thôn 2", "0912345678")
    before = stage.rows(f"select body from inbox where address_id = {other.address_id}")
    asks(woman, Press("delete"), Press("yes"))
    assert stage.rows(f"select body from inbox where address_id = {other.address_id}") == before
    assert "Siu Mai" in stage.dump()


def test_a_tombstone_keeps_her_out_of_an_import(stage: Stage) -> None:
    woman = joins(stage)
    uid = stage.rows("select uid from member")[0][0]
    asks(woman, Press("delete"), Press("yes"))
    with stage.db() as db:
        assert erasure.is_buried(db, stage.sealer, [f"member:{uid}"])
        assert erasure.is_buried(db, stage.sealer, ["phone:+84999999999", "phone:+84323456789"])
        assert not erasure.is_buried(db, stage.sealer, ["phone:+84999999999"])
        assert not erasure.is_buried(db, stage.sealer, [])


def test_deleting_twice_is_harmless(stage: Stage) -> None:
    woman = joins(stage)
    for _ in range(2):
        assert key_of(asks(woman, Press("delete"), Press("yes"))) == "my_data.deleted"


def test_she_may_come_back(stage: Stage) -> None:
    woman = joins(stage)
    asks(woman, Press("delete"), Press("yes"))
    applies(woman)
    assert key_of(woman.said[-1]) == "register.kept"
    columns = "erased_at, stopped_at"
    assert stage.rows(f"select {columns} from contact where id = {woman.contact_id}") == [(None, None)]
    with stage.db() as db:
        assert erasure.forget_addresses(db, erased_before=NOON + timedelta(days=9)) == 0


def test_her_address_is_let_go_once_the_last_answer_is_sent(stage: Stage) -> None:
    woman = joins(stage)
    external_id = stage.rows(f"select external_id from address where id = {woman.address_id}")[0][0]
    asks(woman, Press("delete"), Press("yes"))
    with stage.db() as db:
        assert erasure.forget_addresses(db, erased_before=NOON - timedelta(days=1)) == 0
        assert erasure.forget_addresses(db, erased_before=NOON) == 1
        assert erasure.forget_addresses(db, erased_before=NOON) == 0
    assert external_id not in stage.dump()


def test_what_was_done_is_audited_without_the_values(stage: Stage) -> None:
    woman = joins(stage)
    asks(woman, Press("correct"), Press("phone"), "0912345678", Press("yes"))
    asks(woman, Press("delete"), Press("yes"))
    acts = [act for (act,) in stage.rows("select act from audit order by id")]
    assert acts == [
        *("application.submitted", "application.viewed", "application.admitted"),
        *("person.phone_corrected", "person.erased"),
    ]
