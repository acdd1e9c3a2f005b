"""One message in which the officer watches a large run; it is edited, never repeated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from bot.broadcast import Broadcasts
from bot.progress import LEAST_PEOPLE
from dialogue.messages import Capabilities
from storage import broadcasts, contacts, deliveries, progress
from storage.database import Database
from storage.deliveries import NewDelivery
from storage.schema import broadcast, delivery
from storage.schema import progress as progress_table
from tests.sending.world import (
    MORNING,
    ROAD,
    WORDING,
    Clock,
    Road,
    campaign,
    found_union,
    join,
    person,
    put,
    reply_to,
    run,
    sender,
)

PEOPLE = LEAST_PEOPLE + 20
EDITING = {ROAD: Capabilities(buttons=True, pictures=True, text_limit=4_000, edits_messages=True)}


def large_run(db: Connection) -> int:
    union = found_union(db)
    for _ in range(PEOPLE):
        join(db, person(db), union.chapter)
    # She was answered here last.
    put(db, reply_to(union.officer, address_id=contacts.live_addresses(db, union.officer)[0].id))
    db.execute(update(delivery).values(state="sent"))
    run(db, campaign(db, union))
    return union.officer


def ticking(db: Database, clock: Clock, channels: dict[str, Capabilities] = EDITING) -> Broadcasts:
    return Broadcasts(db, WORDING, now=clock.now, on_outgoing=lambda: None, channels=channels)


def messages(db: Connection) -> list[Any]:
    rows = select(delivery.c.id, delivery.c.edits_id, delivery.c.body, delivery.c.address_id, delivery.c.lane)
    return list(db.execute(rows.where(delivery.c.sort == "progress").order_by(delivery.c.id)))


def arrive(db: Connection, *, state: str = "sent", reason: str | None = None) -> None:
    """What is open of the officer's own messages gets there."""
    mine = (delivery.c.lane == 0, delivery.c.state.in_(["ready", "sending"]))
    db.execute(update(delivery).where(*mine).values(state=state, reason=reason, message_id="m1"))


def send_some(db: Connection, count: int) -> None:
    waiting = select(delivery.c.id).where(delivery.c.lane == 1, delivery.c.state == "ready").limit(count)
    db.execute(update(delivery).where(delivery.c.id.in_(waiting)).values(state="sent"))


async def passes(database: Database, clock: Clock, ticks: Broadcasts, seconds: int) -> None:
    for _ in range(seconds):
        clock.forward(1)
        await ticks.tick()
        await database.write(arrive)


@pytest.fixture
async def officer(database: Database) -> int:
    return await database.write(large_run)


async def test_a_large_run_is_watched_in_one_message_edited_every_five_seconds(
    database: Database, clock: Clock, officer: int
) -> None:
    ticks = ticking(database, clock)
    await passes(database, clock, ticks, 3)
    await database.write(send_some, 20)
    await passes(database, clock, ticks, 10)
    first, *edits = await database.read(messages)
    assert (first.edits_id, len(edits)) == (None, 2)
    assert {edit.edits_id for edit in edits} == {first.id}
    assert {edit.address_id for edit in edits} == {first.address_id}
    assert edits[0].body["text"].splitlines()[0] == "progress.running"
    assert [button["label"] for button in edits[0].body["buttons"]] == ["Broadcasts.pause", "Broadcasts.cancel_run"]


async def test_it_says_how_fast_it_goes_and_how_long_it_takes(database: Database, clock: Clock, officer: int) -> None:
    ticks = ticking(database, clock)
    await passes(database, clock, ticks, 3)
    await database.write(send_some, 50)
    await passes(database, clock, ticks, 5)
    text = (await database.read(messages))[-1].body["text"]
    assert "progress.pace" in text
    assert "progress.left.moment" in text


async def test_edits_come_more_slowly_the_longer_it_takes(database: Database, clock: Clock, officer: int) -> None:
    ticks = ticking(database, clock)
    await passes(database, clock, ticks, 4)
    clock.forward(600)
    await passes(database, clock, ticks, 60)
    edits = [row for row in await database.read(messages) if row.edits_id]
    assert 2 <= len(edits) <= 3  # every half minute by now


async def test_while_one_edit_is_open_there_is_no_other(database: Database, clock: Clock, officer: int) -> None:
    ticks = ticking(database, clock)
    await passes(database, clock, ticks, 9)
    before = len(await database.read(messages))
    for _ in range(30):
        clock.forward(1)
        await ticks.tick()
    assert len(await database.read(messages)) == before + 1


async def test_nothing_is_edited_before_the_message_arrived(database: Database, clock: Clock, officer: int) -> None:
    ticks = ticking(database, clock)
    for _ in range(30):
        clock.forward(1)
        await ticks.tick()
    assert len(await database.read(messages)) == 1


@pytest.mark.parametrize(("state", "reason"), [("failed", "gone"), ("cancelled", "nothing_to_edit")])
async def test_a_message_that_is_gone_is_not_edited_again_nor_sent_anew(
    database: Database, clock: Clock, officer: int, state: str, reason: str
) -> None:
    ticks = ticking(database, clock)
    await passes(database, clock, ticks, 4)
    for _ in range(5):
        clock.forward(1)
        await ticks.tick()
    await database.write(arrive, state=state, reason=reason)
    before = len(await database.read(messages))
    await passes(database, clock, ticks, 60)
    after = len(await database.read(messages))
    assert after == before if reason == "gone" else after > before


async def test_the_last_edit_says_how_it_ended_and_has_no_buttons(
    database: Database, clock: Clock, officer: int
) -> None:
    ticks = ticking(database, clock)
    await passes(database, clock, ticks, 9)
    await database.write(send_some, PEOPLE + 1)
    await passes(database, clock, ticks, 3)
    last = (await database.read(messages))[-1]
    assert last.body["text"].splitlines()[0] == "progress.done"
    assert last.body["buttons"] == []
    assert await database.read(lambda db: db.execute(select(progress_table)).all()) == []
    count = len(await database.read(messages))
    await passes(database, clock, ticks, 20)
    assert len(await database.read(messages)) == count


async def test_a_paused_run_shows_how_to_go_on(database: Database, clock: Clock, officer: int) -> None:
    ticks = ticking(database, clock)
    await passes(database, clock, ticks, 4)
    await database.write(broadcasts.pause, 1)
    await passes(database, clock, ticks, 6)
    last = (await database.read(messages))[-1]
    assert last.body["text"].splitlines()[0] == "progress.paused"
    assert last.body["buttons"][0]["label"] == "Broadcasts.resume"


async def test_a_small_run_and_a_channel_that_cannot_edit_have_none(database: Database, clock: Clock) -> None:
    await database.write(large_run)
    plain = {ROAD: replace(EDITING[ROAD], edits_messages=False)}
    await passes(database, clock, ticking(database, clock, plain), 10)
    assert await database.read(messages) == []
    await database.write(send_some, PEOPLE - LEAST_PEOPLE + 2)
    await passes(database, clock, ticking(database, clock), 10)
    assert await database.read(messages) == []


async def test_it_goes_where_she_was_answered_last(database: Database, clock: Clock, officer: int) -> None:
    def elsewhere(db: Connection) -> None:
        other = contacts.add_address(db, officer, "page", "elsewhere", at=MORNING)
        put(db, reply_to(officer, address_id=other.id))
        arrive(db)

    await database.write(elsewhere)
    await passes(database, clock, ticking(database, clock), 10)
    assert await database.read(messages) == []


async def test_an_owner_who_said_stop_watches_nothing(database: Database, clock: Clock, officer: int) -> None:
    await database.write(contacts.set_stopped, officer, MORNING)
    await passes(database, clock, ticking(database, clock), 10)
    assert await database.read(messages) == []


async def test_a_restart_goes_on_with_the_same_message(database: Database, clock: Clock, officer: int) -> None:
    await passes(database, clock, ticking(database, clock), 9)
    await passes(database, clock, ticking(database, clock), 10)
    first, *edits = await database.read(messages)
    assert {edit.edits_id for edit in edits} == {first.id}
    assert len(edits) == 3


def test_of_two_processes_one_edits(db: Connection) -> None:
    large_run(db)
    db.execute(update(broadcast).values(frozen_at=MORNING - timedelta(minutes=1)))
    [watched] = progress.unwatched(db, running_since=MORNING, least=1)
    to = contacts.live_addresses(db, watched.owner_id)[0].id
    message = NewDelivery(watched.owner_id, to, 0, "progress", {"text": "x", "buttons": []}, MORNING)
    assert progress.begin(db, watched, message, at=MORNING)
    assert not progress.begin(db, watched, message, at=MORNING)
    arrive(db)
    [seen] = progress.watching(db)
    later = MORNING + timedelta(seconds=5)
    assert progress.edit(db, seen, {"text": "y", "buttons": []}, at=later)
    arrive(db)
    assert not progress.edit(db, seen, {"text": "z", "buttons": []}, at=later + timedelta(seconds=1))
    assert deliveries.counts(db, watched.broadcast_id)["ready"] == PEOPLE + 1


@dataclass
class EditingRoad(Road):
    """A road whose messages can be edited."""

    @property
    def capabilities(self) -> Capabilities:
        return EDITING[ROAD]


async def test_the_sender_edits_the_very_message_that_arrived(database: Database, clock: Clock, officer: int) -> None:
    road = EditingRoad()
    ticks, sending = ticking(database, clock), sender(database, [road], clock)
    clock.forward(4)
    await ticks.tick()
    await database.write(broadcasts.pause, 1)  # only the officer's own messages go out
    await sending.drain()
    for _ in range(2):
        clock.forward(6)
        await ticks.tick()
        await sending.drain()
    own = [each for each in road.handed if each.external_id == f"p{officer}"]
    first, *edits = own
    assert first.edits == ()
    assert [each.edits for each in edits] == [("m1",), ("m1",)]
    assert [each.rendered.text.splitlines()[0] for each in edits] == ["progress.paused"] * 2
