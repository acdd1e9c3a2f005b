"""Kill the real program at random moments while people report; compare with what their phones were promised."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from collections import defaultdict
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from tests.acceptance.people import Head, appoint_heads
from tests.acceptance.program import Phone, Program, free_port, line, write_config

ROOT = Path(__file__).resolve().parents[2]
REPORTS = int(os.environ.get("LANTOA_TEST_REPORTS", "2000"))
KILLS = int(os.environ.get("LANTOA_TEST_KILLS", "40"))
HEADS = 80


async def test_reports_survive_kills_at_random_moments_each_counted_once_and_in_order(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    port = free_port()
    write_config(tmp_path, port, ROOT / "content")
    program = Program(tmp_path, port)
    await program.start()
    await program.stop()
    heads = appoint_heads(tmp_path, HEADS)
    await program.start()
    async with line() as session:
        phones = [
            asyncio.create_task(_report_all(Phone(session, f"{program.url}/chat", head.cookies), head))
            for head in heads
        ]
        kills = await _kill_at_random(program, phones, random.Random(seed))
        await asyncio.gather(*phones)
    await program.stop()
    print(f"kills {kills}, reports {REPORTS}, seed {seed}")
    assert kills == KILLS
    stored = kept(tmp_path / "var" / "lantoa.db")
    for head in heads:
        assert stored[head.contact_id] == head.promised, f"seed {seed}: {head.external_id}"


async def _report_all(phone: Phone, head: Head) -> None:
    """Report different numbers of trees one after the other, each until its receipt is on the phone."""
    await phone.open()
    for number in range(REPORTS // HEADS):
        trees = head.first_number + number
        await phone.send(text=f"hôm nay trồng {trees} cây")
        card = await phone.wait_for(partial(_is_card, trees))
        await phone.send(choice=card["choices"][0]["value"])
        await phone.wait_for(partial(_is_receipt_after, card["id"]))
        head.promised.append(trees)


def _is_card(trees: int, message: dict[str, Any]) -> bool:
    return bool(message["choices"]) and str(trees) in message["text"].replace(".", "")


def _is_receipt_after(card_id: int, message: dict[str, Any]) -> bool:
    return "BC-" in message["text"] and message["id"] > card_id


async def _kill_at_random(program: Program, phones: list[asyncio.Task[None]], dice: random.Random) -> int:
    """Kill and restart; the pauses are part of the experiment: the moment must be anyone's guess."""
    kills = 0
    while kills < KILLS and not all(phone.done() for phone in phones):
        await asyncio.sleep(dice.uniform(0.05, 0.9))
        await program.kill()
        await program.start()
        kills += 1
    return kills


def kept(database: Path) -> dict[int, list[int]]:
    """Return for each author the numbers of trees in the order of the reports."""
    kept: dict[int, list[int]] = defaultdict(list)
    with closing(sqlite3.connect(database)) as db:
        query = """select report.author_id, figure.value from report join figure on figure.report_id = report.id
                   where figure.indicator = 'TREES_PLANTED' order by report.id"""
        for author_id, thousandths in db.execute(query):
            kept[author_id].append(thousandths // 1000)
    return kept
