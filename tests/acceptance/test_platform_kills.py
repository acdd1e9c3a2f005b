"""Kill the real program at random moments beside each fake platform; the platform's own ledger is the judge."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storage import campaigns, schedules, units
from storage.campaigns import NewCampaign
from storage.sites import Place, passing_engine
from tests.acceptance.people import Head, appoint_heads
from tests.acceptance.platforms import PLATFORMS, TELEGRAM, ZALO_BOT, Platform
from tests.acceptance.program import Program, database_of, free_port, rows, write_config
from tests.acceptance.test_kills import kept
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
PATIENCE_S = 20.0

each_platform = pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)


@dataclass
class Village:
    """The program, the platform, the people on it, and where the program's database is."""

    platform: Platform
    program: Program
    fake: Any
    heads: list[Head]
    database: Place


@asynccontextmanager
async def village(
    folder: Path, platform: Platform, mode: str, *, people: int, rate: int = RATE, kind: str = SQLITE
) -> AsyncIterator[Village]:
    """Yield a demonstration whose heads write from the platform; it is not running."""
    with database_of(kind, folder) as (environment, database):
        async with platform.fake(rate) as fake:
            write_config(folder, port := free_port(), ROOT / "content")
            program = Program(folder, port, environment)
            await program.start()
            await program.stop()
            heads = appoint_heads(
                database, people, channel=platform.name, first_chat=FIRST_CHAT, address=platform.address
            )
            program.environment = environment | _settings(platform, fake, mode, program.url, rate=rate)
            yield Village(platform, program, fake, heads, database)


def _settings(platform: Platform, fake: Any, mode: str, url: str, *, rate: int) -> dict[str, str]:
    section = f"LANTOA_CHANNELS__{platform.name.upper()}__"
    return {
        "LANTOA_CHANNELS__ALLOW_DEMO": "true",
        f"{section}TOKEN": fake.token,
        f"{section}API_URL": fake.url,
        f"{section}MODE": mode,
        "LANTOA_WEB__PUBLIC_URL": url,
        f"LANTOA_BROADCAST__RATE__{platform.name.upper()}": str(rate),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("platform", "mode", "kind"),
    [
        *((each, mode, SQLITE) for each in (TELEGRAM, ZALO_BOT) for mode in ("polling", "webhook")),
        pytest.param(TELEGRAM, "polling", POSTGRESQL, marks=pytest.mark.postgresql),
    ],
    ids=lambda value: value.name if isinstance(value, Platform) else value,
)
async def test_reports_by_a_platform_survive_kills_each_counted_once_and_in_order(
    tmp_path: Path, platform: Platform, mode: str, kind: str
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    async with village(tmp_path, platform, mode, people=HEADS, kind=kind) as at:
        await at.program.start()
        persons = [at.fake.person(each.chat) for each in at.heads]
        heads = [Reporting(platform, person, head) for person, head in zip(persons, at.heads, strict=True)]
        may_repeat = mode in platform.loses
        people = [asyncio.create_task(each.report_all(may_repeat=may_repeat)) for each in heads]
        kills = await _kill_at_random(at.program, people, random.Random(seed))
        await asyncio.gather(*people)
        await at.program.stop()
        again = sum(len(each.tried) - len(each.head.promised) for each in heads)
        print(f"{mode}: kills {kills}, updates {(await at.fake.totals()).updates}, again {again}, seed {seed}")
        stored = kept(at.database)
        for each in heads:
            numbers = stored[each.head.contact_id]
            if may_repeat:
                assert numbers == [number for number in each.tried if number in numbers], f"seed {seed}"
                assert set(each.head.promised) <= set(numbers), f"seed {seed}: {each.head.external_id}"
            else:
                assert numbers == each.head.promised, f"seed {seed}: {each.head.external_id}"
        assert await _too_fast(at) == 0, f"seed {seed}"


@dataclass
class Reporting:
    """A head who reports different numbers of trees one after the other.

    A card that was lost with a kill is sent unseen. Where the platform may lose what she writes, she begins anew with
    another number when nothing comes back; a report she holds for lost may have come through all the same.
    """

    platform: Platform
    person: Any
    head: Head
    tried: list[int] = field(default_factory=list)

    async def report_all(self, *, may_repeat: bool) -> None:
        """Report until so many are acknowledged."""
        while len(self.head.promised) < UPDATES // 2 // HEADS:
            trees = self.head.first_number + len(self.tried)
            self.tried.append(trees)
            if await self._report(trees, PATIENCE_S if may_repeat else 90.0):
                self.head.promised.append(trees)
            else:
                assert may_repeat, f"no receipt for {trees}"

    async def _report(self, trees: int, patience_s: float) -> bool:
        """Report a number; tell whether its receipt came."""
        await self.person.send_text(f"hôm nay trồng {trees} cây")
        card = await self._shown(f"{trees} cây", "Gửi", 6.0)
        if card is not None:
            await self.platform.choose(self.person, card, "Gửi")
        else:
            await self.person.send_text("gửi")
        return await self._shown("BC-", "Xem báo cáo", patience_s, also=f"{trees} cây") is not None

    async def _shown(self, words: str, label: str, wait_s: float, also: str = "") -> Any:
        """Read until a message has the words in it and offers a choice; None if there is none for so long."""
        try:
            async with asyncio.timeout(wait_s):
                while True:
                    message = await self.person.next_message(wait_s=wait_s)
                    is_meant = words in message.text and also in message.text
                    if is_meant and self.platform.is_shown(message, label):
                        return message
        except (TimeoutError, AssertionError):
            return None


async def _too_fast(at: Village) -> int:
    """Return how often the platform found us too fast."""
    return sum(each.status == 429 for each in await at.fake.calls())


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
@each_platform
async def test_a_broadcast_survives_kills_and_every_doubt_is_written_down(
    kind: str, tmp_path: Path, platform: Platform
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    async with village(tmp_path, platform, "polling", people=RECIPIENTS, kind=kind) as at:
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
        assert states["unknown"] <= kills * platform.window_at(RATE)
        assert set(states) <= {"sent", "unknown"}
        await _compare(at, seed)


@pytest.mark.slow
@each_platform
async def test_clean_stops_during_a_broadcast_leave_nothing_in_doubt(tmp_path: Path, platform: Platform) -> None:
    async with village(tmp_path, platform, "polling", people=RECIPIENTS) as at:
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
            await asyncio.sleep(0.1)  # a look at the file ten times a second, within the limit above
    await at.program.stop()
    query = "select state, count(*) from delivery where broadcast_id is not null group by state"
    return Counter(dict(rows(at.database, query)))


async def _compare(at: Village, seed: int) -> None:
    """Compare every recipient's state with what the platform accepted for her."""
    messages = await at.fake.messages()
    arrived = Counter(at.platform.chat_of(message) for message in messages if message.text.startswith(TEXT))
    query = """select address.external_id, delivery.state, delivery.doubts from delivery
               join address on address.contact_id = delivery.contact_id where delivery.broadcast_id is not null"""
    for chat, state, doubts in rows(at.database, query):
        assert arrived[chat] >= (state == "sent"), f"seed {seed}: {chat} is {state} and got nothing"
        assert arrived[chat] <= 1 + doubts, f"seed {seed}: {chat} got {arrived[chat]} with {doubts} doubts"
    assert await _too_fast(at) == 0, f"seed {seed}"
