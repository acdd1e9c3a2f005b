from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from storage import broadcasts, contacts, deliveries, mailbox
from storage.attempts import LIKE_FAILURES, Result, adopt_orphans, expire_leases, record
from storage.claims import Claimed
from storage.schema import address, attempt, delivery
from storage.schema import broadcast as broadcast_table
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
)

LATER = MORNING + timedelta(minutes=5)


def result(claimed: Claimed, kind: str, **more: Any) -> Result:
    return Result(claimed.id, "one", claimed.attempt, claimed.address_id, kind, MORNING, **more)


def claimed_reply(db: Connection, sort: str = "reply") -> Claimed:
    put(db, reply_to(person(db), sort=sort))
    [claimed] = take(db)
    return claimed


@pytest.mark.parametrize("sort", ["reply", "receipt", "code", "alert", "broadcast"])
@pytest.mark.parametrize(
    ("kind", "more", "state"),
    [
        ("accepted", {"message_id": "m7"}, "sent"),
        ("refused", {"reason": "gone"}, "failed"),
        ("refused", {"reason": "no line", "retry_at": LATER}, "ready"),
    ],
)
def test_what_is_known_for_certain_is_the_same_for_every_sort(
    db: Connection, sort: str, kind: str, more: dict[str, Any], state: str
) -> None:
    claimed = claimed_reply(db, sort)
    assert record(db, [result(claimed, kind, **more)]) == [True]
    row = row_of(db, claimed.id)
    assert (row.state, row.message_id, row.reason) == (state, more.get("message_id"), more.get("reason"))
    assert (row.settled_at is None) == (state == "ready")


@pytest.mark.parametrize(
    ("sort", "tries", "wait_s"),
    [("reply", 1, None), ("code", 1, None), ("broadcast", 1, None), ("receipt", 3, 5), ("alert", 2, 30)],
)
def test_a_doubtful_message_is_parked_or_sent_again_by_its_sort(
    db: Connection, sort: str, tries: int, wait_s: int | None
) -> None:
    put(db, reply_to(person(db), sort=sort))
    now = MORNING
    for number in range(1, tries + 1):
        [claimed] = take(db, now=now)
        assert record(db, [replace(result(claimed, "unknown", reason="timeout"), at=now)]) == [True]
        if number < tries:
            assert row_of(db, claimed.id).state == "ready"
            assert wait_s is not None
            now += timedelta(seconds=wait_s)
            assert take(db, now=now - timedelta(seconds=1)) == []
    assert row_of(db, claimed.id).state == "unknown"


def test_a_message_that_arrived_in_part_never_starts_over(db: Connection) -> None:
    claimed = claimed_reply(db, "receipt")
    record(db, [result(claimed, "unknown", reason="timeout", in_part=True)])
    assert row_of(db, claimed.id).state == "unknown"


def test_being_told_to_wait_counts_no_try(db: Connection) -> None:
    claimed = claimed_reply(db)
    record(db, [result(claimed, "refused", reason="flood", retry_at=MORNING, counts=False)])
    [again] = take(db)
    assert (again.tries, again.attempt) == (0, 2)
    record(db, [result(again, "refused", reason="line", retry_at=MORNING)])
    [third] = take(db)
    assert (third.tries, third.attempt) == (1, 3)


@pytest.mark.parametrize("wrong", [{"owner": "two"}, {"attempt": 0}, {"attempt": 2}, {"delivery_id": 99}])
def test_a_result_of_somebody_else_or_another_attempt_changes_nothing(db: Connection, wrong: dict[str, Any]) -> None:
    claimed = claimed_reply(db)
    late = replace(result(claimed, "accepted", message_id="m1"), **wrong)
    assert record(db, [late]) == [False]
    assert row_of(db, claimed.id).state == "sending"
    assert db.execute(select(attempt)).all() == []


def test_a_final_state_does_not_change_by_a_second_result(db: Connection) -> None:
    claimed = claimed_reply(db)
    assert record(db, [result(claimed, "unknown", reason="timeout")]) == [True]
    assert record(db, [result(claimed, "accepted", message_id="m1")]) == [False]
    assert row_of(db, claimed.id).state == "unknown"


def test_every_attempt_leaves_one_row(db: Connection) -> None:
    claimed = claimed_reply(db)
    record(db, [result(claimed, "refused", reason="line", retry_at=MORNING)])
    [again] = take(db)
    record(db, [result(again, "accepted", message_id="m1")])
    rows = db.execute(select(attempt).order_by(attempt.c.number)).all()
    assert [(row.number, row.result, row.reason) for row in rows] == [(1, "refused", "line"), (2, "accepted", None)]


def test_one_group_takes_good_and_late_results_together(db: Connection) -> None:
    put(db, *(reply_to(person(db)) for _ in range(3)))
    claimed = take(db)
    results = [result(each, "accepted", message_id="m") for each in claimed]
    results[1] = replace(results[1], owner="two")
    assert record(db, results) == [True, False, True]


def test_after_a_refusal_her_next_address_is_tried_and_the_dead_one_never_again(db: Connection) -> None:
    claimed = claimed_reply(db)
    old = contacts.add_address(db, claimed.contact_id, ROAD, "second phone", at=MORNING)
    record(db, [result(claimed, "refused", reason="blocked", address_dead=True)])
    assert db.scalar(select(address.c.state).where(address.c.id == claimed.address_id)) == "dead"
    [again] = take(db)
    assert again.address_id == old.id
    record(db, [result(again, "refused", reason="blocked", address_dead=True)])
    assert row_of(db, again.id).state == "failed"


def test_an_expired_lease_is_doubt(db: Connection) -> None:
    claimed = claimed_reply(db)
    assert expire_leases(db, MORNING + timedelta(seconds=89)) == 0
    assert expire_leases(db, MORNING + timedelta(seconds=91)) == 1
    row = row_of(db, claimed.id)
    assert (row.state, row.reason) == ("unknown", "lease")
    assert record(db, [result(claimed, "accepted", message_id="m1")]) == [False]


def test_the_next_process_finds_no_more_doubt_than_the_window(db: Connection) -> None:
    put(db, *(reply_to(person(db)) for _ in range(20)))
    take(db, free=8)
    assert adopt_orphans(db, "one", MORNING) == 0
    assert adopt_orphans(db, "two", MORNING) == 8
    counted = list(states(db).values())
    assert (counted.count("unknown"), counted.count("ready")) == (8, 12)


def test_what_lies_in_a_mailbox_has_arrived(db: Connection) -> None:
    claimed = claimed_reply(db)
    post = mailbox.Post(ROAD, claimed.external_id, claimed.id, {"text": "chào"}, MORNING)
    [number] = mailbox.put(db, [post])
    assert adopt_orphans(db, "two", MORNING) == 1
    row = row_of(db, claimed.id)
    assert (row.state, row.message_id) == ("sent", str(number))


def test_where_repeating_is_harmless_a_crash_leaves_no_doubt(db: Connection) -> None:
    claimed = claimed_reply(db)
    assert adopt_orphans(db, "two", MORNING, [ROAD]) == 1
    assert row_of(db, claimed.id).state == "ready"


def test_a_pressed_button_is_proof_only_from_her_own_hand(db: Connection) -> None:
    claimed = claimed_reply(db)
    record(db, [result(claimed, "unknown", reason="timeout")])
    assert not deliveries.pressed(db, claimed.id, claimed.contact_id + 1)
    assert deliveries.pressed(db, claimed.id, claimed.contact_id)
    assert row_of(db, claimed.id).state == "sent"
    assert not deliveries.pressed(db, claimed.id, claimed.contact_id)


def audience_of(db: Connection, size: int) -> int:
    union = found_union(db)
    for _ in range(size - 1):
        join(db, person(db), union.chapter)
    return run(db, campaign(db, union))


def state_of(db: Connection, broadcast_id: int) -> tuple[str, str | None]:
    row = db.execute(select(broadcast_table).where(broadcast_table.c.id == broadcast_id)).one()
    return row.state, row.reason


def test_twenty_like_failures_in_a_row_pause_the_broadcast(db: Connection) -> None:
    broadcast_id = audience_of(db, 30)
    claimed = take(db, free=30, many=30)
    for each in claimed[: LIKE_FAILURES - 1]:
        record(db, [result(each, "refused", reason="blocked")])
    assert state_of(db, broadcast_id) == ("running", None)
    record(db, [result(claimed[LIKE_FAILURES - 1], "refused", reason="blocked")])
    assert state_of(db, broadcast_id) == ("paused", "blocked")


def test_other_failures_or_one_that_arrived_begin_the_count_anew(db: Connection) -> None:
    broadcast_id = audience_of(db, 30)
    claimed = take(db, free=30, many=30)
    record(db, [result(each, "refused", reason="blocked") for each in claimed[:15]])
    record(db, [result(claimed[15], "refused", reason="other")])
    record(db, [result(each, "refused", reason="blocked") for each in claimed[16:26]])
    record(db, [result(claimed[26], "accepted", message_id="m")])
    record(db, [result(each, "refused", reason="blocked") for each in claimed[27:]])
    assert state_of(db, broadcast_id) == ("running", None)


def test_a_refused_content_pauses_at_once_and_burns_nobody(db: Connection) -> None:
    broadcast_id = audience_of(db, 3)
    claimed = take(db)
    wrong = result(claimed[0], "refused", reason="too_long", retry_at=MORNING, counts=False, pauses_broadcast=True)
    record(db, [wrong])
    assert state_of(db, broadcast_id) == ("paused", "too_long")
    assert row_of(db, claimed[0].id).state == "ready"


def test_a_message_under_way_when_its_broadcast_is_cancelled_does_not_wait_again(db: Connection) -> None:
    broadcast_id = audience_of(db, 3)
    claimed = take(db)
    broadcasts.cancel(db, broadcast_id)
    record(db, [result(claimed[0], "refused", reason="line", retry_at=LATER)])
    record(db, [result(claimed[1], "accepted", message_id="m")])
    assert [row_of(db, each.id).state for each in claimed[:2]] == ["cancelled", "sent"]


def test_restricted_texts_are_blanked_once_settled(db: Connection) -> None:
    [settled, open_one, ordinary] = put(
        db, reply_to(person(db), restricted=True), reply_to(person(db), restricted=True), reply_to(person(db))
    )
    db.execute(update(delivery).where(delivery.c.id != open_one).values(state="sent"))
    assert deliveries.blank_restricted(db, created_before=MORNING + timedelta(days=1)) == 1
    assert row_of(db, settled).body is None
    assert row_of(db, open_one).body is not None
    assert row_of(db, ordinary).body is not None
    assert deliveries.shown(db, [settled, ordinary]) == {
        ordinary: deliveries.Shown(row_of(db, ordinary).contact_id, ())
    }


def test_names_of_the_doubtful_are_listed(db: Connection) -> None:
    union = found_union(db)
    join(db, person(db, name="Rơ Châm H'Bia"), union.chapter)
    broadcast_id = run(db, campaign(db, union))
    claimed = take(db)
    record(db, [result(each, "unknown", reason="timeout") for each in claimed])
    assert set(deliveries.in_doubt(db, broadcast_id)) == {"Cán bộ", "Rơ Châm H'Bia"}
    assert deliveries.counts(db, broadcast_id)["unknown"] == 2


def test_a_process_that_dies_with_many_in_hand_pauses_no_broadcast(db: Connection) -> None:
    broadcast_id = audience_of(db, LIKE_FAILURES + 5)
    assert len(take(db, free=99, many=99)) > LIKE_FAILURES
    assert adopt_orphans(db, "two", MORNING) > LIKE_FAILURES
    assert state_of(db, broadcast_id) == ("running", None)
