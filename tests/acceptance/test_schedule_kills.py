"""Kill the real program at random moments while many schedules come due; no due time may be lost or doubled."""

from __future__ import annotations

import asyncio
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage import campaigns, schedules, units
from storage.campaigns import NewCampaign
from storage.sites import Place, passing_engine
from tests.acceptance.people import appoint_heads
from tests.acceptance.program import Program, database_of, free_port, rows, write_config
from tests.tables import kind as kind

ROOT = Path(__file__).resolve().parents[2]
DUES = int(os.environ.get("LANTOA_TEST_DUES", "120"))
KILLS = int(os.environ.get("LANTOA_TEST_DUE_KILLS", "3"))
APART = timedelta(milliseconds=20)
SHORT_S = 2
"""Every third schedule may be no later than this, so that some come too late while the program is down."""


async def test_every_due_time_ends_fired_once_or_skipped_and_told(kind: str, tmp_path: Path) -> None:
    write_config(tmp_path, port := free_port(), ROOT / "content")
    with database_of(kind, tmp_path) as (environment, database):
        await _kill_and_compare(Program(tmp_path, port, environment), database)


async def _kill_and_compare(program: Program, database: Place) -> None:
    seed = random.SystemRandom().randrange(10**6)
    await program.start()
    await program.stop()
    owner, _ = appoint_heads(database, 2)
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


def _plan(database: Place, owner_id: int, first: datetime) -> datetime:
    """Plan a message for each due time and return the last one."""
    with passing_engine(database) as engine, engine.begin() as db:
        village = units.search(db, "làng Bối", first.date())[0]
        for number in range(DUES):
            new = NewCampaign(owner_id, village.id, "chi_hoi_truong", {"vi": "Mời họp"}, client_key=f"due:{number}")
            made, _ = campaigns.create(db, new, at=first)
            late_s = SHORT_S if number % 3 == 0 else schedules.CATCH_UP_S
            at = first + number * APART
            schedules.create(db, made.id, rule=schedules.ONCE, next_due_at=at, catch_up_s=late_s)
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


async def _until_over(database: Place, limit_s: float = 120) -> None:
    """Wait until every schedule has ended and every run is told of."""
    query = """select (select count(*) from schedule where state = 'active' and next_due_at is not null)
                    + (select count(*) from broadcast where told_at is null)"""
    async with asyncio.timeout(limit_s):
        while rows(database, query) != [(0,)]:
            await asyncio.sleep(0.1)  # a look at the file ten times a second, within the limit above


def _outcomes(database: Place, owner_id: int) -> tuple[int, int, int]:
    """Return how many due times were fired with exactly one run, how many were skipped, and how many of these told."""
    assert rows(database, "select count(*) from broadcast group by campaign_id having count(*) > 1") == []
    [(fired,)] = rows(
        database,
        """select count(*) from firing join broadcast on broadcast.firing_id = firing.id
           where firing.outcome = 'fired' and broadcast.state = 'done'""",
    )
    skipped = rows(
        database,
        """select campaign.code from firing join schedule on schedule.id = firing.schedule_id
           join campaign on campaign.id = schedule.campaign_id where firing.outcome = 'skipped'""",
    )
    told_her = f"select cast(body as text) from delivery where contact_id = {owner_id} and lane = 0"
    notices = [body for (body,) in rows(database, told_her) if body is not None and "đã không được gửi" in body]
    told = sum(1 for (code,) in skipped if sum(f"{code} " in body for body in notices) == 1)
    return fired, len(skipped), told
