"""Kill the real program at random moments while people report; compare with what their phones were promised."""

from __future__ import annotations

import asyncio
import os
import random
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from storage.sites import Place, passing_engine
from tests.acceptance.people import Head, appoint_heads
from tests.acceptance.program import Phone, Program, database_of, free_port, line, write_config
from tests.tables import SQLITE
from tests.tables import kind as kind

ROOT = Path(__file__).resolve().parents[2]
REPORTS = int(os.environ.get("LANTOA_TEST_REPORTS", "640"))
KILLS = int(os.environ.get("LANTOA_TEST_KILLS", "15"))
HEADS = 80
EACH = REPORTS // HEADS


async def test_reports_survive_kills_at_any_moment_each_counted_once_and_in_order(kind: str, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    kills = KILLS if kind == SQLITE else KILLS // 2 + 1  # the program is the same; what is told here is the database
    port = free_port()
    write_config(tmp_path, port, ROOT / "content")
    with database_of(kind, tmp_path) as (environment, place):
        program = Program(tmp_path, port, environment)
        await program.start()
        await program.stop()
        heads = appoint_heads(place, HEADS)
        await program.start()
        async with line() as session:
            killing = asyncio.create_task(_kill_at_random(program, random.Random(seed), kills))
            await asyncio.gather(killing, *(report(session, program, head, killing) for head in heads))
        await program.stop()
        print(f"{kind}: kills {kills}, reports {sum(len(head.promised) for head in heads)}, seed {seed}")
        stored = kept(place)
    for head in heads:
        assert stored[head.contact_id] == head.promised, f"seed {seed}: {head.external_id}"


async def report(
    session: aiohttp.ClientSession, program: Program, head: Head, killing: asyncio.Task[Any], *, least: int = EACH
) -> None:
    """Report different numbers of trees one after the other, each until its receipt is on the phone.

    She ends when she has made `least` reports and the last kill is over.
    """
    phone = Phone(session, f"{program.url}/chat", head.cookies)
    await phone.open()
    while len(head.promised) < least or not killing.done():
        trees = head.first_number + len(head.promised)
        await phone.send(text=f"hôm nay trồng {trees} cây")
        card = await phone.wait_for(partial(_is_card, trees))
        await phone.send(choice=card["choices"][0]["value"])
        await phone.wait_for(partial(_is_receipt_after, card["id"]))
        head.promised.append(trees)


def _is_card(trees: int, message: dict[str, Any]) -> bool:
    return bool(message["choices"]) and str(trees) in message["text"].replace(".", "")


def _is_receipt_after(card_id: int, message: dict[str, Any]) -> bool:
    return "BC-" in message["text"] and message["id"] > card_id


async def _kill_at_random(program: Program, dice: random.Random, kills: int) -> None:
    """Kill and restart; the pauses are part of the experiment: the moment must be anyone's guess."""
    for _ in range(kills):
        await asyncio.sleep(dice.uniform(0.05, 0.9))
        await program.kill()
        await program.start()


def kept(place: Place) -> dict[int, list[int]]:
    """Return for each author the numbers of trees in the order of the reports."""
    kept: dict[int, list[int]] = defaultdict(list)
    with passing_engine(place) as engine, engine.begin() as db:
        query = """select report.author_id, figure.value from report join figure on figure.report_id = report.id
                   where figure.indicator = 'TREES_PLANTED' order by report.id"""
        for author_id, thousandths in db.exec_driver_sql(query):
            kept[author_id].append(thousandths // 1000)
    return kept
