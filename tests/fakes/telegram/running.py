"""Start and end a fake Telegram: in this process, or as a program of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from tests.fakes.running import running, running_program
from tests.fakes.telegram.client import FakeTelegram
from tests.fakes.telegram.server import Door
from tests.fakes.telegram.settings import Settings
from tests.fakes.telegram.world import World


def fake_telegram(
    *,
    port: int = 0,
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], float] = time.time,
    **settings: Any,
) -> AbstractAsyncContextManager[FakeTelegram]:
    """Run a fake on this event loop. `settings` as in `settings.Settings`, the clocks as in `world.World`."""
    chosen = Settings()
    chosen.change(**settings)
    world = World(chosen, clock, wall)
    return running(lambda: Door(world), lambda port: FakeTelegram(port, chosen.tokens[0]), port=port)


def fake_telegram_program(*, port: int = 0, **settings: Any) -> AbstractAsyncContextManager[FakeTelegram]:
    """Run a fake as a program of its own, so that its load is not on this event loop; it ends with this process."""
    chosen = Settings()
    chosen.change(**settings)
    make = lambda port: FakeTelegram(port, chosen.tokens[0])  # noqa: E731
    return running_program("tests.fakes.telegram", make, port=port, **settings)
