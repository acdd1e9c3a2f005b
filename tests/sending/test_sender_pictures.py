"""A picture goes with its text; where it cannot, the text goes and says so where the channel wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, update

from bot.channels.base import PictureRefused, SentPicture
from storage.database import Database
from storage.schema import delivery
from tests.sending.world import Clock, Road, person, put, reply_to, sender

MADE = SentPicture(Path("chart.png"), 600, 400)


async def with_picture(database: Database, road: Road, clock: Clock, pictures: Any) -> Sequence[SentPicture | None]:
    def fill(db: Connection) -> None:
        body = {"text": "kết quả", "buttons": [], "picture": {"kind": "chart", "spec": {}, "description": "biểu đồ"}}
        [row_id] = put(db, reply_to(person(db)))
        db.execute(update(delivery).where(delivery.c.id == row_id).values(body=body))

    await database.write(fill)
    await sender(database, [road], clock, pictures=pictures).drain()
    assert len(road.ledger) == 1
    return road.pictures


async def a_picture(wanted: Mapping[str, Any]) -> SentPicture:
    assert wanted["kind"] == "chart"
    return MADE


async def test_where_pictures_cannot_be_shown_the_text_says_so(database: Database, road: Road, clock: Clock) -> None:
    road.shows_pictures, road.tells_of_pictures = False, True
    assert await with_picture(database, road, clock, a_picture) == [None]
    assert road.ledger[0][1] == "kết quả\n\npicture.elsewhere"


async def test_a_picture_the_platform_does_not_get_leaves_the_text(
    database: Database, road: Road, clock: Clock
) -> None:
    road.tells_of_pictures = True
    road.script["p1"] = [PictureRefused("picture")]
    assert await with_picture(database, road, clock, a_picture) == [None]
    assert road.ledger[0][1] == "kết quả\n\npicture.elsewhere"
    assert road.begun == 2


async def test_a_picture_goes_with_its_text(database: Database, road: Road, clock: Clock) -> None:
    assert await with_picture(database, road, clock, a_picture) == [MADE]


async def test_without_its_picture_the_text_still_goes(database: Database, road: Road, clock: Clock) -> None:
    async def fail(_wanted: Mapping[str, Any]) -> SentPicture:
        raise OSError("disk full")

    assert await with_picture(database, road, clock, fail) == [None]
