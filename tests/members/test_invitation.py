"""A one-time code gives a role once, to one person, within seven days; guessing it is hopeless and soon ended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from dialogue.messages import Inbound, Reply
from handlers.invitation import INVITATION, Accepted, code_in
from storage import appointments, codes, invitations
from tests.members.stage import NOON, TODAY, Person, Press, Stage, key_of, values_of

YES = Press("yes")


def invites(stage: Stage, unit: str = "chu_pah", role: str = "chu_tich_xa") -> str:
    with stage.db() as db:
        return invitations.create(db, at=NOON, created_by=None, unit_id=stage.units[unit], role=role)


def comes_with(someone: Person, code: str, *said: Press) -> Reply:
    start = code_in(Inbound(someone.now, code), someone.context())
    assert start is not None
    return someone.plays(INVITATION, *said, start=start) if said else _opens(someone, start)


def _opens(someone: Person, start: object) -> Reply:
    assert isinstance(start, dict)
    return someone.plays(INVITATION, start=start)


def wrong(someone: Person, code: str) -> Reply:
    start = code_in(Inbound(someone.now, code), someone.context())
    return someone.does(INVITATION, start)


def test_a_code_shows_what_it_offers_and_gives_it_when_accepted(stage: Stage) -> None:
    guest, code = stage.person(), invites(stage)
    asked = comes_with(guest, code)
    assert key_of(asked) == "invitation.confirm_role"
    assert values_of(asked)["unit"] == "Hội LHPN xã Chư Păh"
    assert values_of(asked)["role"].key == "role.chu_tich_xa"
    assert guest.context().posts == ()
    assert key_of(comes_with(guest, code, YES)) == "invitation.taken"
    (post,) = guest.context().posts
    assert (post.role, post.unit_name) == ("chu_tich_xa", "Hội LHPN xã Chư Păh")


def test_the_code_itself_is_kept_nowhere_but_in_her_message(stage: Stage) -> None:
    guest, code = stage.person(), invites(stage)
    comes_with(guest, code, YES)
    assert code not in stage.dump()
    assert stage.rows("select code_hash from invitation") == [(codes.code_digest(code),)]


@pytest.mark.parametrize("typed", ["/start {}", "mã {}", "Mã mời: {}", "{}", "ma {}"])
def test_a_code_is_read_however_it_comes(stage: Stage, typed: str) -> None:
    code = codes.invitation_code()
    inbound = Inbound(NOON, typed.format(code.lower()))
    assert code_in(inbound, stage.person().context()) == {"digest": codes.code_digest(code).hex()}


@pytest.mark.parametrize("typed", ["/start", "mã", "mã số 5", "chúc mừng năm mới", "/start abc"])
def test_other_words_open_nothing(stage: Stage, typed: str) -> None:
    assert code_in(Inbound(NOON, typed), stage.person().context()) is None


def test_without_a_code_it_is_asked_for(stage: Stage) -> None:
    guest, code = stage.person(), invites(stage)
    assert key_of(guest.plays(INVITATION)) == "invitation.code"
    assert key_of(guest.plays(INVITATION, "1234")) == "invitation.code.retry"
    assert key_of(guest.plays(INVITATION, code, YES)) == "invitation.taken"


def test_unknown_used_and_old_codes_are_answered_alike(stage: Stage) -> None:
    used, old = invites(stage), invites(stage)
    comes_with(stage.person(), used, YES)
    said = [wrong(stage.person(), used), wrong(stage.person(), codes.invitation_code())]
    late = stage.person()
    late.now = NOON + timedelta(days=7)
    said.append(wrong(late, old))
    assert [repr(each) for each in said] == [repr(said[0])] * 3
    assert key_of(said[0]) == "invitation.wrong"


def test_a_code_lives_until_the_last_second_of_seven_days(stage: Stage) -> None:
    guest, code = stage.person(), invites(stage)
    guest.now = NOON + timedelta(days=7, seconds=-1)
    assert key_of(comes_with(guest, code, YES)) == "invitation.taken"


def test_the_clock_of_her_phone_does_not_bring_a_code_back(stage: Stage) -> None:
    guest, code = stage.person(), invites(stage)
    guest.now = NOON + timedelta(days=8)
    context = guest.context(guest._writes("late"))
    guest.now = NOON
    earlier = guest.context(context.inbox_id)
    with stage.db() as db:
        said = INVITATION.done(db, earlier, Accepted(codes.code_digest(code)))
    assert key_of(said[0]) == "invitation.wrong"


def test_after_five_wrong_codes_even_a_right_one_is_not_looked_at_for_an_hour(stage: Stage) -> None:
    guest, code = stage.person(), invites(stage)
    for _ in range(5):
        wrong(guest, codes.invitation_code())
    assert key_of(wrong(guest, code)) == "invitation.wrong"
    assert key_of(comes_with(stage.person(), code)) == "invitation.confirm_role"
    guest.now = NOON + timedelta(hours=1, seconds=1)
    assert key_of(comes_with(guest, code, YES)) == "invitation.taken"


def test_four_wrong_codes_do_no_harm(stage: Stage) -> None:
    guest, code = stage.person(), invites(stage)
    for _ in range(4):
        wrong(guest, codes.invitation_code())
    assert key_of(comes_with(guest, code, YES)) == "invitation.taken"


def test_of_fifty_uses_at_once_one_gets_it(stage: Stage) -> None:
    code = invites(stage)
    guests = [stage.person() for _ in range(50)]
    contexts = [guest.context(guest._writes("code")) for guest in guests]
    start = Barrier(10)

    def uses(number: int) -> str:
        if number < 10:
            start.wait()
        with stage.db() as db:
            return key_of(INVITATION.done(db, contexts[number], Accepted(codes.code_digest(code)))[0])

    with ThreadPoolExecutor(10) as pool:
        said = list(pool.map(uses, range(50)))
    assert sorted(said) == ["invitation.taken"] + ["invitation.wrong"] * 49
    assert stage.rows("select count(*) from appointment") == [(1,)]


def test_a_code_for_a_person_makes_this_address_hers(stage: Stage) -> None:
    officer = stage.person("Chị Chủ tịch", role="chu_tich_xa", unit="chu_pah")
    visitor = stage.person()
    with stage.db() as db:
        code = invitations.create(db, at=NOON, created_by=officer.contact_id, contact_id=officer.contact_id)
    assert key_of(comes_with(visitor, code)) == "invitation.confirm_person"
    assert key_of(comes_with(visitor, code, YES)) == "invitation.bound"
    assert stage.rows(f"select contact_id from address where id = {visitor.address_id}") == [(officer.contact_id,)]
    with stage.db() as db:
        assert appointments.of_contacts(db, [visitor.contact_id], TODAY) == {}


def test_a_role_already_held_is_not_given_twice(stage: Stage) -> None:
    officer = stage.person("Chị Chủ tịch", role="chu_tich_xa", unit="chu_pah")
    comes_with(officer, invites(stage), YES)
    assert stage.rows("select count(*) from appointment") == [(1,)]


@pytest.mark.parametrize("offer", [{}, {"unit_id": 1}, {"role": "chu_tich_xa"}, {"role": "x", "contact_id": 1}])
def test_an_invitation_offers_something_whole(stage: Stage, offer: dict[str, Any]) -> None:
    with stage.db() as db, pytest.raises(ValueError, match="an invitation offers"):
        invitations.create(db, at=NOON, created_by=None, **offer)
