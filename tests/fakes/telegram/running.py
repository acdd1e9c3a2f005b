"""Start and end a fake: in this process, or as a program of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from tests.fakes.telegram.client import FakeTelegram
from tests.fakes.telegram.server import Server
from tests.fakes.telegram.settings import Settings
from tests.fakes.telegram.world import World

ROOT = Path(__file__).resolve().parents[3]
START_LIMIT_S = 30


@contextlib.asynccontextmanager
async def fake_telegram(
    *,
    port: int = 0,
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], float] = time.time,
    **settings: Any,
) -> AsyncIterator[FakeTelegram]:
    """Run a fake on this event loop. `settings` as in `settings.Settings`, the clocks as in `world.World`."""
    chosen = Settings()
    chosen.change(**settings)
    server = Server(World(chosen, clock, wall), port)
    await server.start()
    fake = FakeTelegram(server.port, chosen.tokens[0])
    try:
        yield fake
    finally:
        await fake.close()
        await server.stop()


@contextlib.asynccontextmanager
async def fake_telegram_program(*, port: int = 0, **settings: Any) -> AsyncIterator[FakeTelegram]:
    """Run a fake as a program of its own, so that its load is not on this event loop; it ends with this process."""
    chosen = Settings()
    chosen.change(**settings)
    pairs = [word for name, value in settings.items() for word in ("--set", f"{name}={json.dumps(value)}")]
    program = ["-m", "tests.fakes.telegram", "--with-parent", "--port", str(port), *pairs]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_LIMIT_S)
        assert line, "the fake ended before it listened"
        fake = FakeTelegram(int(line), chosen.tokens[0])
        try:
            yield fake
        finally:
            await fake.close()
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), START_LIMIT_S)
