"""A broadcast to a million: what it costs a message beside one to ten thousand, memory, and stalls of the event loop.

The whole way out, unpaced, against a fake platform that answers from memory. `python -m benchmarks.million 100000`
takes a tenth of the time.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks._union import make_union, sending, start_broadcast, utc_now
from storage import broadcasts
from storage.deliveries import counts
from tests.fakes.telegram import FakeTelegram, fake_telegram_program

SMALL = 10_000
LARGE = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
WATCH_S = 0.005


@dataclass(frozen=True)
class Cost:
    """What a broadcast cost: seconds to freeze it, µs of the clock and of the processor a message, memory, lateness."""

    messages: int
    freeze_s: float
    wall_us: float
    cpu_us: float
    grown_mib: float
    late_ms: float


class Watch:
    """How late the event loop ever was."""

    def __init__(self) -> None:
        self.late_s = 0.0
        self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while True:
            due = time.perf_counter() + WATCH_S
            await asyncio.sleep(WATCH_S)
            self.late_s = max(self.late_s, time.perf_counter() - due)

    async def end(self) -> float:
        """Stop looking; return the worst lateness in milliseconds."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        return self.late_s * 1000


def resident_mib() -> float:
    """Return the memory this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


async def broadcast(fake: FakeTelegram, people: int) -> Cost:
    """Freeze and send one broadcast; return what it cost from its start to its end."""
    with tempfile.TemporaryDirectory() as folder:
        path = make_union(Path(folder), people)
        async with sending(path, fake.url, fake.token, rate_per_s=None) as (db, sender):
            gc.collect()
            before = resident_mib()
            watch, began = Watch(), time.perf_counter()
            run_id = await db.write(start_broadcast, number=1)
            while not await db.write(broadcasts.freeze_page, run_id, at=utc_now()):
                pass
            frozen, cpu = time.perf_counter(), time.process_time()
            running = asyncio.create_task(sender.run())
            while (await db.read(counts, run_id))["sent"] < people:
                await asyncio.sleep(0.5 if people > SMALL else 0.02)
            ended, cpu_end = time.perf_counter(), time.process_time()
            sender.stop()
            await running
            late_ms = await watch.end()
            grown = resident_mib() - before
        each = 1e6 / people
        return Cost(people, frozen - began, (ended - frozen) * each, (cpu_end - cpu) * each, grown, late_ms)


async def main() -> None:
    """Send a small one to warm up, a small, a large and a small one; print the table, and JSON beside it."""
    costs: list[Cost] = []
    async with fake_telegram_program(answer_only=True, whole_bot=None, per_private=None, per_group=None) as fake:
        await broadcast(fake, SMALL)
        gc.freeze()
        gc.set_threshold(20_000, 50, 50)  # as the program does
        for people in (SMALL, SMALL, LARGE, SMALL):
            costs.append(await broadcast(fake, people))
    print(f"{'messages':>9} {'freeze s':>9} {'µs/msg':>7} {'cpu µs':>7} {'grown MiB':>10} {'late ms':>8}")
    for cost in costs:
        print(
            f"{cost.messages:>9} {cost.freeze_s:>9.1f} {cost.wall_us:>7.0f} {cost.cpu_us:>7.0f}"
            f" {cost.grown_mib:>10.1f} {cost.late_ms:>8.0f}"
        )
    small = [cost.cpu_us for cost in costs if cost.messages == SMALL]
    print(f"processor time a message, large ÷ small: {costs[2].cpu_us / (sum(small) / len(small)):.2f}")
    print(json.dumps([asdict(cost) for cost in costs]))


if __name__ == "__main__":
    asyncio.run(main())
