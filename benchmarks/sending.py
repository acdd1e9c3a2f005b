"""Messages a second on the whole way out against a bare aiohttp loop and python-telegram-bot's `Bot`, unpaced.

Ours: claimed and recorded in SQLite (`synchronous=FULL`), rendered, handed to the Telegram channel; 100 requests in
flight. Peers: the same requests from a loop of 100 workers with no record of anything. All against one fake platform in
a process of its own, in one run; the result is the ratio, the median of pairs. aiogram's `Bot` stands beside them where
`LANTOA_TEST_AIOGRAM` names an interpreter that has it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp
from telegram import Bot

from benchmarks._union import FIRST_CHAT, TEXT, make_union, sending, start_broadcast, utc_now
from storage import broadcasts
from storage.deliveries import counts
from tests.fakes.telegram import FakeTelegram, fake_telegram_program

PAIRS = 5
WORKERS = 100
MESSAGES = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000


@dataclass(frozen=True)
class Speed:
    """Messages a second, and microseconds of processor time a message in our process."""

    per_s: float
    cpu_us: float


async def measured(work: Callable[[], Awaitable[object]], messages: int) -> Speed:
    """Do the work and return how fast it was."""
    began, cpu = time.perf_counter(), time.process_time()
    await work()
    return Speed(messages / (time.perf_counter() - began), (time.process_time() - cpu) / messages * 1e6)


async def ours(fake: FakeTelegram) -> Speed:
    """Send a broadcast with everything that belongs to it."""
    with tempfile.TemporaryDirectory() as folder:
        path = make_union(Path(folder), MESSAGES)
        async with sending(path, fake.url, fake.token, rate_per_s=None) as (db, sender):
            run_id = await db.write(start_broadcast, number=1)
            while not await db.write(broadcasts.freeze_page, run_id, at=utc_now()):
                pass

            async def send_all() -> None:
                running = asyncio.create_task(sender.run())
                while sender.under_way or (await db.read(counts, run_id))["sent"] < MESSAGES:
                    await asyncio.sleep(0.005)  # else the last look, and not the last message, would end the time
                sender.stop()
                await running

            return await measured(send_all, MESSAGES)


async def by_workers(send: Callable[[int], Awaitable[object]], messages: int) -> Speed:
    """Let 100 workers send."""
    numbers = iter(range(messages))

    async def work() -> None:
        for number in numbers:
            await send(FIRST_CHAT + number)

    async def all_workers() -> None:
        await asyncio.gather(*(work() for _ in range(WORKERS)))

    return await measured(all_workers, messages)


async def bare(fake: FakeTelegram) -> Speed:
    """Post the same requests with aiohttp alone."""
    url = f"{fake.api_url}{fake.token}/sendMessage"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=WORKERS)) as session:

        async def send(chat: int) -> None:
            async with session.post(url, json={"chat_id": chat, "text": TEXT}) as answer:
                assert (await answer.json())["ok"]

        return await by_workers(send, MESSAGES)


async def library(fake: FakeTelegram) -> Speed:
    """Send with python-telegram-bot's own `Bot` and its own transport."""
    async with Bot(fake.token, base_url=fake.api_url) as bot:
        return await by_workers(lambda chat: bot.send_message(chat, TEXT), MESSAGES // 5)


async def aiogram(fake: FakeTelegram) -> float:
    """Send with aiogram's own `Bot`, in a process of its own; 0 where there is none."""
    interpreter = os.environ.get("LANTOA_TEST_AIOGRAM")
    if interpreter is None:
        return 0.0
    script = Path(__file__).with_name("_aiogram.py")
    words = [interpreter, str(script), fake.url, fake.token, str(MESSAGES // 5)]
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    return float(said)


async def main() -> None:
    """Run the pairs and print one table, and JSON beside it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)  # as the program does
    rows: list[tuple[Speed, Speed, Speed]] = []
    others: list[float] = []
    async with fake_telegram_program(whole_bot=None, per_private=None, per_group=None) as fake:
        for _ in range(PAIRS):
            rows.append((await ours(fake), await bare(fake), await library(fake)))
            others.append(await aiogram(fake))
    print("the whole way out, unpaced, 100 in flight, one fake platform")
    speeds = f"{'ours/s':>8} {'bare/s':>8} {'library/s':>10} {'aiogram/s':>10}"
    print(f"{speeds} {'ours ÷ bare':>12} {'ours µs':>8} {'bare µs':>8}")
    for (own, alone, their), other in zip(rows, others, strict=True):
        ratio = own.per_s / alone.per_s
        print(
            f"{own.per_s:>8.0f} {alone.per_s:>8.0f} {their.per_s:>10.0f} {other:>10.0f} {ratio:>12.2f}"
            f" {own.cpu_us:>8.0f} {alone.cpu_us:>8.0f}"
        )
    ratios = sorted(own.per_s / alone.per_s for own, alone, _ in rows)
    print(f"ratio: median {statistics.median(ratios):.2f}, from {ratios[0]:.2f} to {ratios[-1]:.2f}")
    runs = [[*map(asdict, row)] for row in rows]
    print(json.dumps({"ratio": statistics.median(ratios), "ratios": ratios, "runs": runs, "aiogram": others}))


if __name__ == "__main__":
    asyncio.run(main())
