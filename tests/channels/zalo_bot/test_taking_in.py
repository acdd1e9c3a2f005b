"""Events by poll and by webhook: on the disk before anything else, none twice, none in anybody's way."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.channels.webhook import MOST_BYTES
from bot.channels.zalo_bot.names import NAME
from bot.channels.zalo_bot.webhook import PATH, SECRET_HEADER, Place
from storage import channel_accounts
from storage.inbox import MOST_WAITING
from tests.channels.conftest import free_port, now
from tests.channels.test_watch import Clock, an_officer, told
from tests.channels.waiting import SECRET, Unwilling, texts, until
from tests.channels.zalo_bot.conftest import Line, MakeLine
from tests.fakes.zalo import FakeZalo, fake_zalo

EVENT = {
    "event_name": "message.text.received",
    "message": {"message_id": "m1", "date": 1793400000123, "chat": {"id": "a1", "chat_type": "PRIVATE"}, "text": "x"},
}


async def test_what_people_write_is_kept_in_order(line: MakeLine, fake: FakeZalo) -> None:
    people = [fake.person(1000 + number) for number in range(4)]
    await fake.send_many([(people[number % 4], f"tin {number}") for number in range(40)])
    async with line() as open_line:
        await open_line.channel.listen()
        await fake.wait_confirmed()
        rows = await open_line.inbox()
        account = await open_line.db.read(channel_accounts.get, NAME)
    assert texts(rows) == [f"tin {number}" for number in range(40)]
    assert {row["external_id"] for row in rows} == {person.id for person in people}
    assert account is not None
    assert (account.bot_id, account.name) == ("700000002", "bot.fake700000002")


async def test_what_cannot_be_kept_is_held_until_it_can(line: MakeLine, fake: FakeZalo) -> None:
    await fake.send_many([(fake.person(1001), text) for text in ("một", "hai")])
    async with line() as plain:
        db = plain.db
    async with line(db=Unwilling(db, 3)) as open_line:
        await open_line.channel.listen()
        await fake.wait_confirmed()
        assert texts(await open_line.inbox()) == ["một", "hai"]
        assert open_line.channel.trouble is None


async def test_what_comes_twice_or_out_of_order_is_kept_once(line: MakeLine) -> None:
    async with fake_zalo(repeat=0.5, shuffle=True, seed=3) as unruly:
        people = [unruly.person(1000 + number) for number in range(5)]
        await unruly.send_many([(people[number % 5], f"tin {number}") for number in range(50)])
        async with line(api_url=unruly.url) as open_line:
            await open_line.channel.listen()
            await unruly.wait_confirmed()
            rows = await open_line.inbox()
    assert sorted(texts(rows)) == sorted(f"tin {number}" for number in range(50))


async def test_an_event_that_comes_while_we_stop_is_kept(line: MakeLine, fake: FakeZalo) -> None:
    async with line(poll_s=5) as open_line:
        await open_line.channel.listen()
        await until(lambda: _has_polled(fake))
        stopping = asyncio.ensure_future(open_line.channel.hush())
        await asyncio.sleep(0)
        await fake.person(1001).send_text("vừa kịp")
        await stopping
        assert texts(await open_line.inbox()) == ["vừa kịp"]


async def _has_polled(fake: FakeZalo) -> bool:
    return (await fake.totals()).methods.get("getUpdates", 0) > 0


async def test_a_bad_line_is_only_waited_out(line: MakeLine, fake: FakeZalo) -> None:
    for kind in ("proxy_502", "garbage", "reset", "internal", "delay"):
        await fake.fault(kind, methods=["getUpdates", "deleteWebhook"], times=2)
    async with line() as open_line:
        await open_line.channel.listen()
        await fake.person(1001).send_text("đến nơi")
        await fake.wait_confirmed()
        assert texts(await open_line.inbox()) == ["đến nơi"]
        assert open_line.channel.trouble is None


async def test_a_token_that_is_reset_ends_the_poll_and_is_told(line: MakeLine, fake: FakeZalo) -> None:
    async with line() as open_line:
        await open_line.channel.listen()
        await until(lambda: _has_polled(fake))
        await fake.reset_token("700000002:NewTokenOfTheTests00000")
        assert await until(lambda: open_line.channel.trouble) == "token_refused"


@pytest.mark.parametrize("said", [400, 408])
async def test_another_programs_webhook_is_noticed(line: MakeLine, fake: FakeZalo, said: int) -> None:
    await fake.set(poll_in_webhook=said)
    async with line(look_s=0.05, poll_s=0.1) as ours:
        await ours.channel.listen()
        await until(lambda: _has_polled(fake))
        async with line(place=Place("http://127.0.0.1:9", SECRET)) as theirs:
            await theirs.channel.listen()
            assert await until(lambda: ours.channel.trouble) == "conflict"


async def test_a_flood_of_one_person_is_cut_and_told_once(line: MakeLine, fake: FakeZalo) -> None:
    mai, lan = fake.person(1001), fake.person(1002)
    await fake.send_many([(mai, f"{n}") for n in range(MOST_WAITING + 5)] + [(lan, "tôi")])
    async with line() as open_line:
        await open_line.channel.listen()
        await fake.wait_confirmed(wait_s=30)
        rows = await open_line.inbox()
    assert [row["external_id"] for row in rows].count(mai.id) == MOST_WAITING
    assert [row["external_id"] for row in rows].count(lan.id) == 1


async def test_what_nobody_can_read_becomes_a_dead_letter(line: MakeLine, fake: FakeZalo) -> None:
    mai = fake.person(1001)
    async with line() as open_line:
        await open_line.channel.listen()
        await fake.tell({"event_name": "message.text.received", "message": {"chat": {"id": mai.id}, "text": 5}}, mai.id)
        await mai.send_text("đọc được")
        await fake.wait_confirmed()
        dead, good = await open_line.inbox()
    assert (dead["state"], dead["reason"], dead["external_id"]) == ("dead", "unreadable", mai.id)
    assert good["body"]["text"] == "đọc được"


async def test_our_own_words_come_back_to_nobody(line: MakeLine, fake: FakeZalo) -> None:
    await fake.set(echoes=True)
    mai = fake.person(1001)
    async with line() as open_line:
        await open_line.channel.listen()
        await fake.order("message", user=mai.user, kind="text", content={"text": "chào"})
        await fake.wait_confirmed()
        assert texts(await open_line.inbox()) == ["chào"]


# --- By webhook ---


@asynccontextmanager
async def brought(line: MakeLine, **more: Any) -> AsyncIterator[tuple[Line, TestClient[Any, Any]]]:
    """Yield a line to which events are brought, and somebody who may knock at its route."""
    app, port = web.Application(), free_port()
    async with line(place=Place(f"http://127.0.0.1:{port}/", SECRET), **more) as open_line:
        app.router.add_routes(open_line.channel.routes())
        client: TestClient[web.Request, web.Application] = TestClient(TestServer(app, port=port))
        async with client:
            yield open_line, client


@pytest.mark.parametrize("wrapped", [False, True])
async def test_events_are_brought_flat_or_wrapped(line: MakeLine, fake: FakeZalo, wrapped: bool) -> None:
    await fake.set(wrapped=wrapped, repeat=0.3, seed=5)
    people = [fake.person(1000 + number) for number in range(4)]
    async with brought(line) as (open_line, _client):
        await open_line.channel.listen()
        await until(fake.webhook_url)
        await fake.send_many([(people[number % 4], f"tin {number}") for number in range(40)])
        await fake.wait_confirmed()
        rows = await open_line.inbox()
        assert (await fake.webhook_url()).endswith(PATH)
        assert open_line.channel.trouble is None
    assert sorted(texts(rows)) == sorted(f"tin {number}" for number in range(40))


@pytest.mark.parametrize("secret", ["", SECRET[:-1], SECRET + "x", "chị-em-☃", None])
async def test_who_does_not_know_the_secret_touches_nothing(line: MakeLine, secret: str | None) -> None:
    headers = {} if secret is None else {SECRET_HEADER: secret}
    async with brought(line) as (open_line, client):
        assert (await client.post(PATH, json=EVENT, headers=headers)).status == 403
        assert await open_line.inbox() == []


@pytest.mark.parametrize(
    ("body", "status", "kept"),
    [
        (json.dumps(EVENT), 200, 1),
        (json.dumps({"ok": True, "result": EVENT}), 200, 1),
        ("", 200, 0),
        ("{}", 200, 0),
        ("[]", 200, 0),
        ("{" * 100_000, 400, 0),
        (" " * (MOST_BYTES + 1), 413, 0),
    ],
)
async def test_a_trial_is_answered_and_only_events_are_kept(line: MakeLine, body: str, status: int, kept: int) -> None:
    headers = {SECRET_HEADER: SECRET}  # nobody says which type it has
    async with brought(line) as (open_line, client):
        assert (await client.post(PATH, data=io.BytesIO(body.encode()), headers=headers)).status == status
        assert len(await open_line.inbox()) == kept


async def test_what_cannot_be_kept_now_is_brought_again_later(line: MakeLine) -> None:
    async with line() as plain:
        db = plain.db
    headers = {SECRET_HEADER: SECRET}
    async with brought(line, db=Unwilling(db, 1)) as (open_line, client):
        first = await client.post(PATH, json=EVENT, headers=headers)
        assert (first.status, first.headers["Retry-After"]) == (503, "5")
        again = [(await client.post(PATH, json=EVENT, headers=headers)).status for _ in range(2)]
        assert again == [200, 200]
        assert len(await open_line.inbox()) == 1


async def test_while_we_stop_events_stay_with_the_platform(line: MakeLine) -> None:
    async with brought(line) as (open_line, client):
        await open_line.channel.hush()
        assert (await client.post(PATH, json=EVENT, headers={SECRET_HEADER: SECRET})).status == 503
        assert await open_line.inbox() == []


async def test_a_way_the_platform_does_not_find_is_told_and_tried_again(line: MakeLine, fake: FakeZalo) -> None:
    port = free_port()
    async with line(place=Place(f"http://127.0.0.1:{port}", SECRET), look_s=0.05) as open_line:
        await open_line.channel.listen()
        assert await until(lambda: open_line.channel.trouble) == "webhook_failing"
        app = web.Application()
        app.router.add_routes(open_line.channel.routes())
        async with TestServer(app, port=port):
            await until(lambda: open_line.channel.trouble is None)
            await fake.person(1001).send_text("đến nơi")
            await fake.wait_confirmed()
            assert texts(await open_line.inbox()) == ["đến nơi"]


async def test_an_address_somebody_else_set_is_set_back(line: MakeLine, fake: FakeZalo) -> None:
    async with brought(line, look_s=0.05) as (open_line, _client):
        await open_line.channel.listen()
        ours = await until(fake.webhook_url)
        async with line(place=Place("http://127.0.0.1:9", SECRET), look_s=60) as other:
            await other.channel.listen()
            await until(lambda: _is_back(fake, ours, 2))
        await fake.person(1001).send_text("về đúng chỗ")
        await fake.wait_confirmed()
        assert texts(await open_line.inbox()) == ["về đúng chỗ"]


async def _is_back(fake: FakeZalo, ours: str, least: int) -> bool:
    methods = (await fake.totals()).methods
    return methods.get("setWebhook", 0) > least and await fake.webhook_url() == ours


async def test_an_address_the_platform_does_not_take_is_told(line: MakeLine) -> None:
    async with line(place=Place("http://lantoa.example.vn", SECRET)) as open_line:
        await open_line.channel.listen()
        assert await until(lambda: open_line.channel.trouble) == "not_set_up"


# --- Silence ---


async def test_officers_hear_of_half_an_hour_in_which_messages_may_be_lost(line: MakeLine) -> None:
    async with line() as open_line:
        officer = await open_line.db.write(an_officer("can_bo_xa"))
        ports, began = open_line.ports, now()
        for minutes in (0, 29, 60):
            ports.clock = Clock(began + timedelta(minutes=minutes))
            await ports.heard()
        ((contact_id, text),) = await open_line.db.read(told)
    assert contact_id == officer
    assert "Zalo" in text
    assert "có thể đã mất" in text
