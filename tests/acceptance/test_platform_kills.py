"""Kill the real program at random moments beside a fake platform; the platform's own ledger is the judge."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.channels.telegram.settings import capabilities_at
from storage import campaigns, schedules, units
from storage.campaigns import NewCampaign
from storage.sites import Place, passing_engine
from tests.acceptance.people import Head, appoint_heads
from tests.acceptance.program import Program, database_of, free_port, rows, write_config
from tests.acceptance.test_kills import kept
from tests.fakes.telegram import FakeTelegram, Message, Person, fake_telegram_program
from tests.tables import POSTGRESQL, SQLITE
from tests.tables import kind as kind

ROOT = Path(__file__).resolve().parents[2]
UPDATES = int(os.environ.get("LANTOA_TEST_UPDATES", "120"))
UPDATE_KILLS = int(os.environ.get("LANTOA_TEST_UPDATE_KILLS", "4"))
RECIPIENTS = int(os.environ.get("LANTOA_TEST_RECIPIENTS", "400"))
RECIPIENT_KILLS = int(os.environ.get("LANTOA_TEST_RECIPIENT_KILLS", "6"))
CLEAN_STOPS = int(os.environ.get("LANTOA_TEST_CLEAN_STOPS", "3"))
RATE = int(os.environ.get("LANTOA_TEST_RATE", "100"))
HEADS = 20
FIRST_CHAT = 5_000_001
TEXT = "Mời chị em họp chi hội"


@dataclass
class Village:
    """The program, the platform, the people on it, and where the program's database is."""

    program: Program
    fake: FakeTelegram
    heads: list[Head]
    database: Place


@asynccontextmanager
async def village(
    folder: Path, mode: str, *, people: int, rate: int = RATE, kind: str = SQLITE
) -> AsyncIterator[Village]:
    """Yield a demonstration whose heads write from the platform; it is not running."""
    with database_of(kind, folder) as (environment, database):
        async with fake_telegram_program(whole_bot=(rate, 1.0), time_factor=0.05) as fake:
            write_config(folder, port := free_port(), ROOT / "content")
            program = Program(folder, port, environment)
            await program.start()
            await program.stop()
            heads = appoint_heads(database, people, channel="telegram", first_chat=FIRST_CHAT)
            program.environment = environment | _settings(fake, mode, program.url, rate)
            yield Village(program, fake, heads, database)


def _settings(fake: FakeTelegram, mode: str, url: str, rate: int) -> dict[str, str]:
    return {
        "LANTOA_CHANNELS__ALLOW_DEMO": "true",
        "LANTOA_CHANNELS__TELEGRAM__TOKEN": fake.token,
        "LANTOA_CHANNELS__TELEGRAM__API_URL": fake.url,
        "LANTOA_CHANNELS__TELEGRAM__MODE": mode,
        "LANTOA_WEB__PUBLIC_URL": url,
        "LANTOA_BROADCAST__RATE__TELEGRAM": str(rate),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "kind"),
    [("polling", SQLITE), ("webhook", SQLITE), pytest.param("polling", POSTGRESQL, marks=pytest.mark.postgresql)],
)
async def test_reports_by_a_platform_survive_kills_each_counted_once_and_in_order(
    tmp_path: Path, mode: str, kind: str
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    async with village(tmp_path, mode, people=HEADS, kind=kind) as at:
        await at.program.start()
        people = [asyncio.create_task(_report_all(at.fake.person(int(each.external_id)), each)) for each in at.heads]
        kills = await _kill_at_random(at.program, people, random.Random(seed))
        await asyncio.gather(*people)
        await at.program.stop()
        print(f"{mode}: kills {kills}, updates {(await at.fake.totals()).updates}, seed {seed}")
        stored = kept(at.database)
        for head in at.heads:
            assert stored[head.contact_id] == head.promised, f"seed {seed}: {head.external_id}"
        assert await at.fake.halts() == [], f"seed {seed}"


async def _report_all(person: Person, head: Head) -> None:
    """Report different numbers of trees one after the other. A card that was lost with a kill is sent unseen."""
    for number in range(UPDATES // 2 // HEADS):
        trees = head.first_number + number
        await person.send_text(f"hôm nay trồng {trees} cây")
        card = await _shown(person, f"{trees} cây", 6.0)
        if card is not None:
            await person.press(card, "Gửi")
        else:
            await person.send_text("gửi")
        while await _shown(person, "BC-", 90.0) is None:
            raise AssertionError(f"no receipt for {trees}")
        head.promised.append(trees)


async def _shown(person: Person, words: str, wait_s: float) -> Message | None:
    """Read until a message has `words` in it and buttons under it; None if there is none for so long."""
    try:
        async with asyncio.timeout(wait_s):
            while True:
                message = await person.next_message(wait_s=wait_s)
                if words in message.text and message.labels:
                    return message
    except (TimeoutError, AssertionError):
        return None


async def _kill_at_random(program: Program, people: list[asyncio.Task[None]], dice: random.Random) -> int:
    """Kill and restart; the pauses are part of the experiment: the moment must be anyone's guess."""
    kills = 0
    while kills < UPDATE_KILLS and not all(person.done() for person in people):
        await asyncio.sleep(dice.uniform(0.3, 3.0))
        await program.kill()
        await program.start()
        kills += 1
    return kills


@pytest.mark.slow
async def test_a_broadcast_survives_kills_and_every_doubt_is_written_down(kind: str, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    async with village(tmp_path, "polling", people=RECIPIENTS, kind=kind) as at:
        plan(at)
        await at.program.start()
        dice, kills = random.Random(seed), 0
        while kills < RECIPIENT_KILLS and not _is_over(at.database):
            await asyncio.sleep(dice.uniform(0.2, 2.0))
            await at.program.kill()
            await at.program.start()
            kills += 1
        states = await _ended(at)
        print(f"kills {kills}, recipients {RECIPIENTS}, {dict(states)}, seed {seed}")
        assert states.total() == RECIPIENTS
        assert states["unknown"] <= kills * capabilities_at(RATE).window
        assert set(states) <= {"sent", "unknown"}
        await _compare(at, seed)


@pytest.mark.slow
async def test_clean_stops_during_a_broadcast_leave_nothing_in_doubt(tmp_path: Path) -> None:
    async with village(tmp_path, "polling", people=RECIPIENTS) as at:
        plan(at)
        await at.program.start()
        stops = 0
        while stops < CLEAN_STOPS and not _is_over(at.database):
            await asyncio.sleep(1.2)  # one window after the start, then something is under way
            await at.program.stop()
            await at.program.start()
            stops += 1
        assert await _ended(at) == {"sent": RECIPIENTS}
        await _compare(at, 0)


def plan(at: Village) -> None:
    """Plan a message to all heads, due at once."""
    now = datetime.now(UTC)
    with passing_engine(at.database) as engine, engine.begin() as db:
        village = units.search(db, "làng Bối", now.date())[0]
        new = NewCampaign(at.heads[0].contact_id, village.id, "chi_hoi_pho", {"vi": TEXT}, client_key="kills")
        made, _ = campaigns.create(db, new, at=now)
        schedules.create(db, made.id, rule=schedules.ONCE, next_due_at=now + timedelta(milliseconds=100))


def _is_over(database: Place) -> bool:
    return bool(rows(database, "select 1 from broadcast where told_at is not null"))


async def _ended(at: Village) -> Counter[str]:
    """Wait for the end and return how many recipients are in each state."""
    async with asyncio.timeout(60 + RECIPIENTS / RATE):
        while not _is_over(at.database):
            await asyncio.sleep(0.1)
    await at.program.stop()
    query = "select state, count(*) from delivery where broadcast_id is not null group by state"
    return Counter(dict(rows(at.database, query)))


async def _compare(at: Village, seed: int) -> None:
    """Compare every recipient's state with what the platform accepted for her."""
    arrived = Counter(message.chat_id for message in await at.fake.messages() if message.text.startswith(TEXT))
    query = """select cast(address.external_id as integer), delivery.state, delivery.doubts from delivery
               join address on address.contact_id = delivery.contact_id where delivery.broadcast_id is not null"""
    for chat, state, doubts in rows(at.database, query):
        assert arrived[chat] >= (state == "sent"), f"seed {seed}: {chat} is {state} and got nothing"
        assert arrived[chat] <= 1 + doubts, f"seed {seed}: {chat} got {arrived[chat]} with {doubts} doubts"
    assert await at.fake.halts() == [], f"seed {seed}"
