"""Due times that came while nobody looked, rules that cannot be read, and many due times at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from sqlalchemy import Connection, select, update

from bot.broadcast import Broadcasts
from bot.content import load_content
from bot.firing import MOST_MISSED
from dialogue.text import Wording
from storage import contacts, schedules
from storage.database import Database
from storage.schema import broadcast, campaign, delivery, firing, schedule
from tests.sending.world import MORNING, WORDING, Clock, found_union
from tests.sending.world import campaign as add_campaign

MANY = 500
HOURLY = "0 * * * *"
CONTENT = Path(__file__).resolve().parents[2] / "content"


def planned(db: Connection, rule: str, at: datetime = MORNING) -> int:
    union = found_union(db)
    schedules.create(db, add_campaign(db, union), rule=rule, next_due_at=at)
    return union.officer


def ticking(db: Database, clock: Clock, wording: Wording = WORDING) -> Broadcasts:
    return Broadcasts(db, wording, now=clock.now, on_outgoing=lambda: None)


def outcomes(db: Connection) -> list[tuple[datetime, str]]:
    rows = db.execute(select(firing.c.due_at, firing.c.outcome).order_by(firing.c.due_at))
    return [(row.due_at, row.outcome) for row in rows]


def notices(db: Connection) -> list[str]:
    return [body["text"] for body in db.scalars(select(delivery.c.body).where(delivery.c.lane == 0))]


def runs(db: Connection) -> int:
    return len(db.scalars(select(broadcast.c.id)).all())


def next_due(db: Connection) -> tuple[str, datetime | None]:
    row = db.execute(select(schedule.c.state, schedule.c.next_due_at)).one()
    return row.state, row.next_due_at


async def test_of_several_missed_due_times_only_the_latest_still_runs(database: Database, clock: Clock) -> None:
    await database.write(planned, HOURLY)
    clock.forward(10 * 3600 + 60)
    for _ in range(3):
        await ticking(database, clock).tick()
    found = await database.read(outcomes)
    assert found == [
        *((MORNING + timedelta(hours=hour), "skipped") for hour in range(10)),
        (MORNING + timedelta(hours=10), "fired"),
    ]
    assert await database.read(runs) == 1
    assert await database.read(notices) == ["broadcast.skipped_several\n\nbroadcast.made_up_for"]
    assert await database.read(next_due) == ("active", MORNING + timedelta(hours=11))


async def test_one_notice_names_how_many_were_skipped_and_which(database: Database, clock: Clock) -> None:
    wording = load_content(CONTENT, ("vi", "en")).wording
    await database.write(planned, HOURLY)
    await database.write(lambda db: db.execute(update(schedule).values(catch_up_s=60)))
    clock.forward(12 * 3600 + 120)
    await ticking(database, clock, wording).tick()
    [notice] = await database.read(notices)
    head, *lines = notice.splitlines()
    assert "13 lượt" in head
    assert lines[0] == "• 09:00 ngày 23/11/2026"
    assert lines[-1] == "• và 3 lượt nữa"
    assert await database.read(runs) == 0


async def test_a_very_long_absence_is_caught_up_with_in_parts(database: Database, clock: Clock) -> None:
    await database.write(planned, "* * * * *")
    clock.forward((MOST_MISSED + 100) * 60)
    for _ in range(2):
        await ticking(database, clock).tick()
    found = await database.read(outcomes)
    assert [outcome for _, outcome in found] == ["skipped"] * (MOST_MISSED + 100) + ["fired"]
    assert [one + timedelta(minutes=1) for one, _ in found[:-1]] == [other for other, _ in found[1:]]


async def test_a_due_time_has_one_firing_even_if_its_schedule_comes_back_to_it(
    database: Database, clock: Clock
) -> None:
    await database.write(planned, HOURLY)
    await ticking(database, clock).tick()
    await database.write(lambda db: db.execute(update(schedule).values(next_due_at=MORNING)))
    await ticking(database, clock).tick()
    assert await database.read(outcomes) == [(MORNING, "fired")]
    assert await database.read(runs) == 1
    assert await database.read(notices) == []


async def test_the_owner_of_a_schedule_that_cannot_be_read_is_told(database: Database, clock: Clock) -> None:
    await database.write(planned, "sometimes")
    await ticking(database, clock).tick()
    assert await database.read(runs) == 1
    assert await database.read(next_due) == ("ended", None)
    assert await database.read(notices) == ["broadcast.unreadable_schedule"]


async def test_so_is_the_owner_of_one_that_should_go_on_after_a_pause(database: Database, clock: Clock) -> None:
    await database.write(planned, "sometimes")
    await database.write(lambda db: (schedules.pause(db, 1), schedules.resume(db, 1)))
    for _ in range(2):
        await ticking(database, clock).tick()
    assert await database.read(next_due) == ("ended", None)
    assert await database.read(notices) == ["broadcast.unreadable_schedule"]


async def test_an_owner_who_said_stop_is_not_told(database: Database, clock: Clock) -> None:
    owner = await database.write(planned, "sometimes")
    await database.write(contacts.set_stopped, owner, MORNING)
    await ticking(database, clock).tick()
    assert await database.read(notices) == []


async def test_one_that_fails_keeps_no_other_waiting(database: Database, clock: Clock) -> None:
    def many(db: Connection) -> None:
        union = found_union(db)
        for number in range(50):
            made = add_campaign(db, union, key=f"{number}")
            schedules.create(db, made, rule="once", next_due_at=MORNING + timedelta(milliseconds=number))
        # This one's run cannot be inserted: its code is taken.
        code = db.scalar(select(campaign.c.code).where(campaign.c.id == 7))
        db.execute(broadcast.insert().values(code=code, campaign_id=8, state="done", created_at=MORNING))

    await database.write(many)
    clock.forward(1)
    await ticking(database, clock).tick()
    found = await database.read(outcomes)
    assert len(found) == 49
    assert MORNING + timedelta(milliseconds=6) not in dict(found)


async def test_hundreds_of_due_times_are_fired_by_one_tick_and_in_order(database: Database, clock: Clock) -> None:
    def many(db: Connection) -> None:
        union = found_union(db)
        for number in range(MANY):
            made = add_campaign(db, union, key=f"{number}")
            schedules.create(db, made, rule="once", next_due_at=MORNING + timedelta(milliseconds=20 * number))

    await database.write(many)
    clock.forward(40)
    await ticking(database, clock).tick()
    found = await database.read(lambda db: list(db.scalars(select(firing.c.due_at).order_by(firing.c.id))))
    assert len(set(found)) == len(found) == MANY
    assert all(one < other for one, other in pairwise(found))
    assert await database.read(runs) == MANY
