from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, select, update

from dialogue.quiet import read_quiet_hours
from storage import broadcasts, contacts
from storage.attempts import Result, record
from storage.claims import LOOK, RUNS_A_ROUND, Round, Rules, claim
from storage.deliveries import enqueue
from storage.schema import address, contact, delivery, installation
from tests.sending.world import (
    MORNING,
    ROAD,
    campaign,
    found_union,
    join,
    person,
    put,
    reply_to,
    row_of,
    run,
    states,
    take,
    take_round,
)


def accept(db: Connection, *claimed_ids: int) -> None:
    for delivery_id in claimed_ids:
        row = row_of(db, delivery_id)
        result = Result(delivery_id, row.owner, row.attempt, row.address_id, "accepted", MORNING, "m1")
        assert record(db, [result]) == [True]


def test_many_rows_go_in_and_their_ids_come_back_in_order(db: Connection) -> None:
    people = [person(db) for _ in range(70)]
    ids = put(db, *(reply_to(one) for one in people))
    assert [row_of(db, row_id).contact_id for row_id in ids] == people
    assert enqueue(db, [], at=MORNING) == []


def test_no_more_rows_are_under_way_than_the_window(db: Connection) -> None:
    put(db, *(reply_to(person(db)) for _ in range(20)))
    assert len(take(db, free=8)) == 8
    assert take(db, free=0) == []
    assert list(states(db).values()).count("sending") == 8


def test_a_claimed_row_names_its_owner_attempt_and_lease(db: Connection) -> None:
    [row_id] = put(db, reply_to(person(db)))
    [claimed] = take(db, owner="two")
    row = row_of(db, row_id)
    assert (row.state, row.owner, row.attempt, claimed.attempt) == ("sending", "two", 1, 1)
    assert row.lease_until == MORNING + timedelta(seconds=90)


def test_replies_to_one_person_go_one_at_a_time_in_order(db: Connection) -> None:
    one, other = person(db), person(db)
    first, second, elsewhere = put(db, reply_to(one, "1"), reply_to(one, "2"), reply_to(other))
    assert {row.id for row in take(db)} == {first, elsewhere}
    assert take(db) == []
    accept(db, first)
    assert [row.id for row in take(db)] == [second]


def test_a_reply_waiting_for_its_retry_keeps_the_next_one_waiting(db: Connection) -> None:
    one = person(db)
    first, second = put(db, reply_to(one, "1"), reply_to(one, "2"))
    [claimed] = take(db)
    later = MORNING + timedelta(seconds=2)
    refused = Result(first, "one", claimed.attempt, claimed.address_id, "refused", MORNING, retry_at=later)
    assert record(db, [refused]) == [True]
    assert take(db) == []
    assert [row.id for row in take(db, now=later)] == [first]
    accept(db, first)
    assert [row.id for row in take(db, now=later)] == [second]


def test_replies_pass_before_broadcasts(db: Connection) -> None:
    union = found_union(db)
    for _ in range(10):
        join(db, person(db), union.chapter)
    run(db, campaign(db, union))
    late = put(db, *(reply_to(person(db)) for _ in range(6)))
    claimed = take(db, free=8, many=8)
    assert [row.id for row in claimed[:6]] == late
    assert [row.lane for row in claimed] == [0] * 6 + [1] * 2


def test_broadcasts_leave_the_slots_alone_that_are_kept_for_replies(db: Connection) -> None:
    union = found_union(db)
    for _ in range(10):
        join(db, person(db), union.chapter)
    run(db, campaign(db, union))
    assert len(take(db, free=8, many=6)) == 6


def test_a_message_for_many_waits_while_one_to_her_is_under_way(db: Connection) -> None:
    union = found_union(db)
    join(db, one := person(db), union.chapter)
    run(db, campaign(db, union, role=None))
    put(db, reply_to(one))
    assert [row.lane for row in take(db) if row.contact_id == one] == [0]


def test_broadcasts_take_turns(db: Connection) -> None:
    union = found_union(db)
    for _ in range(20):
        join(db, person(db), union.chapter)
        join(db, person(db), union.other_chapter)
    one = run(db, campaign(db, union, key="a", unit_id=union.chapter))
    two = run(db, campaign(db, union, key="b", unit_id=union.other_chapter))
    runs = [row.run.id for row in take(db, free=8, many=6) if row.run]
    assert sorted(runs) == [one] * 3 + [two] * 3


def test_of_very_many_broadcasts_each_round_asks_some_and_all_have_their_turn(db: Connection) -> None:
    union = found_union(db)
    join(db, person(db), union.chapter)
    runs = [run(db, campaign(db, union, key=str(n), unit_id=union.chapter)) for n in range(RUNS_A_ROUND + 9)]
    served: list[int] = []
    for turn in range(len(runs)):
        taken = take_round(db, turn=turn)
        assert taken.unasked == max(0, 9 - len(served))
        served += [message.run.id for message in taken.messages if message.run]
        accept(db, *(message.id for message in taken.messages))
    assert sorted(served) == runs


def test_the_given_address_is_used_while_it_lives(db: Connection) -> None:
    one = person(db)
    old = contacts.live_addresses(db, one)[0]
    new = contacts.add_address(db, one, ROAD, "newer", at=MORNING)
    ids = put(db, reply_to(one, address_id=old.id))
    assert take(db)[0].address_id == old.id
    accept(db, *ids)
    db.execute(update(address).where(address.c.id == old.id).values(state="dead"))
    put(db, reply_to(one, address_id=old.id))
    assert take(db)[0].address_id == new.id


def test_an_address_that_became_someone_elses_is_not_used(db: Connection) -> None:
    one, other = person(db), person(db)
    lent = contacts.live_addresses(db, one)[0]
    own = contacts.add_address(db, one, ROAD, "own", at=MORNING)
    contacts.bind(db, lent.id, other)
    put(db, reply_to(one, address_id=lent.id))
    assert take(db)[0].address_id == own.id


def test_a_restricted_reply_never_goes_to_another_phone(db: Connection) -> None:
    one = person(db)
    lost = contacts.live_addresses(db, one)[0]
    db.execute(update(address).where(address.c.id == lost.id).values(state="dead"))
    contacts.add_address(db, one, ROAD, "someone at home", at=MORNING)
    put(db, reply_to(one, address_id=lost.id, restricted=True))
    assert take(db) == []


def test_without_any_address_a_message_has_failed(db: Connection) -> None:
    nobody = contacts.create(db, at=MORNING, language="vi")
    [row_id] = put(db, reply_to(nobody))
    assert take(db) == []
    assert (row_of(db, row_id).state, row_of(db, row_id).reason) == ("failed", "no_address")


def test_a_reply_waits_for_a_channel_that_is_switched_off(db: Connection) -> None:
    [row_id] = put(db, reply_to(person(db, channel="elsewhere")))
    assert take(db) == []
    assert row_of(db, row_id).state == "ready"


def test_an_erased_person_gets_nothing(db: Connection) -> None:
    one = person(db)
    [row_id] = put(db, reply_to(one))
    db.execute(update(contact).where(contact.c.id == one).values(erased_at=MORNING))
    assert take(db) == []
    assert row_of(db, row_id).state == "cancelled"


def test_who_said_stop_after_freezing_gets_no_broadcast_but_still_her_answers(db: Connection) -> None:
    union = found_union(db)
    join(db, one := person(db), union.chapter)
    broadcast_id = run(db, campaign(db, union))
    contacts.set_stopped(db, one, MORNING)
    [reply_id] = put(db, reply_to(one))
    assert one in {row.contact_id for row in take(db)}
    accept(db, reply_id)
    assert one not in {row.contact_id for row in take(db)}
    own = select(delivery).where(delivery.c.broadcast_id == broadcast_id, delivery.c.contact_id == one)
    skipped = db.execute(own).one()
    assert (skipped.state, skipped.reason) == ("skipped", "stopped")


def test_only_an_alert_passes_stop_quiet_hours_and_the_daily_cap(db: Connection) -> None:
    union = found_union(db)
    contacts.set_stopped(db, union.officer, MORNING)
    rules = Rules(quiet=read_quiet_hours("08:00–10:00"), daily_cap=1)
    run(db, campaign(db, union))
    assert take(db, rules=rules) == []
    contacts.set_stopped(db, union.officer, None)
    run(db, campaign(db, union, key="alert", sort="alert"))
    contacts.set_stopped(db, union.officer, MORNING)
    assert [row.sort for row in take(db, rules=rules)] == ["alert"]


def test_quiet_hours_keep_broadcasts_back_and_replies_not(db: Connection) -> None:
    union = found_union(db)
    run(db, campaign(db, union))
    put(db, reply_to(person(db)))
    rules = Rules(quiet=read_quiet_hours("08:00–10:00"))
    assert [row.lane for row in take(db, rules=rules)] == [0]
    ten = MORNING + timedelta(hours=1)
    assert [row.lane for row in take(db, now=ten, rules=rules)] == [1]


def test_beyond_the_daily_cap_a_broadcast_waits_for_tomorrow_outside_quiet_hours(db: Connection) -> None:
    union = found_union(db)
    rules = Rules(quiet=read_quiet_hours("20:30–07:00"), daily_cap=1)
    run(db, campaign(db, union, key="a"))
    accept(db, *(row.id for row in take(db, rules=rules)))
    run(db, campaign(db, union, key="b"))
    assert take(db, rules=rules) == []
    [due] = db.scalars(select(delivery.c.due_at).where(delivery.c.state == "ready"))
    assert due == MORNING + timedelta(hours=22)  # 7:00 of the next day
    assert len(take(db, now=due, rules=rules)) == 1


def test_a_paused_or_cancelled_broadcast_is_not_taken_from(db: Connection) -> None:
    union = found_union(db)
    paused = run(db, campaign(db, union, key="a"))
    cancelled = run(db, campaign(db, union, key="b"))
    assert broadcasts.pause(db, paused)
    assert broadcasts.cancel(db, cancelled)
    assert take(db) == []
    assert broadcasts.resume(db, paused)
    assert [row.run.id for row in take(db) if row.run] == [paused]


def test_on_hold_nothing_is_taken(db: Connection) -> None:
    put(db, reply_to(person(db)))
    db.execute(update(installation).values(hold=True))
    assert take(db) == []
    db.execute(update(installation).values(hold=False))
    assert len(take(db)) == 1


def test_a_full_channel_does_not_keep_the_others_waiting(db: Connection) -> None:
    elsewhere = person(db, channel="elsewhere")
    put(db, *(reply_to(person(db)) for _ in range(100)), reply_to(elsewhere))
    free = {ROAD: 0, "elsewhere": 8}
    lease = MORNING + timedelta(seconds=90)
    claimed = claim(db, Round("one", MORNING, lease, replies=free, broadcasts=free)).messages
    assert [row.contact_id for row in claimed] == [elsewhere]


def test_what_was_written_for_home_goes_to_no_address_abroad(db: Connection) -> None:
    one = person(db)
    home = contacts.live_addresses(db, one)[0]
    far = contacts.add_address(db, one, "far", "f1", at=MORNING)
    private, there, anywhere = put(
        db,
        reply_to(one, "1", address_id=home.id),
        reply_to(one, "2", address_id=far.id),
        reply_to(one, "3"),
    )
    db.execute(update(address).where(address.c.id == home.id).values(state="dead"))
    free = {ROAD: 8, "far": 8}

    def round_of(number: int) -> list[int]:
        wanted = Round("one", MORNING, MORNING + timedelta(seconds=90), free, free, turn=number, abroad=("far",))
        taken = claim(db, wanted).messages
        accept(db, *(each.id for each in taken))
        return [each.id for each in taken]

    assert [round_of(number) for number in range(4)] == [[], [there], [anywhere], []]
    assert (row_of(db, private).state, row_of(db, private).reason) == ("failed", "no_address")


def test_an_edit_that_waits_for_its_next_try_keeps_no_reply_waiting(db: Connection) -> None:
    one = person(db)
    [first] = put(db, reply_to(one, "1"))
    take(db)
    accept(db, first)
    home = contacts.live_addresses(db, one)[0]
    later = MORNING + timedelta(seconds=30)
    put(db, reply_to(one, "…", sort="progress", address_id=home.id, edits_id=first, due_at=later))
    [second] = put(db, reply_to(one, "2"))
    assert [row.id for row in take(db)] == [second]


def test_behind_many_of_a_shut_channel_the_next_of_another_is_found_but_not_looked_for_behind_those_of_a_full_one(
    db: Connection,
) -> None:
    union = found_union(db)
    for _ in range(LOOK + 50):
        join(db, person(db), union.chapter)
    join(db, last := person(db, channel="elsewhere"), union.chapter)
    run(db, campaign(db, union))
    lease = MORNING + timedelta(seconds=90)

    def taken(**free: int) -> list[int]:
        return [each.contact_id for each in claim(db, Round("one", MORNING, lease, free, free)).messages]

    assert last not in taken(**{ROAD: 2, "elsewhere": 8})
    assert taken(**{ROAD: 0, "elsewhere": 8}) == [last]
