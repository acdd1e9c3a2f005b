"""What we said in a restricted talk is taken away from her chat within the day, once, where the platform allows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from storage import housekeeping
from storage.database import Database
from storage.schema import address, delivery
from tests.sending.world import MORNING, ROAD, Clock, Road, person, put, reply_to, row_of, sender

DUE_S = 23 * 3600 + 1


async def said(database: Database, road: Road, clock: Clock, *texts: str, restricted: bool = True) -> list[int]:
    """Send replies to one person."""

    def write(db: Connection) -> list[int]:
        her = person(db)
        address_id = db.scalar(select(address.c.id).where(address.c.contact_id == her))
        return put(db, *(reply_to(her, text, address_id=address_id, restricted=restricted) for text in texts))

    ids = await database.write(write)
    await sender(database, [road], clock).drain()
    return ids


async def keeps_house(database: Database, road: Road, clock: Clock, *, erasing: tuple[str, ...] = (ROAD,)) -> int:
    """Let housekeeping run, send what it asks for, and return how many messages were taken away."""
    before = len(road.handed)
    await database.write(housekeeping.erase_old, now=clock.now(), erasing=erasing)
    await sender(database, [road], clock).drain()
    assert all(each.erases for each in road.handed[before:])
    return len(road.handed) - before


async def test_each_message_is_taken_away_once_when_its_text_is_blanked(
    database: Database, road: Road, clock: Clock
) -> None:
    first, second = await said(database, road, clock, "trước hết là an toàn", "liên hệ cách nào?")
    clock.forward(DUE_S - 2)
    assert await keeps_house(database, road, clock) == 0
    clock.forward(2)
    assert await keeps_house(database, road, clock) == 2
    assert [each.edits for each in road.handed[2:]] == [("m1",), ("m2",)]
    assert (await database.read(row_of, first)).body is None
    assert (await database.read(row_of, second)).state == "sent"
    for _ in range(30):
        clock.forward(3600)
        assert await keeps_house(database, road, clock) == 0, "not a second time, nor what took it away"


async def test_other_messages_and_other_channels_are_left_alone(database: Database, road: Road, clock: Clock) -> None:
    await said(database, road, clock, "menu", restricted=False)
    await said(database, road, clock, "trước hết là an toàn")
    clock.forward(DUE_S)
    assert await keeps_house(database, road, clock, erasing=()) == 0
    clock.forward(1)
    assert await keeps_house(database, road, clock) == 0, "blanked before, when nothing could be taken away"


@pytest.mark.parametrize(
    "values",
    [{"state": "unknown"}, {"state": "failed"}, {"message_id": None}, {"settled_at": MORNING - timedelta(hours=25)}],
    ids=["doubtful", "failed", "without an id", "too old"],
)
async def test_what_cannot_be_taken_away_is_not_tried(
    database: Database, road: Road, clock: Clock, values: Mapping[str, Any]
) -> None:
    await said(database, road, clock, "trước hết là an toàn")
    await database.write(lambda db: db.execute(update(delivery).values(**values)) and None)
    clock.forward(DUE_S)
    assert await keeps_house(database, road, clock) == 0


async def test_an_address_that_is_closed_to_us_is_left_alone(database: Database, road: Road, clock: Clock) -> None:
    await said(database, road, clock, "trước hết là an toàn")
    await database.write(lambda db: db.execute(update(address).values(state="dead")) and None)
    clock.forward(DUE_S)
    assert await keeps_house(database, road, clock) == 0
