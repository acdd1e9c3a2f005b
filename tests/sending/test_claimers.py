"""Several claimers at once: nothing goes twice, nothing is left, and each person's replies stay in order."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from datetime import timedelta

from sqlalchemy import Engine

from storage.attempts import Result, record
from storage.claims import Claimed, Round, claim
from storage.sites import Place, engine_at
from tests.sending.world import MORNING, ROAD, campaign, found_union, join, person, put, reply_to, run, states

CLAIMERS, PEOPLE, REPLIES = 4, 40, 3


def test_several_claimers_send_everything_once_and_each_persons_replies_in_order(engine: Engine, place: Place) -> None:
    with engine.begin() as db:
        union = found_union(db)
        people = [person(db) for _ in range(PEOPLE)]
        for one in people:
            join(db, one, union.chapter)
        for number in range(REPLIES):
            put(db, *(reply_to(one, f"{number}") for one in people))
        run(db, campaign(db, union))
    sent: list[Claimed] = []
    start = threading.Barrier(CLAIMERS)

    def work(owner: str) -> None:
        own = engine_at(place)
        start.wait()
        idle = 0
        while idle < 3:
            lease = MORNING + timedelta(seconds=90)
            with own.begin() as db:
                taken = claim(db, Round(owner, MORNING, lease, {ROAD: 8}, {ROAD: 8})).messages
            sent.extend(taken)
            idle = 0 if taken else idle + 1
            with own.begin() as db:
                results = [Result(each.id, owner, 1, each.address_id, "accepted", MORNING, "m") for each in taken]
                assert record(db, results) == [True] * len(taken)
        own.dispose()

    claimers = [threading.Thread(target=work, args=(f"claimer {number}",)) for number in range(CLAIMERS)]
    for claimer in claimers:
        claimer.start()
    for claimer in claimers:
        claimer.join()
    with engine.begin() as db:
        left = [row_id for row_id, state in states(db).items() if state != "sent"]
    assert left == []
    assert set(Counter(each.id for each in sent).values()) == {1}
    assert len(sent) == PEOPLE * REPLIES + PEOPLE + 1  # the officer gets the message too
    order: dict[int, list[int]] = defaultdict(list)
    for each in sent:
        if each.run is None:
            order[each.contact_id].append(each.id)
    assert all(ids == sorted(ids) for ids in order.values())
