"""Durable full turns, from intake to the recorded reply, against a bare in-memory dispatch of the same messages.

Ours: the message is committed, thought through in a real conversation, and its reply, session and "done" are
committed together; nothing is sent. The peer: python-telegram-bot's `Application.process_update` with a trivial
handler and no durability at all. Both run in one process on one core; the result is the ratio, the median of pairs.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from telegram import Bot, Update
from telegram.ext import Application, CallbackContext, MessageHandler, filters
from telegram.request import BaseRequest, RequestData

from bot.app import Parts, assembled
from bot.channels.base import Channel
from bot.channels.web_chat import CAPABILITIES
from bot.config import load
from bot.content import load_content
from bot.start import open_installation
from storage.contacts import add_address, create
from storage.database import Connection
from storage.inbox import waiting_count

ROOT = Path(__file__).resolve().parents[1]
CONTACTS = 400
ROUNDS = 3
PAIRS = 5
PEER_UPDATES = 20_000
# A registration to its summary and away again: six turns with parsing, searching and rendering.
LINES = ("đăng ký", "Đồng ý", "Rơ Châm H'Bia", "1990", "làng Bối", "hủy")


@dataclass(frozen=True)
class Ours:
    """What one of our runs gave."""

    turns_per_s: float
    acknowledgement_p50_ms: float
    acknowledgement_p99_ms: float


class Unused(Channel):
    """A channel nothing is sent to: the sender does not run here."""

    name = "web_chat"
    capabilities = CAPABILITIES

    async def send(self, message: Any) -> str:
        raise AssertionError("nothing is sent in this measurement")


@asynccontextmanager
async def program(folder: Path) -> AsyncIterator[Parts]:
    """Yield the program on a fresh demonstration."""
    (folder / "config.yaml").write_text(f"content: {ROOT / 'content'}\n", encoding="utf-8")
    config = load(folder / "config.yaml", {})
    content = load_content(config.content, config.languages)
    opened = await open_installation(config, content, now=datetime.now(UTC))
    try:
        async with assembled(config, content, opened, lambda *_given: [Unused()]) as parts:
            yield parts
    finally:
        await opened.close()


async def measure_ours(parts: Parts, run: int) -> Ours:
    """Let 400 people each have the same talk three times, and count."""
    waits: list[float] = []
    people = [f"bench-{run}-{number}" for number in range(CONTACTS)]
    await parts.db.write(_add_people, people)
    working = asyncio.create_task(parts.dispatcher.run())
    began = time.perf_counter()
    for round_number in range(ROUNDS):
        await asyncio.gather(*(_talk(parts, person, round_number, waits) for person in people))
    while await parts.db.read(waiting_count):
        await asyncio.sleep(0.005)
    took = time.perf_counter() - began
    parts.dispatcher.stop()
    await working
    waits.sort()
    return Ours(
        turns_per_s=len(waits) / took,
        acknowledgement_p50_ms=waits[len(waits) // 2] * 1000,
        acknowledgement_p99_ms=waits[int(len(waits) * 0.99)] * 1000,
    )


async def _talk(parts: Parts, person: str, round_number: int, waits: list[float]) -> None:
    for number, line in enumerate(LINES):
        began = time.perf_counter()
        await parts.intake.accept("web_chat", person, f"{person}:{round_number}:{number}", {"text": line})
        waits.append(time.perf_counter() - began)


def _add_people(db: Connection, people: list[str]) -> None:
    now = datetime.now(UTC)
    for person in people:
        add_address(db, create(db, at=now, language="vi"), "web_chat", person, at=now)


class Offline(BaseRequest):
    """Answers `getMe` and nothing else, without a network."""

    @property
    def read_timeout(self) -> float:
        return 1.0

    async def initialize(self) -> None: ...

    async def shutdown(self) -> None: ...

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *_args: Any, **_kwargs: Any
    ) -> tuple[int, bytes]:
        me = {"id": 1, "is_bot": True, "first_name": "bench", "username": "bench_bot"}
        return 200, json.dumps({"ok": True, "result": me}).encode()


async def measure_peer() -> float:
    """Return updates per second through `process_update` with a handler that does nothing."""

    async def handle(_update: Update, _context: CallbackContext[Any, Any, Any, Any]) -> None:
        return None

    bot = Bot("1:bench", request=Offline(), get_updates_request=Offline())
    application = Application.builder().bot(bot).updater(None).build()
    application.add_handler(MessageHandler(filters.TEXT, handle))
    await application.initialize()
    began = time.perf_counter()
    for number in range(PEER_UPDATES):
        await application.process_update(Update.de_json(_update(number), bot))
    took = time.perf_counter() - began
    await application.shutdown()
    return PEER_UPDATES / took


def _update(number: int) -> dict[str, Any]:
    person = {"id": 1000 + number % CONTACTS, "is_bot": False, "first_name": "An"}
    chat = {"id": person["id"], "type": "private", "first_name": "An"}
    message = {"message_id": number, "date": 1_700_000_000, "chat": chat, "from": person, "text": LINES[2]}
    return {"update_id": number, "message": message}


async def main() -> None:
    """Run the pairs and print one table, and JSON beside it."""
    rows: list[tuple[Ours, float]] = []
    for run in range(PAIRS):
        with tempfile.TemporaryDirectory() as folder:
            async with program(Path(folder)) as parts:
                rows.append((await measure_ours(parts, run), await measure_peer()))
    ratios = sorted(ours.turns_per_s / peer for ours, peer in rows)
    print("durable full turns against an in-memory dispatch, one core")
    print(f"{'turns/s':>10} {'peer/s':>10} {'ratio':>7} {'ack p50 ms':>11} {'ack p99 ms':>11}")
    for ours, peer in rows:
        print(
            f"{ours.turns_per_s:>10.0f} {peer:>10.0f} {ours.turns_per_s / peer:>7.3f}"
            f" {ours.acknowledgement_p50_ms:>11.1f} {ours.acknowledgement_p99_ms:>11.1f}"
        )
    print(f"ratio: median {statistics.median(ratios):.3f}, from {ratios[0]:.3f} to {ratios[-1]:.3f}")
    result = {
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "runs": [vars(ours) | {"peer": p} for ours, p in rows],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    asyncio.run(main())
