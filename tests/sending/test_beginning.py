"""A run waits for its photo, and does not begin with a text that no longer fits."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update

from bot.broadcast import Broadcasts
from bot.content import load_content
from dialogue.messages import Capabilities
from dialogue.text import Wording
from storage import broadcasts, contacts, schedules
from storage.database import Database
from storage.schema import attachment, broadcast, delivery
from tests.sending.world import MORNING, ROAD, Clock, Union, campaign, found_union, join, person

CONTENT = Path(__file__).resolve().parents[2] / "content"
TIGHT = {ROAD: Capabilities(buttons=True, pictures=True, text_limit=120, caption_limit=90)}


@pytest.fixture(scope="module")
def wording() -> Wording:
    return load_content(CONTENT, ("vi", "en")).wording


def planned(db: Connection, text: str = "Mời họp", photo: int | None = None) -> int:
    union = found_union(db)
    join(db, member := person(db, name="Lan"), union.chapter)
    schedules.create(db, campaign(db, union, texts={"vi": text}, attachment_id=photo), rule="once", next_due_at=MORNING)
    return member


def with_photo(db: Connection) -> None:
    db.execute(attachment.insert().values(received_sha256="a" * 64, created_at=MORNING))
    planned(db, photo=1)


def state(db: Connection) -> tuple[str, str | None]:
    row = db.execute(select(broadcast.c.state, broadcast.c.reason)).one()
    return row.state, row.reason


def told(db: Connection) -> list[str]:
    return [body["text"] for body in db.scalars(select(delivery.c.body).where(delivery.c.lane == 0))]


def ticking(db: Database, clock: Clock, wording: Wording) -> Broadcasts:
    return Broadcasts(db, wording, now=clock.now, on_outgoing=lambda: None, channels=TIGHT)


async def test_a_run_waits_until_its_photo_is_safe_to_show(database: Database, clock: Clock, wording: Wording) -> None:
    await database.write(with_photo)
    ticks = ticking(database, clock, wording)
    for _ in range(3):
        await ticks.tick()
    assert await database.read(state) == ("freezing", None)
    await database.write(lambda db: db.execute(update(attachment).values(state="kept", sha256="b" * 64)))
    await ticks.tick()
    assert await database.read(state) == ("running", None)


async def test_a_refused_photo_pauses_it_and_its_owner_reads_why(
    database: Database, clock: Clock, wording: Wording
) -> None:
    await database.write(with_photo)
    await database.write(lambda db: db.execute(update(attachment).values(state="refused")))
    ticks = ticking(database, clock, wording)
    for _ in range(2):
        await ticks.tick()
    assert await database.read(state) == ("paused", "photo_refused")
    [notice] = await database.read(told)
    assert "chưa gửi cho ai" in notice
    assert "Ảnh gửi kèm không dùng được" in notice


async def test_one_that_waits_keeps_no_other_waiting(database: Database, clock: Clock, wording: Wording) -> None:
    await database.write(with_photo)

    def another(db: Connection) -> None:
        there = Union(commune=2, chapter=4, other_chapter=5, neighbour=3, officer=1)
        schedules.create(db, campaign(db, there, key="plain"), rule="once", next_due_at=MORNING)

    await database.write(another)
    await ticking(database, clock, wording).tick()
    states = await database.read(lambda db: sorted(db.scalars(select(broadcast.c.state))))
    assert states == ["freezing", "running"]


async def test_a_name_that_grew_too_long_since_keeps_a_run_from_beginning(
    database: Database, clock: Clock, wording: Wording
) -> None:
    text = "Mời {tên} đi họp lúc 7h tối ở nhà văn hóa"
    member = await database.write(planned, text)
    await database.write(contacts.set_name, member, "Nguyễn Phúc Công Tằng Tôn Nữ Thị Hồng Ngọc Lan")
    ticks = ticking(database, clock, wording)
    for _ in range(2):
        await ticks.tick()
    assert await database.read(state) == ("paused", "no_longer_fits")
    assert "tên dài hơn trước" in (await database.read(told))[0]
    await database.write(contacts.set_name, member, "Lan")
    assert await database.write(broadcasts.resume, 1)
    await ticks.tick()
    assert await database.read(state) == ("running", None)


async def test_a_long_name_does_no_harm_where_the_text_has_room(
    database: Database, clock: Clock, wording: Wording
) -> None:
    member = await database.write(planned, "Mời {tên} đi họp")
    await database.write(contacts.set_name, member, "Nguyễn Phúc Công Tằng Tôn Nữ Thị Hồng Ngọc Lan")
    await ticking(database, clock, wording).tick()
    assert await database.read(state) == ("running", None)


@pytest.mark.parametrize(("length", "outcome"), [(90, "paused"), (60, "running")])
async def test_a_text_without_names_must_fit_too(
    database: Database, clock: Clock, wording: Wording, length: int, outcome: str
) -> None:
    await database.write(planned, "x" * length)
    await ticking(database, clock, wording).tick()
    assert (await database.read(state))[0] == outcome


def test_what_begins_is_asked_once(db: Connection) -> None:
    planned(db)
    run = broadcasts.start(db, 1, None, at=MORNING)
    [beginning] = broadcasts.beginning(db, [run.id])
    assert (beginning.photo, beginning.urgent, beginning.texts) == (None, None, {"vi": "Mời họp"})
    while not broadcasts.freeze_page(db, run.id, at=MORNING):
        pass
    assert broadcasts.beginning(db, [run.id]) == []
