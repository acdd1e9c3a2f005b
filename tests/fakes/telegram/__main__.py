"""Run the fake as a program of its own: `python -m tests.fakes.telegram --port 0 --set per_private=null`.

The first line it prints is its port. It ends with SIGTERM, and `--with-parent` when its input is closed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import signal
import sys

from tests.fakes.telegram.server import Server
from tests.fakes.telegram.settings import Settings
from tests.fakes.telegram.world import World


async def serve(port: int, settings: Settings, *, with_parent: bool) -> None:
    """Serve until told to end."""
    over, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    if with_parent:
        loop.add_reader(sys.stdin, over.set)  # a closed pipe can be read: its end
    server = Server(World(settings), port)
    await server.start()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)  # a long ledger is nothing to look through again and again
    print(server.port, flush=True)
    await over.wait()
    await server.stop()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.telegram")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", action="append", help="a bot; may be given several times")
    parser.add_argument("--answer-only", action="store_true", help="answer sendMessage from memory and only count")
    parser.add_argument("--with-parent", action="store_true", help="end when the input is closed")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON", help="a setting (settings.py)")
    chosen = parser.parse_args()
    settings = Settings()
    settings.change(**{name: json.loads(value) for name, _, value in (pair.partition("=") for pair in chosen.set)})
    if chosen.token:
        settings.tokens = tuple(chosen.token)
    settings.answer_only = settings.answer_only or chosen.answer_only
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(chosen.port, settings, with_parent=chosen.with_parent))


if __name__ == "__main__":
    main()
