"""The tick. Everything due is a row; losing this clock costs a few seconds, and two of them cost nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler

TICK_S = 1


class Ticker:
    """Calls `tick` every second, never twice at the same time. Missed ticks are one tick."""

    def __init__(self, tick: Callable[[], Awaitable[None]]) -> None:
        self._tick = tick
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    def start(self) -> None:
        """Begin to tick; needs a running event loop."""
        self._scheduler.add_job(
            self._tick, "interval", seconds=TICK_S, misfire_grace_time=None, coalesce=True, max_instances=1
        )
        self._scheduler.start()

    def stop(self) -> None:
        """Tick no more. A tick under way may be cut off between two of its transactions."""
        self._scheduler.shutdown(wait=False)
