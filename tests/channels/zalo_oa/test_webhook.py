"""Events of an Official Account: believed if signed, kept once, answered in time whatever the database does."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import time
from typing import Any

import aiohttp
import pytest

from bot.channels.zalo_oa.signature import HEADER, Signer
from tests.channels.waiting import Unwilling, texts
from tests.channels.zalo_oa.conftest import Gate, MakeGate
from tests.fakes.zalo_oa import APP_ID, OA_ID, SECRET

AGAIN = {"again_s": (0.02, 0.02, 0.02), "time_factor": 1.0}


async def test_what_people_send_is_kept_in_the_words_of_all_channels(gate: MakeGate) -> None:
    async with gate() as at:
        mai = at.oa.person(1001)
        mai.follow()
        mai.send_text("xin chào")
        mai.send_photos("https://a.zdn.vn/1.jpg", "https://a.zdn.vn/2.jpg", text="hai ảnh")
        mai.submit_phone("84901234567")
        for name in ("audio", "sticker", "location", "file", "video", "business_card"):
            mai.send(f"user_send_{name}", text="UBND xã", attachments=[])
        mai.follow(follows=False)
        await at.oa.wait_taken()
        rows = await at.inbox()
    assert {row["external_id"] for row in rows} == {mai.id}
    bodies = [row["body"] for row in rows]
    assert [each["event"] for each in (bodies[0], bodies[-1])] == ["unblocked", "blocked"]
    assert bodies[1]["text"] == "xin chào"
    assert (bodies[2]["text"], len(bodies[2]["attachments"])) == ("hai ảnh", 2)
    assert bodies[3]["text"] == "+84901234567"
    unread = [(each["unread"], each["text"]) for each in bodies[4:-1]]
    assert unread == [(name, "") for name in ("voice", "sticker", "location", "document", "video", "contact")]


async def test_our_own_messages_and_news_of_them_are_no_messages(gate: MakeGate) -> None:
    async with gate() as at:
        mai = at.oa.person(1001)
        for name in ("oa_send_text", "oa_send_image", "user_seen_message", "user_received_message", "brand_new"):
            mai.send(name, text="x", msg_ids=["m-1"])
        mai.send_text("thật")
        await at.oa.wait_taken()
        assert texts(await at.inbox()) == ["thật"]


@pytest.mark.parametrize("mark", ["mac=", ""])
async def test_duplicates_are_absorbed(gate: MakeGate, mark: str) -> None:
    async with gate(repeat=0.5, seed=4, mark=mark) as at:
        people = [at.oa.person(number) for number in range(5)]
        for number in range(60):
            people[number % 5].send_text(f"tin {number}")
        await at.oa.wait_taken()
        rows = await at.inbox()
    assert sorted(texts(rows)) == sorted(f"tin {number}" for number in range(60))


async def test_the_address_can_be_saved_and_what_is_not_signed_is_not_kept(gate: MakeGate) -> None:
    async with gate() as at:
        assert await at.oa.ping() == 200
        body = {
            "app_id": APP_ID,
            "event_name": "user_send_text",
            "timestamp": "1",
            "message": {"msg_id": "1", "text": "x"},
        }
        async with aiohttp.ClientSession() as session, session.post(at.oa.hook.url, json=body) as answer:
            assert answer.status == 200
        assert await at.inbox() == []


async def test_a_wrong_secret_shows_as_a_webhook_that_is_switched_off(gate: MakeGate) -> None:
    async with gate(wrong_signature=True, **AGAIN) as at:
        at.oa.person(1001).send_text("x")
        await at.oa.wait_taken()
        assert at.oa.ended() == ["lost"]
        assert not at.oa.hook.is_on
        assert await at.inbox() == []


async def test_what_cannot_be_kept_is_tried_again_by_the_platform(gate: MakeGate) -> None:
    async with gate() as plain:
        db = plain.db
    async with gate(db=Unwilling(db, 2), **AGAIN) as at:
        at.oa.person(1001).send_text("x")
        await at.oa.wait_taken()
        assert at.oa.ended() == ["webhook"]
        assert texts(await at.inbox()) == ["x"]


class Slow:
    """A database whose commits take long; everything else is the real one's."""

    def __init__(self, db: Any, seconds: float) -> None:
        self._db = db
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    async def write_each(self, *args: Any) -> Any:
        await asyncio.sleep(self._seconds)
        return await self._db.write_each(*args)


async def test_every_answer_is_in_time_beside_a_slow_database(gate: MakeGate) -> None:
    async with gate() as plain:
        db = plain.db
    async with gate(db=Slow(db, 0.5)) as at:
        took: list[float] = []
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            await asyncio.gather(*(_timed(session, at, number, took) for number in range(100)))
        took.sort()
        print(f"p50 {took[50] * 1000:.0f} ms, p99 {took[98] * 1000:.0f} ms with 500 ms a commit")
        assert took[-1] < 2.0
        assert len(await at.inbox()) == 100


async def _timed(session: aiohttp.ClientSession, at: Gate, number: int, took: list[float]) -> None:
    raw, headers = signed(number)
    began = time.monotonic()
    async with session.post(at.oa.hook.url, data=raw, headers=headers) as answer:
        assert answer.status == 200
    took.append(time.monotonic() - began)


async def test_a_commit_that_takes_too_long_is_asked_for_again_and_counts_once(gate: MakeGate) -> None:
    async with gate() as plain:
        db = plain.db
    async with gate(db=Slow(db, 1.9), **AGAIN) as at:
        at.oa.person(1001).send_text("x")
        await at.oa.wait_taken(30)
        at.webhook.stop()
        await at.webhook.drain()
        assert texts(await at.inbox()) == ["x"]


def signed(number: int) -> tuple[bytes, dict[str, str]]:
    """Return an event and its headers."""
    timestamp = str(int(time.time() * 1000))
    event = {
        "app_id": APP_ID,
        "event_name": "user_send_text",
        "sender": {"id": str(6_000_000 + number)},
        "recipient": {"id": OA_ID},
        "message": {"msg_id": f"m{number}", "text": "chào"},
        "timestamp": timestamp,
    }
    raw = json.dumps(event, ensure_ascii=False).encode()
    digest = Signer(APP_ID, SECRET).digest(raw, timestamp)
    return raw, {HEADER: f"mac={digest}", "Content-Type": "application/json"}


async def test_none_of_many_touched_events_is_kept_and_none_breaks_the_route(gate: MakeGate) -> None:
    dice = random.Random(11)
    statuses: set[int] = set()
    async with gate() as at, aiohttp.ClientSession() as session:
        for number in range(1000):
            raw, headers = signed(number)
            touched = bytearray(raw)
            if dice.random() < 0.7:
                place = dice.randrange(len(touched))
                touched[place] ^= 1 << dice.randrange(8)
            else:
                headers[HEADER] = f"mac={hashlib.sha256(dice.randbytes(8)).hexdigest()}"
            async with session.post(at.oa.hook.url, data=bytes(touched), headers=headers) as answer:
                statuses.add(answer.status)
        assert await at.inbox() == []
        raw, headers = signed(0)
        async with session.post(at.oa.hook.url, data=raw, headers=headers) as answer:
            assert answer.status == 200
        assert len(await at.inbox()) == 1
    assert statuses == {403}
