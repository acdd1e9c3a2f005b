"""Does a broadcast use the permitted rate without one refusal, and do replies pass it? The real program beside a strict
fake platform: 30 and 1,000 messages a second, then a wait of 5 s that the platform asks for.

Replies are asked for nine times a second: once in each ninth of a second, and at random (a Poisson process). At 30/s a
slot comes free every 33 ms, so of two who ask within one step the second waits for two, whatever the program does.

`python -m benchmarks.pacing 60` measures for a minute at each rate (20 s without the argument).
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import tempfile
from itertools import accumulate
from pathlib import Path

from tests.acceptance.platforms import TELEGRAM
from tests.acceptance.test_platform_kills import FIRST_CHAT, TEXT, Village, plan, village
from tests.fakes.records import Called
from tests.fakes.telegram import FakeTelegram, Message

SECONDS = int(sys.argv[1]) if len(sys.argv) > 1 else 20
REPLIES_PER_S = 9.0
ASKERS = 400
FIRST_ASKER = 9_000_001


def moments(seconds: float, *, spread: bool) -> list[float]:
    """Return when to ask, in seconds from the start."""
    dice, count, step_s = random.Random(7), int(seconds * REPLIES_PER_S), 1 / REPLIES_PER_S
    if spread:
        return [(number + dice.random()) * step_s for number in range(count)]
    return list(accumulate(dice.expovariate(REPLIES_PER_S) for _ in range(count)))


async def ask(fake: FakeTelegram, seconds: float, *, spread: bool) -> dict[int, float]:
    """Let strangers ask for help, each once; return who asked when."""
    asked, began = dict[int, float](), asyncio.get_running_loop().time()
    for number, moment in enumerate(moments(seconds, spread=spread)):
        await asyncio.sleep(began + moment - asyncio.get_running_loop().time())
        asker = FIRST_ASKER + number
        await fake.person(asker).send_text("trợ giúp")
        asked[asker] = asyncio.get_running_loop().time()
    return asked


def rate_of(messages: list[Message], seconds: float) -> float:
    """Return messages a second over the best settled span: from one second after the first on."""
    times = sorted(message.accepted_at for message in messages if message.text.startswith(TEXT))
    begin = times[0] + 1
    within = [at for at in times if begin <= at < begin + seconds]
    return len(within) / min(seconds, within[-1] - begin)


async def measure(at: Village, rate: int, *, replies: str) -> dict[str, float]:
    """Run one broadcast at a rate and return what the platform saw."""
    plan(at)
    await at.program.start()
    await at.fake.wait_messages(1, wait_s=60)
    asked = await ask(at.fake, SECONDS, spread=replies == "spread") if replies else {}
    if not replies:
        await asyncio.sleep(SECONDS + 1.5)  # the measurement itself
    await asyncio.sleep(1)
    messages = await at.fake.messages()
    await at.program.stop()
    first = {message.chat_id: message.accepted_at for message in reversed(messages) if message.chat_id in asked}
    waits = sorted(first[chat] - at_s for chat, at_s in asked.items() if chat in first)
    found = {
        "permitted": float(rate),
        "reached": rate_of(messages, SECONDS),
        "peak": float(await at.fake.peak(1.0)),
        "refused": float(len([halt for halt in await at.fake.halts() if not halt.ordered])),
    }
    if waits:
        found |= {"replies": len(waits), "p50_ms": statistics.median(waits) * 1000}
        found["p99_ms"] = waits[int(len(waits) * 0.99)] * 1000
    return found


async def halted(at: Village) -> dict[str, float]:
    """Let the platform ask for 5 s in the middle; return calls inside the wait and how late we went on."""
    await at.fake.fault("too_many_requests", retry_after_s=5, after=60, times=1)
    plan(at)
    await at.program.start()
    while not (halts := await at.fake.halts()):
        await asyncio.sleep(0.2)
    await asyncio.sleep(8)
    inside = await at.fake.in_halts(grace_s=0.02)
    calls: list[Called] = [call for call in await at.fake.calls() if call.chat_id and call.arrived_at > halts[0].until]
    await at.program.stop()
    return {"inside": len(inside), "resumed_ms": (calls[0].arrived_at - halts[0].until) * 1000}


async def main() -> None:
    """Measure and print; JSON last."""
    results: dict[str, dict[str, float]] = {}
    for rate in (30, 1000):
        for replies in ("", "spread", "at random"):
            with tempfile.TemporaryDirectory() as folder:
                async with village(Path(folder), TELEGRAM, "polling", people=rate * (SECONDS + 6), rate=rate) as at:
                    name = f"{rate}/s{f', replies {replies}' if replies else ''}"
                    results[name] = await measure(at, rate, replies=replies)
                    print(name, {key: round(value, 1) for key, value in results[name].items()}, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        async with village(Path(folder), TELEGRAM, "polling", people=400, rate=30) as at:
            results["halt of 5 s"] = await halted(at)
            print("halt of 5 s", results["halt of 5 s"])
    print(json.dumps(results))


if __name__ == "__main__":
    assert FIRST_CHAT + 1_000_000 < FIRST_ASKER
    asyncio.run(main())
