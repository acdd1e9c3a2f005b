"""Kill the real program at random moments while many schedules come due; no due time may be lost or doubled."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage import campaigns, schedules, units
from storage.campaigns import NewCampaign
from storage.sqlite import sqlite_engine
from tests.acceptance.people import appoint_heads
from tests.acceptance.program import Program, free_port, write_config

ROOT = Path(__file__).resolve().parents[2]
DUES = int(os.environ.get("LANTOA_TEST_DUES", "120"))
KILLS = int(os.environ.get("LANTOA_TEST_DUE_KILLS", "3"))
APART = timedelta(milliseconds=20)
SHORT_S = 2
"""Every third schedule may be no later than this, so that some come too late while the program is down."""


async def test_every_due_time_ends_fired_once_or_skipped_and_told(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    program = Program(tmp_path, port := free_port())
    write_config(tmp_path, port, ROOT / "content")
    await program.start()
    await program.stop()
    owner, _ = appoint_heads(tmp_path / "var" / "lantoa.db", 2)
    database = tmp_path / "var" / "lantoa.db"
    last = _plan(database, owner.contact_id, datetime.now(UTC) + timedelta(seconds=3))
    await program.start()
    kills = await _kill_at_random(program, random.Random(seed), last)
    await _until_over(database)
    await program.stop()
    fired, skipped, told = _outcomes(database, owner.contact_id)
    print(f"kills {kills}, due times {DUES}, fired {fired}, skipped {skipped}, seed {seed}")
    assert kills == KILLS
    assert fired + skipped == DUES, f"seed {seed}"
    assert told == skipped, f"seed {seed}"


def _plan(database: Path, owner_id: int, first: datetime) -> datetime:
    """Plan a message for each due time and return the last one."""
    engine = sqlite_engine(database)
    with engine.begin() as db:
        village = units.search(db, "làng Bối", first.date())[0]
        for number in range(DUES):
            new = NewCampaign(owner_id, village.id, "chi_hoi_truong", {"vi": "Mời họp"}, client_key=f"due:{number}")
            made, _ = campaigns.create(db, new, at=first)
            late_s = SHORT_S if number % 3 == 0 else schedules.CATCH_UP_S
            at = first + number * APART
            schedules.create(db, made.id, rule=schedules.ONCE, next_due_at=at, catch_up_s=late_s)
    engine.dispose()
    return at


async def _kill_at_random(program: Program, dice: random.Random, last: datetime) -> int:
    """Kill and restart; the pauses are part of the experiment: the moment must be anyone's guess."""
    kills = 0
    while kills < KILLS:
        await asyncio.sleep(dice.uniform(0.2, 2.0))
        await program.kill()
        await asyncio.sleep(dice.uniform(0.0, 1.0))
        await program.start()
        kills += 1
    await asyncio.sleep(max(0.0, (last - datetime.now(UTC)).total_seconds()))
    return kills


async def _until_over(database: Path, limit_s: float = 120) -> None:
    """Wait until every schedule has ended and every run is told of."""
    query = """select (select count(*) from schedule where state = 'active' and next_due_at is not null)
                    + (select count(*) from broadcast where told_at is null)"""
    async with asyncio.timeout(limit_s):
        while True:
            with closing(sqlite3.connect(database)) as db:
                if db.execute(query).fetchone()[0] == 0:
                    return
            await asyncio.sleep(0.1)


def _outcomes(database: Path, owner_id: int) -> tuple[int, int, int]:
    """Return how many due times were fired with exactly one run, how many were skipped, and how many of these told."""
    with closing(sqlite3.connect(database)) as db:
        doubled = "select count(*) from broadcast group by campaign_id having count(*) > 1"
        assert db.execute(doubled).fetchall() == []
        [(fired,)] = db.execute(
            """select count(*) from firing join broadcast on broadcast.firing_id = firing.id
               where firing.outcome = 'fired' and broadcast.state = 'done'"""
        )
        skipped = db.execute(
            """select campaign.code from firing join schedule on schedule.id = firing.schedule_id
               join campaign on campaign.id = schedule.campaign_id where firing.outcome = 'skipped'"""
        ).fetchall()
        notices = [
            body
            for (body,) in db.execute("select body from delivery where contact_id = ? and lane = 0", [owner_id])
            if body is not None and "đã không được gửi" in body
        ]
        told = sum(1 for (code,) in skipped if sum(f"{code} " in body for body in notices) == 1)
    return fired, len(skipped), told
