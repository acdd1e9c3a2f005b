"""The real program beside a fake platform: somebody writes, is answered, presses; then the other way in."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.acceptance.program import Program, write_config
from tests.channels.conftest import ROOT, free_port
from tests.channels.waiting import webhook_url
from tests.fakes.telegram import FakeTelegram
from tests.operations.conftest import template as template

Start = Callable[..., Any]


@pytest.fixture
def started(tmp_path: Path, template: Path, fake: FakeTelegram) -> Start:
    """Return what starts the program on one and the same demonstration; it is stopped with its log looked through."""
    port = free_port()
    write_config(tmp_path / "place", port, ROOT / "content")
    shutil.copytree(template, tmp_path / "place" / "var")

    @asynccontextmanager
    async def running(mode: str) -> AsyncIterator[Program]:
        environment = {
            "PYTHONWARNINGS": "error",
            "LANTOA_CHANNELS__ALLOW_DEMO": "true",
            "LANTOA_CHANNELS__TELEGRAM__TOKEN": fake.token,
            "LANTOA_CHANNELS__TELEGRAM__API_URL": fake.url,
            "LANTOA_CHANNELS__TELEGRAM__MODE": mode,
            "LANTOA_WEB__PUBLIC_URL": f"http://127.0.0.1:{port}",
        }
        program = Program(tmp_path / "place", port, environment)
        await program.start()
        try:
            yield program
        finally:
            await program.stop()
        assert fake.token not in program.log.read_text()
        assert fake.token.partition(":")[2] not in program.log.read_text()

    return running


@pytest.mark.slow
async def test_one_word_changes_the_way_in_and_nobody_notices(started: Start, fake: FakeTelegram) -> None:
    mai = fake.person(1001)
    async with started("polling") as program:
        await mai.start()
        greeting = await mai.next_message()
        assert greeting.labels
        press = await mai.press(greeting, 0)
        assert await fake.answer_to(press) is not None
        assert await mai.next_message()
        assert (await health(program))["channels"]["telegram"]["trouble"] is None
    await mai.send_text("menu")
    async with started("webhook") as program:
        menu = await mai.next_message()
        assert menu.labels
        assert await webhook_url(fake) == f"{program.url}/telegram/webhook"
        await mai.send_text("menu")
        await mai.next_message()
        assert (await health(program))["channels"]["telegram"]["trouble"] is None
    assert await fake.halts() == []


async def health(program: Program) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{program.url}/healthz") as answer:
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
        return found


async def test_without_access_the_program_runs_and_says_what_is_wrong(started: Start, fake: FakeTelegram) -> None:
    await fake.revoke()
    async with started("polling") as program:
        while (state := (await health(program))["channels"]["telegram"])["trouble"] is None:
            continue
        assert state["trouble"] == "token_refused"
        assert "web_chat" in (await health(program))["channels"]
    events = [json.loads(line) for line in program.log.read_text().splitlines() if line.startswith("{")]
    assert "channel_step_refused" in {event["event"] for event in events}
