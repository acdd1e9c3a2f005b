"""Random histories of the delivery ledger: whatever happens in whatever order, the promises hold.

What arrived is kept in a ledger of the test's own; the tables are judged by it.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import func, insert, select

from storage import broadcasts, contacts, deliveries
from storage.attempts import Result, adopt_orphans, expire_leases, record
from storage.claims import Claimed, Round, claim
from storage.schema import attempt, contact, delivery, installation, metadata
from storage.schema import broadcast as broadcast_table
from storage.sqlite import sqlite_engine
from tests.sending.world import MORNING, ROAD, campaign, found_union, join, person, put, reply_to

WINDOW = 4
PEOPLE = 7
FINAL = {"sent", "failed", "cancelled", "skipped", "unknown"}
ENDS = ("accepted", "refused", "retry", "told_to_wait", "unknown", "lost_answer")


class History(RuleBasedStateMachine):
    """Processes `0`, `1`, … follow each other; each knows only what it has in hand."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = sqlite_engine(Path(":memory:"))
        self.db = self.engine.connect()
        self.db.begin()
        metadata.create_all(self.db)
        self.db.execute(insert(installation).values(id=1, kind="real", controller="", created_at=MORNING))
        self.union = found_union(self.db)
        self.people = [person(self.db) for _ in range(PEOPLE)]
        for one in self.people:
            join(self.db, one, self.union.chapter)
        self.now = MORNING
        self.process = 0
        self.in_hand: list[Claimed] = []
        self.late: list[tuple[Claimed, int]] = []
        self.arrived: list[Claimed] = []
        self.settled: dict[int, str] = {}
        self.pressed: set[int] = set()
        self.runs: list[int] = []

    def teardown(self) -> None:
        self.db.close()
        self.engine.dispose()

    @rule(who=st.integers(0, PEOPLE - 1), sort=st.sampled_from(["receipt", "reply", "code"]))
    def answer(self, who: int, sort: str) -> None:
        put(self.db, reply_to(self.people[who], sort=sort, due_at=self.now))

    @precondition(lambda self: len(self.runs) < 3)
    @rule()
    def start(self) -> None:
        made = campaign(self.db, self.union, key=f"{len(self.runs)}")
        self.runs.append(broadcasts.start(self.db, made, None, at=self.now).id)

    @rule(page=st.integers(1, 5))
    def tick(self, page: int) -> None:
        todo = broadcasts.todo(self.db)
        for run_id in todo.freezing:
            broadcasts.freeze_page(self.db, run_id, at=self.now, page=page)
        for run_id in todo.cancelled:
            broadcasts.sweep_cancelled(self.db, run_id, at=self.now, page=page)
        for run_id in todo.finished:
            assert broadcasts.settle(self.db, run_id, at=self.now)

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), act=st.sampled_from([broadcasts.pause, broadcasts.resume, broadcasts.cancel]))
    def steer(self, data: Any, act: Any) -> None:
        act(self.db, data.draw(st.sampled_from(self.runs)))

    @rule(who=st.integers(0, PEOPLE - 1), stop=st.booleans())
    def stop_or_start(self, who: int, stop: bool) -> None:
        contacts.set_stopped(self.db, self.people[who], self.now if stop else None)

    @rule()
    def take(self) -> None:
        free = WINDOW - len(self.in_hand)
        wanted = Round(
            owner=f"{self.process}",
            now=self.now,
            lease_until=self.now + timedelta(seconds=90),
            replies={ROAD: free},
            broadcasts={ROAD: max(0, free - 1)},
        )
        taken = claim(self.db, wanted).messages
        assert len(taken) <= free
        stopped = set(self.db.scalars(select(contact.c.id).where(contact.c.stopped_at.is_not(None))))
        running = select(broadcast_table.c.id).where(broadcast_table.c.state == "running")
        running_ids = set(self.db.scalars(running))
        for one in taken:
            assert one.run is None or (one.contact_id not in stopped and one.run.id in running_ids)
        self.in_hand += taken

    @precondition(lambda self: self.in_hand)
    @rule(data=st.data(), end=st.sampled_from(ENDS))
    def end_one(self, data: Any, end: str) -> None:
        claimed = data.draw(st.sampled_from(self.in_hand))
        self.in_hand.remove(claimed)
        if end in ("accepted", "lost_answer"):
            self.arrived.append(claimed)
        assert record(self.db, [self.result(claimed, end, self.process)]) == [True]

    def result(self, claimed: Claimed, end: str, owner: int) -> Result:
        kinds = {"retry": "refused", "told_to_wait": "refused", "lost_answer": "unknown"}
        again = end in ("retry", "told_to_wait")
        return Result(
            claimed.id,
            f"{owner}",
            claimed.attempt,
            claimed.address_id,
            kinds.get(end, end),
            self.now,
            message_id="m" if end == "accepted" else None,
            reason=None if end == "accepted" else end,
            retry_at=self.now + timedelta(seconds=2) if again else None,
            counts=end != "told_to_wait",
        )

    @rule(arrives=st.lists(st.booleans(), min_size=WINDOW, max_size=WINDOW))
    def crash(self, arrives: list[bool]) -> None:
        for claimed, came in zip(self.in_hand, arrives, strict=False):
            if came:
                self.arrived.append(claimed)
            self.late.append((claimed, self.process))
        self.process += 1
        assert adopt_orphans(self.db, f"{self.process}", self.now) == len(self.in_hand)
        self.in_hand = []
        self.now += timedelta(seconds=6)  # what may go again after a doubt is due when the next process is up

    @rule()
    def outlive_the_lease(self) -> None:
        """The process is paused longer than its lease; somebody else gives its messages up."""
        self.now += timedelta(seconds=91)
        assert expire_leases(self.db, self.now) == len(self.in_hand)
        self.late += [(claimed, self.process) for claimed in self.in_hand]
        self.in_hand = []

    @precondition(lambda self: self.late)
    @rule(data=st.data(), end=st.sampled_from(ENDS))
    def come_back_late(self, data: Any, end: str) -> None:
        claimed, owner = data.draw(st.sampled_from(self.late))
        assert record(self.db, [self.result(claimed, end, owner)]) == [False]

    @rule(data=st.data())
    def press(self, data: Any) -> None:
        if self.arrived:
            one = data.draw(st.sampled_from(self.arrived))
            self.pressed.add(one.id)
            deliveries.pressed(self.db, one.id, one.contact_id)

    @rule(seconds=st.integers(5, 20))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @invariant()
    def no_more_than_the_window_is_in_doubt_at_once(self) -> None:
        sending = select(func.count()).where(delivery.c.state == "sending")
        assert self.db.scalar(sending) == len(self.in_hand) <= WINDOW

    @invariant()
    def final_states_never_change_but_by_proof(self) -> None:
        for row in self.db.execute(select(delivery.c.id, delivery.c.state)):
            known = self.settled.get(row.id)
            proved = known == "unknown" and row.state == "sent" and row.id in self.pressed
            assert known in (None, row.state) or proved
            if row.state in FINAL:
                self.settled[row.id] = row.state

    @invariant()
    def states_add_up_and_nobody_is_twice_in_an_audience(self) -> None:
        for run_id in self.runs:
            people = list(self.db.scalars(select(delivery.c.contact_id).where(delivery.c.broadcast_id == run_id)))
            assert len(people) == len(set(people)) == sum(deliveries.counts(self.db, run_id).values())

    @invariant()
    def a_run_that_ended_has_nothing_open(self) -> None:
        over = select(broadcast_table.c.id).where(broadcast_table.c.settled_at.is_not(None))
        for run_id in self.db.scalars(over):
            counts = deliveries.counts(self.db, run_id)
            assert counts["ready"] == counts["sending"] == 0

    @invariant()
    def sent_means_arrived_and_a_second_copy_has_its_recorded_doubt(self) -> None:
        copies = Counter(claimed.id for claimed in self.arrived)
        for row in self.db.execute(select(delivery.c.id).where(delivery.c.state == "sent")):
            assert copies[row.id] >= 1
        doubts = select(attempt.c.delivery_id, func.count()).where(attempt.c.result == "unknown")
        recorded = {row[0]: row[1] for row in self.db.execute(doubts.group_by(attempt.c.delivery_id))}
        for delivery_id, count in copies.items():
            assert count <= 1 + recorded.get(delivery_id, 0)

    @invariant()
    def answers_to_one_person_arrive_in_order(self) -> None:
        first: dict[int, list[int]] = {}
        for claimed in self.arrived:
            ids = first.setdefault(claimed.contact_id, [])
            if claimed.lane == 0 and claimed.id not in ids:
                ids.append(claimed.id)
        assert all(ids == sorted(ids) for ids in first.values())


History.TestCase.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
TestHistory = History.TestCase
