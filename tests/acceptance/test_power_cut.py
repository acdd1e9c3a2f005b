"""Cut the power: only what was synced survives, and nothing acknowledged may be missing from it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.people import Head, appoint_heads
from tests.acceptance.program import Phone, Program, free_port, line, write_config

ROOT = Path(__file__).resolve().parents[2]
CUTS = int(os.environ.get("LANTOA_TEST_POWER_CUTS", "8"))
HEADS = 12


@pytest.fixture(scope="session")
def synced_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the library that keeps a copy of what was synced."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        if os.environ.get("CI"):
            pytest.fail("no C compiler: power cuts cannot be simulated")
        pytest.skip("no C compiler on this machine: power cuts are not simulated")
    library = tmp_path_factory.mktemp("power") / "synced_only.so"
    source = Path(__file__).parent / "power" / "synced_only.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl", "-lpthread"], check=True)
    return library


async def test_nothing_acknowledged_is_missing_after_power_cuts(tmp_path: Path, synced_only: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    dice = random.Random(seed)
    port = free_port()
    write_config(tmp_path, port, ROOT / "content")
    program = Program(tmp_path, port)
    await program.start()
    await program.stop()
    heads = appoint_heads(tmp_path / "var" / "lantoa.db", HEADS)
    acknowledged: set[str] = set()
    data, survived = tmp_path / "var", tmp_path / "survived"
    for cut in range(CUTS):
        shutil.rmtree(survived, ignore_errors=True)
        shutil.copytree(data, survived)  # what lay on the disk before this run was synced long ago
        program.environment = {
            "LD_PRELOAD": str(synced_only),
            "POWER_FROM": str(data),
            "POWER_TO": str(survived),
        }
        await program.start()
        acknowledged |= await _talk_until_the_cut(program, heads, dice)
        shutil.rmtree(data)
        survived.rename(data)
        missing = acknowledged - _kept(data / "lantoa.db")
        assert not missing, f"cut {cut}, seed {seed}: {len(missing)} acknowledged messages are gone"
    assert len(acknowledged) > CUTS * HEADS, "hardly anything was acknowledged: the test would prove nothing"
    print(f"power cuts {CUTS}, acknowledged {len(acknowledged)}, seed {seed}")


async def _talk_until_the_cut(program: Program, heads: list[Head], dice: random.Random) -> set[str]:
    async with line() as session:
        phones = [Phone(session, f"{program.url}/chat", head.cookies) for head in heads]
        talks = [asyncio.create_task(_talk(phone)) for phone in phones]
        await asyncio.sleep(dice.uniform(0.3, 1.2))  # the cut comes when it comes
        await program.kill()
        for talk in talks:
            talk.cancel()
        for talk in talks:
            with contextlib.suppress(asyncio.CancelledError):
                await talk
    return {key for phone in phones for key in phone.acknowledged}


async def _talk(phone: Phone) -> None:
    await phone.open()
    while True:
        await phone.send(text="menu")


def _kept(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as db:
        return {key.partition(":")[2] for (key,) in db.execute("select key from inbox")}
