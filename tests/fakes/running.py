"""Start and end a fake: in this process, or as a program of its own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

from tests.fakes.client import Fake
from tests.fakes.server import Door, Server
from tests.fakes.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT_S = 30
AnyFake = TypeVar("AnyFake", bound=Fake[Any])


@contextlib.asynccontextmanager
async def running(
    make_door: Callable[[], Door], make_fake: Callable[[int], AnyFake], *, port: int = 0
) -> AsyncIterator[AnyFake]:
    """Run a fake on this event loop."""
    server = Server(make_door, port)
    await server.start()
    fake = make_fake(server.port)
    try:
        yield fake
    finally:
        await fake.close()
        await server.stop()


@contextlib.asynccontextmanager
async def running_program(
    package: str, make_fake: Callable[[int], AnyFake], *, port: int = 0, **settings: Any
) -> AsyncIterator[AnyFake]:
    """Run a fake as a program of its own, so that its load is not on this event loop; it ends with this process."""
    pairs = [word for name, value in settings.items() for word in ("--set", f"{name}={json.dumps(value)}")]
    program = ["-m", package, "--with-parent", "--port", str(port), *pairs]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_LIMIT_S)
        assert line, "the fake ended before it listened"
        fake = make_fake(int(line))
        try:
            yield fake
        finally:
            await fake.close()
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), START_LIMIT_S)


async def serve(make_door: Callable[[], Door], port: int, *, with_parent: bool) -> None:
    """Serve until told to end. The first line printed is the port."""
    over, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    if with_parent:
        loop.add_reader(sys.stdin, over.set)  # a closed pipe can be read: its end
    server = Server(make_door, port)
    await server.start()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)  # a long ledger is nothing to look through again and again
    print(server.port, flush=True)
    await over.wait()
    await server.stop()


def command_line(program: str) -> argparse.ArgumentParser:
    """Return the words every fake's program understands."""
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", action="append", help="a bot; may be given several times")
    parser.add_argument("--with-parent", action="store_true", help="end when the input is closed")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON", help="a setting (settings.py)")
    return parser


def main(chosen: argparse.Namespace, settings: Settings, make_door: Callable[[], Door]) -> None:
    """Serve as the command line says."""
    settings.change(**{name: json.loads(value) for name, _, value in (pair.partition("=") for pair in chosen.set)})
    if chosen.token:
        settings.tokens = tuple(chosen.token)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(make_door, chosen.port, with_parent=chosen.with_parent))
