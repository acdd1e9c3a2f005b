"""Edits, moved chats, paces and doubts: what the sender does beyond sending once."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection, func, select, update

from bot.channels.base import Moved, NotSent, Unclear
from dialogue.messages import Pace
from storage.claims import RUNS_A_ROUND
from storage.database import Database
from storage.schema import contact, delivery
from tests.sending.test_sender import everybody, some_replies, until
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


async def test_a_chat_that_became_another_one_is_written_to_under_its_new_id(
    database: Database, road: Road, clock: Clock
) -> None:
    [row_id] = await database.write(some_replies, 1)
    road.script["p1"] = [Moved("migrated", external_id="p1001")]
    await sender(database, [road], clock).drain()
    assert [to for to, _ in road.ledger] == ["p1001"]
    row = await database.read(row_of, row_id)
    assert (row.state, row.tries) == ("sent", 1)


async def test_an_edit_goes_to_the_message_it_changes(database: Database, road: Road, clock: Clock) -> None:
    [first] = await database.write(some_replies, 1)
    sending = sender(database, [road], clock)
    await sending.drain()
    sent = await database.read(row_of, first)
    edit = reply_to(sent.contact_id, "đã gửi 5", sort="progress", address_id=sent.address_id, edits_id=first)
    gone = reply_to(sent.contact_id, "", sort="erase", address_id=sent.address_id, edits_id=first)
    await database.write(put, edit, gone)
    await sending.drain()
    assert [(each.edits, each.erases, each.rendered.text) for each in road.handed[1:]] == [
        (("m1",), False, "đã gửi 5"),
        (("m1",), True, ""),
    ]


async def test_an_edit_of_a_message_that_never_arrived_is_dropped(database: Database, road: Road, clock: Clock) -> None:
    [first] = await database.write(some_replies, 1)
    road.script["p1"] = [Unclear("reset")]
    sending = sender(database, [road], clock)
    await sending.drain()
    doubtful = await database.read(row_of, first)
    edit = reply_to(doubtful.contact_id, "x", address_id=doubtful.address_id, edits_id=first)
    [edit_id] = await database.write(put, edit)
    await sending.drain()
    assert len(road.handed) == 1
    row = await database.read(row_of, edit_id)
    assert (row.state, row.reason) == ("cancelled", "nothing_to_edit")


async def test_the_same_edit_twice_is_one_so_doubt_about_it_is_a_retry(
    database: Database, road: Road, clock: Clock
) -> None:
    [first] = await database.write(some_replies, 1)
    sending = sender(database, [road], clock)
    await sending.drain()
    sent = await database.read(row_of, first)
    road.script["p1"] = [Unclear("reset")]
    [edit_id] = await database.write(put, reply_to(sent.contact_id, "x", address_id=sent.address_id, edits_id=first))
    await sending.drain()
    clock.forward(2)
    await sending.drain()
    assert (await database.read(row_of, edit_id)).state == "sent"


@pytest.mark.parametrize(("sort", "copies"), [("receipt", 3), ("alert", 2), ("code", 1), ("reply", 1)])
async def test_what_is_sent_again_after_doubt_depends_on_its_sort_and_each_doubt_is_counted(
    database: Database, road: Road, clock: Clock, sort: str, copies: int
) -> None:
    [row_id] = await database.write(some_replies, 1, sort=sort)
    road.script["p1"] = [NotSent("line"), *[("lost", Unclear("reset"))] * 9]
    sending = sender(database, [road], clock)
    for _ in range(10):
        await sending.drain()
        clock.forward(60)
    row = await database.read(row_of, row_id)
    assert (len(road.ledger), row.doubts, row.state) == (copies, copies, "unknown")


async def test_a_person_is_not_written_to_faster_than_her_pace(database: Database, road: Road, clock: Clock) -> None:
    road.per_chat = Pace(1, 1.0)

    def fill(db: Connection) -> None:
        put(db, *(reply_to(one, f"{number}") for one in (person(db), person(db)) for number in range(2)))

    await database.write(fill)
    sending = sender(database, [road], clock)
    await sending.drain()
    assert sorted(road.ledger) == [("p1", "0"), ("p2", "0")]
    clock.forward(1)
    await sending.drain()
    assert len(road.ledger) == 4


async def test_what_waits_for_its_step_is_left_ready_rather_than_in_doubt(database: Database, clock: Clock) -> None:
    road = Road(window=100, rate_per_s=30)
    await database.write(everybody, 60)
    sending = sender(database, [road], clock)
    assert await sending.round() == 0, "shut for one window after the start"
    clock.forward(1)
    assert await sending.round() == 2
    await sending.settle()


async def test_thousands_who_asked_to_stop_do_not_keep_the_next_one_waiting(
    database: Database, road: Road, clock: Clock
) -> None:
    def fill(db: Connection) -> int:
        broadcast_id = everybody(db, 300)
        last = db.scalar(select(func.max(contact.c.id)))
        db.execute(update(contact).where(contact.c.id != last).values(stopped_at=clock.now()))
        return broadcast_id

    await database.write(fill)
    sending = sender(database, [road], clock)
    running = asyncio.create_task(sending.run())
    await until(database, lambda: road.ledger)
    assert len(road.ledger) == 1
    sending.stop()
    await asyncio.wait_for(running, timeout=5)


async def test_with_very_many_broadcasts_at_once_nobody_waits_for_a_tick(
    database: Database, road: Road, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.sender.TICK_S", 60)

    def fill(db: Connection) -> tuple[int, int]:
        union = found_union(db)
        join(db, one := person(db), union.chapter)
        for number in range(4 * RUNS_A_ROUND):
            run(db, campaign(db, union, key=str(number), unit_id=union.chapter))
        join(db, other := person(db), union.other_chapter)
        run(db, campaign(db, union, key="last", unit_id=union.other_chapter))
        return one, other

    one, other = await database.write(fill)
    road.script[f"p{one}"].append(asyncio.Event())  # never ends, and everything but the last run is for her
    sending = sender(database, [road], clock)
    running = asyncio.create_task(sending.run())
    await until(database, lambda: road.copies().get(f"p{other}"))
    running.cancel()


async def test_an_unreadable_message_harms_only_itself(database: Database, road: Road, clock: Clock) -> None:
    ids = await database.write(some_replies, 3)

    def spoil(db: Connection) -> None:
        db.execute(update(delivery).where(delivery.c.id == ids[1]).values(body={"nothing": 1}))

    await database.write(spoil)
    await sender(database, [road], clock).drain()
    assert list((await database.read(states)).values()) == ["sent", "failed", "sent"]


@pytest.mark.parametrize(("abroad", "called"), [(False, "Lan"), (True, "broadcast.no_name")])
async def test_a_name_in_a_text_is_hers_but_does_not_leave_the_country(
    database: Database, road: Road, clock: Clock, abroad: bool, called: str
) -> None:
    road.data_abroad = abroad

    def fill(db: Connection) -> None:
        union = found_union(db)
        join(db, person(db, name="Lan"), union.chapter)
        run(db, campaign(db, union, texts={"vi": "Mời {tên} đi họp"}))

    await database.write(fill)
    await sender(database, [road], clock).drain()
    assert f"Mời {called} đi họp" in {text.partition("\n")[0] for _, text in road.ledger}


async def test_an_urgent_message_sent_again_after_doubt_says_so(database: Database, road: Road, clock: Clock) -> None:
    def fill(db: Connection) -> None:
        run(db, campaign(db, found_union(db), sort="alert"))

    await database.write(fill)
    road.script["p1"] = [("lost", Unclear("reset"))]
    sending = sender(database, [road], clock)
    await sending.drain()
    clock.forward(30)
    await sending.drain()
    assert [text.partition("\n")[0] for _, text in road.ledger] == ["broadcast.urgent", "broadcast.urgent_again"]
