from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from bot.channels.base import (
    ChannelDown,
    ContentError,
    NotSent,
    Refused,
    TooManyRequests,
    Unclear,
    Unreachable,
)
from storage import broadcasts, halts
from storage.database import Database, StorageFull
from storage.schema import attempt
from tests.sending.world import (
    Clock,
    Road,
    campaign,
    found_union,
    join,
    person,
    put,
    reply_to,
    row_of,
    run,
    sender,
    states,
)


def some_replies(db: Connection, count: int, text: str = "chào", sort: str = "reply") -> list[int]:
    return put(db, *(reply_to(person(db), text, sort=sort) for _ in range(count)))


def everybody(db: Connection, size: int) -> int:
    union = found_union(db)
    for _ in range(size - 1):
        join(db, person(db), union.chapter)
    return run(db, campaign(db, union))


def broadcast_state(db: Connection, broadcast_id: int) -> tuple[str, str | None]:
    row = broadcasts.get(db, broadcast_id)
    assert row is not None
    return row.state, row.reason


async def until(database: Database, condition: Callable[[], object]) -> None:
    """Let the others work, one round trip to the database at a time, until something is so."""
    async with asyncio.timeout(10):
        while not condition():
            await database.read(states)


async def test_what_is_ready_arrives_once_and_is_sent(database: Database, road: Road, clock: Clock) -> None:
    ids = await database.write(some_replies, 20)
    await sender(database, [road], clock).drain()
    assert set(road.copies().values()) == {1}
    assert len(road.ledger) == 20
    assert await database.read(states) == dict.fromkeys(ids, "sent")


CLASSES = [
    (NotSent("no_line"), "ready", 0, "no_line"),
    (TooManyRequests("flood", retry_after_s=5), "ready", 0, "flood"),
    (ChannelDown("token"), "ready", 0, "token"),
    (Refused("bad"), "failed", 0, "bad"),
    (Unreachable("blocked"), "failed", 0, "blocked"),
    (ContentError("too_long"), "failed", 0, "too_long"),
    (Unclear("reset"), "unknown", 0, "reset"),
    (("lost", Unclear("reset")), "unknown", 1, "reset"),
    (("lost", RuntimeError("a bug in the channel")), "unknown", 1, "RuntimeError"),
    (TimeoutError(), "unknown", 0, "timeout"),
]


@pytest.mark.parametrize(("event", "state", "arrived", "reason"), CLASSES)
async def test_each_kind_of_end_means_its_state(
    database: Database, road: Road, clock: Clock, *, event: Any, state: str, arrived: int, reason: str
) -> None:
    [row_id] = await database.write(some_replies, 1)
    road.always = event
    sending = sender(database, [road], clock)
    await sending.round()
    await sending.settle()
    row = await database.read(row_of, row_id)
    assert (row.state, row.reason, len(road.ledger)) == (state, reason, arrived)


async def test_a_message_that_surely_did_not_arrive_is_tried_again_later(
    database: Database, road: Road, clock: Clock
) -> None:
    [row_id] = await database.write(some_replies, 1)
    [external_id] = [f"p{(await database.read(row_of, row_id)).contact_id}"]
    road.script[external_id] = [NotSent("line"), NotSent("line")]
    sending = sender(database, [road], clock)
    await sending.drain()
    assert road.ledger == []
    clock.forward(2)
    await sending.drain()
    clock.forward(9)
    await sending.drain()
    assert road.ledger == []
    clock.forward(1)
    await sending.drain()
    assert len(road.ledger) == 1
    assert (await database.read(row_of, row_id)).tries == 3


async def test_it_is_not_tried_for_ever(database: Database, road: Road, clock: Clock) -> None:
    [row_id] = await database.write(some_replies, 1)
    road.always = NotSent("line")
    sending = sender(database, [road], clock)
    for _ in range(20):
        await sending.drain()
        clock.forward(3600)
    assert (await database.read(row_of, row_id)).state == "failed"
    assert road.begun == 8


async def test_the_wait_a_provider_asks_for_holds_for_everybody_and_over_a_restart(
    database: Database, road: Road, clock: Clock
) -> None:
    ids = await database.write(some_replies, 3)
    road.script["p1"] = [TooManyRequests("flood", retry_after_s=60)]
    road.window = 1
    first = sender(database, [road], clock)
    await first.drain()
    assert road.begun == 1
    assert set(await database.read(halts.load)) == {road.name}
    second = sender(database, [road], clock, owner="two")
    await second.begin()
    await second.drain()
    assert road.begun == 1
    clock.forward(60.2)
    await second.drain()
    assert await database.read(states) == dict.fromkeys(ids, "sent")
    assert (await database.read(row_of, ids[0])).tries == 1


async def test_a_dead_token_stops_the_channel_and_marks_nothing_failed(
    database: Database, road: Road, clock: Clock
) -> None:
    await database.write(some_replies, 30)
    road.always = ChannelDown("token")
    sending = sender(database, [road], clock)
    await sending.drain()
    clock.forward(3600)
    await sending.drain()
    assert road.begun <= road.window
    assert set((await database.read(states)).values()) == {"ready"}
    assert sending.down == {road.name: "token"}


async def test_one_channel_down_leaves_the_others_alone(database: Database, road: Road, clock: Clock) -> None:
    other = Road(name="other")
    road.always = ChannelDown("token")

    def fill(db: Connection) -> None:
        put(db, reply_to(person(db)), reply_to(person(db, channel="other")))

    await database.write(fill)
    await sender(database, [road, other], clock).drain()
    assert len(other.ledger) == 1


async def test_never_more_than_the_window_is_under_way(database: Database, road: Road, clock: Clock) -> None:
    await database.write(some_replies, 40)
    road.always = asyncio.Event()
    sending = sender(database, [road], clock)
    for _ in range(5):
        await sending.round()
    assert list((await database.read(states)).values()).count("sending") == 8
    road.always.set()
    await sending.drain()
    assert len(road.ledger) == 40


async def test_a_reply_passes_a_broadcast_that_fills_its_window(database: Database, road: Road, clock: Clock) -> None:
    await database.write(everybody, 40)
    stuck = asyncio.Event()
    road.always = stuck
    sending = sender(database, [road], clock)
    await sending.round()
    await until(database, lambda: road.begun == 6)
    road.always = None
    [row_id] = await database.write(some_replies, 1)
    await sending.round()
    await until(database, lambda: len(road.ledger) == 1)
    await sending.round()
    assert sending.under_way == 6
    assert (await database.read(row_of, row_id)).state == "sent"
    stuck.set()
    await sending.drain()


async def test_replies_to_one_person_arrive_in_order(database: Database, road: Road, clock: Clock) -> None:
    def fill(db: Connection) -> None:
        one, other = person(db), person(db)
        put(db, *(reply_to(who, f"{number}") for number in range(9) for who in (one, other)))

    await database.write(fill)
    await sender(database, [road], clock).drain()
    for external_id in ("p1", "p2"):
        assert [text for to, text in road.ledger if to == external_id] == [f"{number}" for number in range(9)]


async def test_a_broadcast_speaks_her_language_and_says_how_to_stop(
    database: Database, road: Road, clock: Clock
) -> None:
    def fill(db: Connection) -> None:
        union = found_union(db)
        join(db, person(db, language="en"), union.chapter)
        run(db, campaign(db, union, texts={"vi": "Mời họp", "en": "Please come"}))

    await database.write(fill)
    await sender(database, [road], clock).drain()
    assert {text for _, text in road.ledger} == {
        "Mời họp\n\nbroadcast.opt_out",
        "Please come\n\nbroadcast.opt_out",
    }


async def test_content_a_provider_refuses_pauses_the_broadcast_and_burns_nobody(
    database: Database, road: Road, clock: Clock
) -> None:
    broadcast_id = await database.write(everybody, 30)
    road.always = ContentError("too_long")
    sending = sender(database, [road], clock)
    await sending.drain()
    assert await database.read(broadcast_state, broadcast_id) == ("paused", "too_long")
    assert road.begun <= road.window
    assert set((await database.read(states)).values()) == {"ready"}


async def test_an_outage_pauses_a_broadcast_after_twenty_like_failures(
    database: Database, road: Road, clock: Clock
) -> None:
    broadcast_id = await database.write(everybody, 100)
    road.always = NotSent("no_line")
    await sender(database, [road], clock).drain()
    assert await database.read(broadcast_state, broadcast_id) == ("paused", "no_line")
    assert road.begun <= 20 + road.window
    assert set((await database.read(states)).values()) == {"ready"}


@pytest.mark.parametrize("act", [broadcasts.pause, broadcasts.cancel])
async def test_pause_and_cancel_take_effect_within_one_window(
    database: Database, road: Road, clock: Clock, act: Any
) -> None:
    broadcast_id = await database.write(everybody, 40)
    gate = asyncio.Event()
    road.always = gate
    sending = sender(database, [road], clock)
    await sending.round()
    await until(database, lambda: road.begun == 6)
    assert await database.write(act, broadcast_id)
    gate.set()
    await sending.drain()
    assert len(road.ledger) == 6


async def test_a_long_text_goes_in_parts_in_order(database: Database, road: Road, clock: Clock) -> None:
    road.text_limit = 10
    [row_id] = await database.write(some_replies, 1, text="một hai ba bốn năm sáu")
    await sender(database, [road], clock).drain()
    assert " ".join(text for _, text in road.ledger) == "một hai ba bốn năm sáu"
    assert (await database.read(row_of, row_id)).message_id == "m1 m2 m3"


@pytest.mark.parametrize("sort", ["reply", "receipt", "alert"])
async def test_when_a_later_part_fails_the_message_is_in_doubt_and_never_starts_over(
    database: Database, road: Road, clock: Clock, sort: str
) -> None:
    road.text_limit = 10
    [row_id] = await database.write(some_replies, 1, text="một hai ba bốn năm sáu", sort=sort)
    road.script["p1"] = [None, NotSent("line")]
    sending = sender(database, [road], clock)
    await sending.drain()
    clock.forward(3600)
    await sending.drain()
    assert (await database.read(row_of, row_id)).state == "unknown"
    assert len(road.ledger) == 1


async def test_where_repeating_is_harmless_doubt_is_a_retry(database: Database, road: Road, clock: Clock) -> None:
    [row_id] = await database.write(some_replies, 1)
    road.script["p1"] = [Unclear("disk full")]
    road.repeatable = True
    sending = sender(database, [road], clock)
    await sending.drain()
    clock.forward(2)
    await sending.drain()
    assert (await database.read(row_of, row_id)).state == "sent"


async def test_an_idle_sender_stops_at_once(database: Database, road: Road) -> None:
    class Real(Clock):
        def now(self) -> datetime:
            return datetime.now(UTC)

    sending = sender(database, [road], Real())
    running = asyncio.create_task(sending.run())
    await asyncio.sleep(0)
    sending.stop()
    await asyncio.wait_for(running, timeout=5)


async def test_a_stop_waits_for_open_requests_and_records_them(database: Database, road: Road, clock: Clock) -> None:
    await database.write(some_replies, 20)
    gate = asyncio.Event()
    road.always = gate
    sending = sender(database, [road], clock)
    running = asyncio.create_task(sending.run())
    await until(database, lambda: road.begun == 8)
    sending.stop()
    await asyncio.sleep(0)
    gate.set()
    await asyncio.wait_for(running, timeout=5)
    counted = list((await database.read(states)).values())
    assert (counted.count("sent"), counted.count("ready"), counted.count("sending")) == (8, 12, 0)


async def test_run_sends_what_a_wake_tells_it_of(database: Database, road: Road, clock: Clock) -> None:
    sending = sender(database, [road], clock)
    running = asyncio.create_task(sending.run())
    await database.write(some_replies, 3)
    sending.wake()
    await until(database, lambda: len(road.ledger) == 3)
    sending.stop()
    await asyncio.wait_for(running, timeout=5)


async def test_a_late_result_is_refused_after_a_pause_longer_than_the_lease(
    database: Database, road: Road, clock: Clock
) -> None:
    [row_id] = await database.write(some_replies, 1)
    gate = asyncio.Event()
    road.always = gate
    paused = sender(database, [road], clock)
    await paused.round()
    await until(database, lambda: road.begun == 1)
    clock.forward(91)
    other = sender(database, [Road()], clock, owner="two")
    await other.round()
    assert (await database.read(row_of, row_id)).state == "unknown"
    gate.set()
    await paused.settle()
    assert (await database.read(row_of, row_id)).state == "unknown"


async def test_a_crash_leaves_no_more_doubt_than_the_window_and_each_second_copy_is_explained(
    database: Database, road: Road, clock: Clock
) -> None:
    await database.write(some_replies, 30, sort="receipt")
    gate = asyncio.Event()
    road.always = gate
    dying = sender(database, [road], clock)
    await dying.round()
    await until(database, lambda: road.begun == 8)
    for task in asyncio.all_tasks():
        if "Sender._deliver" in str(task.get_coro()):
            task.cancel()
    await until(database, lambda: not dying.under_way)
    next_one = Road(ledger=[("p1", "chào")])  # one of the eight had arrived
    after = sender(database, [next_one], clock, owner="two")
    await after.begin()
    clock.forward(5)
    await after.drain()
    assert set((await database.read(states)).values()) == {"sent"}
    doubled = [external_id for external_id, copies in next_one.copies().items() if copies > 1]
    assert doubled == ["p1"]

    def doubts(db: Connection) -> int:
        return int(db.scalar(select(func.count()).where(attempt.c.result == "unknown")) or 0)

    assert await database.read(doubts) == 8


async def test_a_result_that_cannot_be_stored_at_first_is_stored_later(
    database: Database, road: Road, clock: Clock
) -> None:
    [row_id] = await database.write(some_replies, 1)

    class Full(Database):
        fills_up = False

        async def write(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
            if self.fills_up:
                raise StorageFull
            return await database.write(fn, *args, **kwargs)

        async def read(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
            return await database.read(fn, *args, **kwargs)

        close = _hand_over = NotImplemented

    full = Full()
    sending = sender(full, [road], clock)
    await sending.round()
    full.fills_up = True
    with pytest.raises(StorageFull):
        await sending.settle()
    full.fills_up = False
    await sending.settle()
    assert (await database.read(row_of, row_id)).state == "sent"
