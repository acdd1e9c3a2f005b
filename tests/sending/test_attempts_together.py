"""Results recorded together do what they do one after the other."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from storage import broadcasts
from storage.attempts import Result, record
from storage.claims import Claimed
from storage.schema import address, attempt, broadcast, delivery
from tests.sending.world import MORNING, campaign, found_union, join, person, put, reply_to, run, take

ENDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("accepted", {"message_id": "m1"}),
    ("accepted", {"message_id": "m2 m3"}),
    ("accepted", {"message_id": "7", "reason": "crash", "is_judged": False}),
    ("accepted", {"message_id": "m4", "owner": "two"}),
    ("accepted", {"message_id": "m5", "attempt": 7}),
    ("accepted", {"message_id": "m6", "counts": False}),
    ("refused", {"reason": "gone", "address_dead": True}),
    ("refused", {"reason": "line", "retry_at": MORNING + timedelta(minutes=5)}),
    ("refused", {"reason": "flood", "retry_at": MORNING, "counts": False}),
    ("refused", {"reason": "content", "pauses_broadcast": True}),
    ("refused", {"reason": "moved", "retry_at": MORNING, "counts": False, "moved_to": "elsewhere"}),
    ("unknown", {"reason": "timeout"}),
)


def _results(claimed: Sequence[Claimed], draw: random.Random) -> list[Result]:
    results = []
    for number, each in enumerate(claimed):
        kind, more = ENDS[0] if draw.random() < 0.5 else draw.choice(ENDS)
        values: dict[str, Any] = {
            "owner": "one",
            "attempt": each.attempt,
            "at": MORNING + timedelta(seconds=number),
        } | more
        if "moved_to" in values:
            values["moved_to"] = f"elsewhere{number}"
        results.append(Result(delivery_id=each.id, address_id=each.address_id, kind=kind, **values))
    return results


def _kept(db: Connection) -> list[list[tuple[Any, ...]]]:
    """Return all that recording may change; attempts without their numbers of row."""
    tables = (select(delivery), select(address), select(broadcast), select(*list(attempt.c)[1:]))
    return [sorted(map(tuple, db.execute(each)), key=repr) for each in tables]


@pytest.mark.parametrize("seed", range(12))
def test_results_recorded_together_do_what_they_do_one_after_the_other(db: Connection, seed: int) -> None:
    draw = random.Random(seed)
    union = found_union(db)
    for _ in range(12):
        join(db, person(db), union.chapter)
    run_id = run(db, campaign(db, union))
    put(db, *(reply_to(person(db), sort=draw.choice(("reply", "receipt", "alert"))) for _ in range(12)))
    claimed = take(db, free=40, many=40)
    assert len(claimed) > 20
    if draw.random() < 0.3:
        broadcasts.cancel(db, run_id)
    draw.shuffle(claimed)
    results = _results(claimed, draw)
    with db.begin_nested() as trial:
        counted = record(db, results)
        together = _kept(db)
        trial.rollback()
    assert [own for each in results for own in record(db, [each])] == counted
    assert _kept(db) == together


def test_an_accepted_message_is_settled_to_the_last_column(db: Connection) -> None:
    put(db, reply_to(person(db)))
    [claimed] = take(db)
    at = MORNING + timedelta(seconds=3, microseconds=5)
    record(db, [Result(claimed.id, "one", claimed.attempt, claimed.address_id, "accepted", at, "m1")])
    row = db.execute(select(delivery)).one()
    assert (row.state, row.owner, row.attempt, row.message_id, row.reason) == ("sent", "one", 1, "m1", None)
    assert (row.due_at, row.settled_at, row.lease_until, row.tries, row.doubts) == (at, at, None, 1, 0)
    [kept] = db.execute(select(*list(attempt.c)[1:])).all()
    assert tuple(kept) == (claimed.id, 1, claimed.address_id, "one", "accepted", None, at)
