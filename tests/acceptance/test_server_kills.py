"""Crash the database server, and the program with it, while people report; it goes on by itself and keeps its word."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import aiohttp
import pytest

from tests.acceptance.people import appoint_heads
from tests.acceptance.program import Program, free_port, line, write_config
from tests.acceptance.test_kills import kept, report
from tests.postgresql import durable_server, start, stop

pytestmark = pytest.mark.postgresql
ROOT = Path(__file__).resolve().parents[2]
CRASHES = int(os.environ.get("LANTOA_TEST_SERVER_CRASHES", "4"))
HEADS = 20
BACK_S = 10


async def test_reports_survive_crashes_of_the_server_and_of_the_program(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    with durable_server() as (folder, server):
        port = free_port()
        write_config(tmp_path, port, ROOT / "content")
        program = Program(tmp_path, port, {"LANTOA_DATABASE__URL": server.url})
        await program.start()
        await program.stop()
        heads = appoint_heads(server, HEADS)
        await program.start()
        async with line() as session:
            crashing = asyncio.create_task(_crash_at_random(program, folder, session, random.Random(seed)))
            await asyncio.gather(crashing, *(report(session, program, head, crashing, least=4) for head in heads))
        away_s = crashing.result()
        await program.stop()
        print(f"crashes {CRASHES}, reports {sum(len(head.promised) for head in heads)}, back in {away_s}, seed {seed}")
        stored = kept(server)
    for head in heads:
        assert stored[head.contact_id] == head.promised, f"seed {seed}: {head.external_id}"
    assert max(away_s) < BACK_S, f"seed {seed}"


async def _crash_at_random(
    program: Program, folder: Path, session: aiohttp.ClientSession, dice: random.Random
) -> list[float]:
    """Crash the server again and again, every second time the program too; return the seconds each took to be back.

    The pauses are part of the experiment: the moment must be anyone's guess.
    """
    took_s: list[float] = []
    for number in range(CRASHES):
        await asyncio.sleep(dice.uniform(0.5, 2.0))
        await asyncio.to_thread(stop, folder)
        await _is_refused_kindly(program, session)
        if number % 2:
            await program.kill()
        await asyncio.sleep(dice.uniform(0.0, 1.0))
        await asyncio.to_thread(start, folder)
        if number % 2:
            await program.start()
            continue
        took_s.append(await _until_healthy(program, session))
    return took_s


async def _is_refused_kindly(program: Program, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{program.url}/chat/messages?after=1", cookies={"lantoa_visitor": "0" * 64}) as answer:
        assert answer.status == 503, await answer.text()
        assert int(answer.headers["Retry-After"]) > 0
        assert "error" in await answer.json()


async def _until_healthy(program: Program, session: aiohttp.ClientSession) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        async with session.get(f"{program.url}/healthz") as answer:
            if answer.status == 200:
                return round(loop.time() - began, 1)
        await asyncio.sleep(0.05)
