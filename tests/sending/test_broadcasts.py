from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, update

from storage import appointments, audiences, broadcasts, campaigns, contacts, deliveries
from storage.attempts import Result, record
from storage.audiences import Audience, Size
from storage.schema import address, contact, delivery
from tests.sending.world import MORNING, Union, campaign, found_union, join, person, run, states, take

YESTERDAY = date(2026, 11, 22)


def audience(db: Connection, broadcast_id: int) -> set[int]:
    return set(db.scalars(select(delivery.c.contact_id).where(delivery.c.broadcast_id == broadcast_id)))


def test_members_and_officers_of_the_subtree_are_the_audience_each_once(db: Connection) -> None:
    union = found_union(db)
    member_one, member_two, both = person(db), person(db), person(db)
    join(db, member_one, union.chapter)
    join(db, member_two, union.other_chapter)
    join(db, both, union.chapter)
    join(db, both, union.other_chapter)
    appointments.appoint(db, both, union.chapter, "head", since=YESTERDAY)
    join(db, person(db), union.neighbour)
    person(db)
    broadcast_id = run(db, campaign(db, union))
    assert audience(db, broadcast_id) == {union.officer, member_one, member_two, both}
    assert audiences.size(db, Audience(union.commune, None, MORNING.date())) == Size(4)


def test_with_a_role_only_who_holds_it_is_meant(db: Connection) -> None:
    union = found_union(db)
    head, former = person(db), person(db)
    join(db, person(db), union.chapter)
    appointments.appoint(db, head, union.chapter, "head", since=YESTERDAY)
    appointments.appoint(db, former, union.chapter, "head", since=YESTERDAY + timedelta(days=30))
    assert audience(db, run(db, campaign(db, union, role="head"))) == {head}
    assert set(audiences.roles_within(db, union.commune, MORNING.date())) == {"head", "officer"}


def _stop(db: Connection, _union: Union, one: int) -> None:
    contacts.set_stopped(db, one, MORNING)


def _lose_address(db: Connection, _union: Union, one: int) -> None:
    db.execute(update(address).where(address.c.contact_id == one).values(state="dead"))


def _erase(db: Connection, _union: Union, one: int) -> None:
    db.execute(update(contact).where(contact.c.id == one).values(erased_at=MORNING))


@pytest.mark.parametrize("leave", [_stop, _lose_address, _erase])
def test_who_cannot_or_must_not_be_written_to_is_left_out(
    db: Connection, leave: Callable[[Connection, Union, int], None]
) -> None:
    union = found_union(db)
    join(db, one := person(db), union.chapter)
    leave(db, union, one)
    assert audience(db, run(db, campaign(db, union))) == {union.officer}


def test_a_member_entered_by_somebody_else_and_one_who_left_get_nothing(db: Connection) -> None:
    union = found_union(db)
    join(db, None, union.chapter)
    join(db, contacts.create(db, at=MORNING, language="vi"), union.chapter)
    join(db, person(db), union.chapter, until=YESTERDAY)
    assert audience(db, run(db, campaign(db, union))) == {union.officer}


def freeze(db: Connection, broadcast_id: int, page: int = 2) -> bool:
    return broadcasts.freeze_page(db, broadcast_id, at=MORNING, page=page)


def test_nothing_is_sent_before_the_audience_is_complete(db: Connection) -> None:
    union = found_union(db)
    for _ in range(5):
        join(db, person(db), union.chapter)
    made = broadcasts.start(db, campaign(db, union), None, at=MORNING)
    assert not freeze(db, made.id)
    assert take(db) == []
    while not freeze(db, made.id):
        pass
    assert len(take(db)) == 6


def test_a_kill_between_pages_loses_and_doubles_nobody(engine: Engine) -> None:
    with engine.begin() as db:
        union = found_union(db)
        people = {union.officer, *(person(db) for _ in range(9))}
        for one in people - {union.officer}:
            join(db, one, union.chapter)
        made = broadcasts.start(db, campaign(db, union), None, at=MORNING)
    with engine.begin() as db:
        freeze(db, made.id, page=3)
    with engine.connect() as db:  # this process dies before its commit
        transaction = db.begin()
        freeze(db, made.id, page=3)
        transaction.rollback()
    with engine.begin() as db:
        while not freeze(db, made.id, page=3):
            pass
        assert audience(db, made.id) == people
        assert len(states(db)) == 10


def test_who_says_stop_during_fan_out_is_not_taken_in(db: Connection) -> None:
    union = found_union(db)
    people = [person(db) for _ in range(5)]
    for one in people:
        join(db, one, union.chapter)
    late = people[-1]
    made = broadcasts.start(db, campaign(db, union), None, at=MORNING)
    freeze(db, made.id)
    contacts.set_stopped(db, late, MORNING)
    while not freeze(db, made.id):
        pass
    assert late not in audience(db, made.id)


def test_stop_during_fan_out_cancels_the_rest(db: Connection) -> None:
    union = found_union(db)
    for _ in range(9):
        join(db, person(db), union.chapter)
    made = broadcasts.start(db, campaign(db, union), None, at=MORNING)
    freeze(db, made.id)
    assert broadcasts.cancel(db, made.id)
    assert freeze(db, made.id)
    assert broadcasts.sweep_cancelled(db, made.id, at=MORNING)
    assert set(states(db).values()) == {"cancelled"}


def test_a_run_paused_while_freezing_goes_on_freezing(db: Connection) -> None:
    union = found_union(db)
    for _ in range(5):
        join(db, person(db), union.chapter)
    made = broadcasts.start(db, campaign(db, union), None, at=MORNING)
    freeze(db, made.id)
    assert broadcasts.pause(db, made.id)
    assert freeze(db, made.id)  # nothing more to do for now
    assert broadcasts.resume(db, made.id)
    while not freeze(db, made.id):
        pass
    assert len(audience(db, made.id)) == 6


def test_who_joins_after_freezing_is_not_added_by_a_pause(db: Connection) -> None:
    union = found_union(db)
    broadcast_id = run(db, campaign(db, union))
    broadcasts.pause(db, broadcast_id)
    join(db, person(db), union.chapter)
    broadcasts.resume(db, broadcast_id)
    broadcasts.freeze_page(db, broadcast_id, at=MORNING)
    assert audience(db, broadcast_id) == {union.officer}


def settle_all(db: Connection, kind: str = "accepted", **more: Any) -> None:
    claimed = take(db)
    record(db, [Result(row.id, "one", row.attempt, row.address_id, kind, MORNING, **more) for row in claimed])


def test_a_run_is_done_only_when_nothing_is_open_and_its_states_add_up(db: Connection) -> None:
    union = found_union(db)
    join(db, person(db), union.chapter)
    broadcast_id = run(db, campaign(db, union))
    assert not broadcasts.settle(db, broadcast_id, at=MORNING)
    assert broadcasts.todo(db).finished == ()
    settle_all(db)
    assert broadcasts.todo(db).finished == (broadcast_id,)
    assert broadcasts.settle(db, broadcast_id, at=MORNING)
    assert not broadcasts.settle(db, broadcast_id, at=MORNING)
    counts = deliveries.counts(db, broadcast_id)
    assert sum(counts.values()) == 2
    assert set(counts) == set(deliveries.STATES)


def test_a_cancelled_run_is_settled_when_what_was_under_way_has_ended(db: Connection) -> None:
    union = found_union(db)
    join(db, person(db), union.chapter)
    broadcast_id = run(db, campaign(db, union))
    [claimed] = take(db, many=1)
    broadcasts.cancel(db, broadcast_id)
    assert not broadcasts.sweep_cancelled(db, broadcast_id, at=MORNING)
    assert sorted(states(db).values()) == ["cancelled", "sending"]
    record(db, [Result(claimed.id, "one", 1, claimed.address_id, "accepted", MORNING, "m")])
    assert broadcasts.sweep_cancelled(db, broadcast_id, at=MORNING)
    assert [untold.state for untold in broadcasts.todo(db).untold] == ["cancelled"]


def test_its_owner_is_told_once(db: Connection) -> None:
    union = found_union(db)
    broadcast_id = run(db, campaign(db, union))
    settle_all(db)
    broadcasts.settle(db, broadcast_id, at=MORNING)
    [untold] = broadcasts.todo(db).untold
    assert (untold.owner_id, untold.state) == (union.officer, "done")
    assert broadcasts.mark_told(db, untold, at=MORNING)
    assert not broadcasts.mark_told(db, untold, at=MORNING)
    assert broadcasts.todo(db) == broadcasts.Todo((), (), (), ())


def test_changes_name_the_state_they_start_from(db: Connection) -> None:
    union = found_union(db)
    broadcast_id = run(db, campaign(db, union))
    assert not broadcasts.resume(db, broadcast_id)
    assert broadcasts.pause(db, broadcast_id)
    assert not broadcasts.pause(db, broadcast_id)
    assert broadcasts.cancel(db, broadcast_id)
    assert not broadcasts.cancel(db, broadcast_id)
    assert not broadcasts.resume(db, broadcast_id)
    assert not broadcasts.pause(db, broadcast_id)


def test_the_same_wish_makes_one_campaign(db: Connection) -> None:
    union = found_union(db)
    assert campaign(db, union, key="inbox:7") == campaign(db, union, key="inbox:7")
    assert campaign(db, union, key="inbox:8") != campaign(db, union, key="inbox:7")


def test_later_runs_carry_a_number(db: Connection) -> None:
    union = found_union(db)
    campaign_id = campaign(db, union)
    code = campaigns.get(db, campaign_id)
    assert code is not None
    runs = [broadcasts.start(db, campaign_id, None, at=MORNING) for _ in range(3)]
    assert [one.code for one in runs] == [code.code, f"{code.code}-2", f"{code.code}-3"]
    assert broadcasts.latest(db, campaign_id) == runs[-1]


def test_an_officer_sees_her_own_campaigns_and_those_for_her_scope_only(db: Connection) -> None:
    union = found_union(db)
    stranger, above = person(db), person(db)
    today = MORNING.date()
    mine = campaign(db, union)
    foreign = campaign(db, union, key="n", created_by=stranger, unit_id=union.neighbour)
    assert [one.id for one in campaigns.listed(db, union.officer, [union.commune], today, most=9)] == [mine]
    assert campaigns.seen(db, foreign, union.officer, [union.commune], today) is None
    assert campaigns.seen(db, mine, stranger, [union.neighbour], today) is None
    assert campaigns.seen(db, mine, above, [union.commune], today) is not None
    assert campaigns.listed(db, above, [], today, most=9) == []
