from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, select

from bot.broadcast import Broadcasts
from bot.channels.base import ContentError
from bot.firing import fire, firings
from dialogue.quiet import read_quiet_hours
from storage import broadcasts, contacts, deliveries, schedules
from storage.claims import Rules
from storage.database import Database
from storage.schedules import CATCH_UP_S
from storage.schema import broadcast, delivery, firing, schedule
from storage.sites import Place, engine_at
from tests.sending.world import (
    MORNING,
    WORDING,
    Clock,
    Road,
    Union,
    campaign,
    found_union,
    join,
    person,
    sender,
)

DAILY = "0 9 * * *"


def planned(db: Connection, rule: str = "once", at: datetime = MORNING) -> tuple[Union, int]:
    union = found_union(db)
    join(db, person(db), union.chapter)
    return union, schedules.create(db, campaign(db, union), rule=rule, next_due_at=at)


class Wakes:
    """Counts how often the sender was woken."""

    count = 0

    def __call__(self) -> None:
        self.count += 1


def ticking(db: Database, clock: Clock) -> Broadcasts:
    return Broadcasts(db, WORDING, now=clock.now, on_outgoing=Wakes())


def fired_times(db: Connection) -> list[tuple[datetime, str]]:
    query = select(firing.c.due_at, firing.c.outcome).order_by(firing.c.due_at)
    return [(row.due_at, row.outcome) for row in db.execute(query)]


def runs(db: Connection) -> list[str]:
    return list(db.scalars(select(broadcast.c.state).order_by(broadcast.c.id)))


def told(db: Connection, contact_id: int) -> list[str]:
    own = (delivery.c.contact_id == contact_id, delivery.c.lane == 0)
    return [body["text"].split("\n")[0] for body in db.scalars(select(delivery.c.body).where(*own))]


async def test_a_message_a_minute_ahead_arrives_on_time_and_its_end_is_told(
    database: Database, road: Road, clock: Clock
) -> None:
    union, _ = await database.write(planned, at=MORNING + timedelta(minutes=1))
    ticks, sending = ticking(database, clock), sender(database, [road], clock)
    for _ in range(59):
        await ticks.tick()
        await sending.drain()
        clock.forward(1)
    assert road.ledger == []
    clock.forward(1)
    await ticks.tick()
    await sending.drain()
    assert len(road.ledger) == 2
    for _ in range(5):
        await ticks.tick()
        await sending.drain()
        clock.forward(1)
    assert await database.read(told, union.officer) == ["broadcast.account.done"]
    assert await database.read(runs) == ["done"]


async def test_a_daily_message_runs_every_day(database: Database, clock: Clock) -> None:
    await database.write(planned, DAILY)
    for _ in range(3):
        await ticking(database, clock).tick()
        clock.forward(24 * 3600)
    assert await database.read(fired_times) == [(MORNING + timedelta(days=day), "fired") for day in range(3)]
    assert await database.read(runs) == ["running"] * 3


async def test_a_run_missed_by_less_than_its_catch_up_is_made_up_for(database: Database, clock: Clock) -> None:
    await database.write(planned)
    clock.forward(CATCH_UP_S)
    await ticking(database, clock).tick()
    assert await database.read(fired_times) == [(MORNING, "fired")]


async def test_every_run_missed_by_more_is_skipped_and_told(database: Database, clock: Clock) -> None:
    union, _ = await database.write(planned, DAILY)
    clock.forward(3 * 24 * 3600 + 60)
    for _ in range(5):
        await ticking(database, clock).tick()
    assert [outcome for _, outcome in await database.read(fired_times)] == ["skipped"] * 3 + ["fired"]
    assert await database.read(told, union.officer) == ["broadcast.skipped_several"]
    assert len(await database.read(runs)) == 1


async def test_a_clock_set_back_fires_nothing_twice(database: Database, clock: Clock) -> None:
    await database.write(planned, DAILY)
    await ticking(database, clock).tick()
    clock.forward(-7200)
    await ticking(database, clock).tick()
    clock.forward(7200)
    await ticking(database, clock).tick()
    assert await database.read(fired_times) == [(MORNING, "fired")]


def test_two_threads_ticking_at_once_fire_each_due_time_once(engine: Engine, place: Place) -> None:
    dues = 30
    with engine.begin() as db:
        union = found_union(db)
        for number in range(dues):
            made = campaign(db, union, key=f"{number}")
            schedules.create(db, made, rule="once", next_due_at=MORNING + timedelta(milliseconds=20 * number))
    late = MORNING + timedelta(seconds=5)
    fired: list[int] = []
    start = threading.Barrier(2)

    def tick_once() -> None:
        own = engine_at(place)
        with own.connect() as db, db.begin():
            waiting = firings(db, late, most=dues)
        start.wait()
        for due in waiting:
            with own.connect() as db, db.begin():
                if fire(db, due, WORDING, late) is not None:
                    fired.append(due.due.schedule_id)
        own.dispose()

    threads = [threading.Thread(target=tick_once) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.begin() as db:
        assert len(fired_times(db)) == len(runs(db)) == len(fired) == len(set(fired)) == dues


def test_a_firing_that_dies_before_its_commit_leaves_nothing_and_is_made_again(engine: Engine) -> None:
    with engine.begin() as db:
        planned(db)
        [due] = firings(db, MORNING, most=9)
    with engine.connect() as db:
        transaction = db.begin()
        assert fire(db, due, WORDING, MORNING) == "fired"
        transaction.rollback()
    with engine.begin() as db:
        assert firings(db, MORNING, most=9) == [due]
        assert fire(db, due, WORDING, MORNING) == "fired"
        assert fire(db, due, WORDING, MORNING) is None
        assert len(runs(db)) == 1


async def test_one_bad_schedule_keeps_no_other_waiting(database: Database, clock: Clock) -> None:
    def both(db: Connection) -> None:
        union, _ = planned(db, "sometimes at 9 o'clock")
        schedules.create(db, campaign(db, union, key="other"), rule="once", next_due_at=MORNING)

    await database.write(both)
    await ticking(database, clock).tick()
    assert len(await database.read(runs)) == 2


async def test_a_paused_schedule_does_not_run_and_goes_on_with_its_next_time(database: Database, clock: Clock) -> None:
    union, schedule_id = await database.write(planned, DAILY)
    assert await database.write(schedules.pause, schedule_id)
    assert not await database.write(schedules.pause, schedule_id)
    clock.forward(3600)
    await ticking(database, clock).tick()
    assert await database.read(fired_times) == []
    assert await database.write(schedules.resume, schedule_id)
    await ticking(database, clock).tick()
    clock.forward(23 * 3600)
    await ticking(database, clock).tick()
    assert await database.read(fired_times) == [(MORNING + timedelta(days=1), "fired")]
    assert await database.read(told, union.officer) == []


async def test_an_ended_schedule_never_runs(database: Database, clock: Clock) -> None:
    _, schedule_id = await database.write(planned, DAILY)
    assert await database.write(schedules.end, schedule_id)
    assert not await database.write(schedules.end, schedule_id)
    assert not await database.write(schedules.resume, schedule_id)
    await ticking(database, clock).tick()
    assert await database.read(fired_times) == []


async def test_a_broadcast_in_quiet_hours_waits_for_their_end(database: Database, road: Road, clock: Clock) -> None:
    await database.write(planned)
    rules = Rules(quiet=read_quiet_hours("08:00–10:00"))
    sending = sender(database, [road], clock, rules=rules)
    await ticking(database, clock).tick()
    await sending.drain()
    assert road.ledger == []
    clock.forward(3600)
    await sending.drain()
    assert len(road.ledger) == 2


@pytest.mark.parametrize(("act", "key"), [("cancel", "broadcast.account.cancelled"), ("pause", None)])
async def test_only_what_happens_by_itself_or_for_good_is_told(
    database: Database, clock: Clock, act: str, key: str | None
) -> None:
    union, _ = await database.write(planned)
    await ticking(database, clock).tick()
    assert await database.write(getattr(broadcasts, act), 1)
    for _ in range(3):
        await ticking(database, clock).tick()
    assert await database.read(told, union.officer) == ([key] if key else [])


async def test_a_pause_by_itself_is_told_with_its_reason_and_after_resuming_so_is_the_end(
    database: Database, road: Road, clock: Clock
) -> None:
    union, _ = await database.write(planned)
    ticks, sending = ticking(database, clock), sender(database, [road], clock)
    await ticks.tick()
    road.always = ContentError("too_long")
    await sending.drain()
    road.always = None
    for _ in range(3):
        await ticks.tick()
    assert await database.read(told, union.officer) == ["broadcast.account.paused"]
    assert await database.write(broadcasts.resume, 1)
    await sending.drain()
    for _ in range(3):
        await ticks.tick()
    assert await database.read(told, union.officer) == ["broadcast.account.paused", "broadcast.account.done"]
    assert sum((await database.read(deliveries.counts, 1)).values()) == 2


async def test_an_owner_who_said_stop_hears_nothing_of_it(database: Database, road: Road, clock: Clock) -> None:
    union, _ = await database.write(planned)
    await database.write(contacts.set_stopped, union.officer, MORNING)
    ticks, sending = ticking(database, clock), sender(database, [road], clock)
    for _ in range(3):
        await ticks.tick()
        await sending.drain()
    assert await database.read(told, union.officer) == []
    assert await database.read(runs) == ["done"]


def test_a_schedule_moved_by_an_officer_is_not_fired_at_its_old_time(db: Connection) -> None:
    _, schedule_id = planned(db, DAILY)
    [due] = firings(db, MORNING, most=9)
    schedules.pause(db, schedule_id)
    assert fire(db, due, WORDING, MORNING) is None
    assert db.scalar(select(schedule.c.state)) == "paused"
