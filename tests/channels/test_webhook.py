"""The webhook: a secret, a measure, and 200 only for what is on the disk."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.channels.telegram.webhook import MOST_BYTES, PATH, SECRET_HEADER, Place
from tests.channels.conftest import Line, MakeLine, free_port
from tests.channels.waiting import SECRET, Unwilling, texts, until, webhook_url
from tests.fakes.telegram import FakeTelegram


@asynccontextmanager
async def brought(line: MakeLine, fake: FakeTelegram, **more: Any) -> AsyncIterator[tuple[Line, TestClient[Any, Any]]]:
    """Yield a line to which updates are brought, and somebody who may knock at its route."""
    app, port = web.Application(), free_port()
    async with line(place=Place(f"http://127.0.0.1:{port}/", SECRET), **more) as open_line:
        app.router.add_routes(open_line.channel.routes())
        client: TestClient[web.Request, web.Application] = TestClient(TestServer(app, port=port))
        async with client:
            yield open_line, client


async def test_updates_are_brought_and_kept_in_the_same_way(line: MakeLine, fake: FakeTelegram) -> None:
    people = [fake.person(1000 + number) for number in range(4)]
    async with brought(line, fake) as (open_line, _client):
        await open_line.channel.listen()
        await until(lambda: webhook_url(fake))
        await fake.send_many([(people[number % 4], f"tin {number}") for number in range(60)])
        await fake.wait_confirmed()
        rows = await open_line.inbox()
        url = await webhook_url(fake)
    assert sorted(texts(rows)) == sorted(f"tin {number}" for number in range(60))
    for each in people:
        hers = [row["body"]["text"] for row in rows if row["external_id"] == str(each.id)]
        assert hers == [f"tin {number}" for number in range(60) if people[number % 4] is each]
    assert url.endswith(PATH)


UPDATE = {
    "update_id": 1,
    "message": {"message_id": 1, "date": 1764000000, "chat": {"id": 1, "type": "private"}, "text": "x"},
}


@pytest.mark.parametrize("secret", ["", SECRET[:-1], SECRET + "x", "chị-em-☃", None])
async def test_who_does_not_know_the_secret_touches_nothing(
    line: MakeLine, fake: FakeTelegram, secret: str | None
) -> None:
    headers = {} if secret is None else {SECRET_HEADER: secret}
    async with brought(line, fake) as (open_line, client):
        answer = await client.post(PATH, json=UPDATE, headers=headers)
        assert answer.status == 403
        assert await open_line.inbox() == []


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (json.dumps(UPDATE), "application/json", 200),
        (json.dumps(UPDATE), "application/json; charset=utf-8", 200),
        (json.dumps(UPDATE), "text/plain", 415),
        (json.dumps(UPDATE), "multipart/form-data; boundary=x", 415),
        ("", "application/json", 400),
        ("[]", "application/json", 400),
        ('{"message": {}}', "application/json", 400),
        ('{"update_id": "1"}', "application/json", 400),
        ("{" * 100_000, "application/json", 400),
        (" " * (MOST_BYTES + 1), "application/json", 413),
    ],
)
async def test_only_an_update_is_an_update(
    line: MakeLine, fake: FakeTelegram, body: str, media_type: str, status: int
) -> None:
    headers = {SECRET_HEADER: SECRET, "Content-Type": media_type}
    async with brought(line, fake) as (open_line, client):
        answer = await client.post(PATH, data=io.BytesIO(body.encode()), headers=headers)
        assert answer.status == status
        assert len(await open_line.inbox()) == (status == 200)


async def test_a_body_without_an_end_is_not_read_to_it(line: MakeLine, fake: FakeTelegram) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65536

    headers = {SECRET_HEADER: SECRET, "Content-Type": "application/json"}
    async with brought(line, fake) as (_open_line, client):
        answer = await client.post(PATH, data=endless(), headers=headers)
        assert answer.status == 413


async def test_what_cannot_be_kept_now_is_brought_again_later(line: MakeLine, fake: FakeTelegram) -> None:
    async with line() as plain:
        db = plain.db
    async with brought(line, fake, db=Unwilling(db, 1)) as (open_line, client):
        headers = {SECRET_HEADER: SECRET}
        first = await client.post(PATH, json=UPDATE, headers=headers)
        assert (first.status, first.headers["Retry-After"]) == (503, "5")
        second = await client.post(PATH, json=UPDATE, headers=headers)
        again = await client.post(PATH, json=UPDATE, headers=headers)
        assert (second.status, again.status) == (200, 200)
        assert len(await open_line.inbox()) == 1


async def test_while_we_stop_updates_stay_with_the_platform(line: MakeLine, fake: FakeTelegram) -> None:
    async with brought(line, fake) as (open_line, client):
        await open_line.channel.hush()
        answer = await client.post(PATH, json=UPDATE, headers={SECRET_HEADER: SECRET})
        assert answer.status == 503
        assert await open_line.inbox() == []


async def test_deliveries_that_fail_are_noticed_and_so_is_their_end(line: MakeLine, fake: FakeTelegram) -> None:
    await fake.set(time_factor=0.02)
    async with line(place=Place(f"http://127.0.0.1:{free_port()}", SECRET), look_s=0.05) as open_line:
        await open_line.channel.listen()
        await until(lambda: webhook_url(fake))
        await until(lambda: open_line.ports.heard_at)
        await fake.person(1001).send_text("đợi")
        assert await until(lambda: open_line.channel.trouble) == "webhook_failing"


async def test_an_address_somebody_else_set_is_set_back(line: MakeLine, fake: FakeTelegram) -> None:
    await fake.set(time_factor=0.02)
    async with brought(line, fake, look_s=0.05) as (open_line, _client):
        await open_line.channel.listen()
        ours = await until(lambda: webhook_url(fake))
        async with line(place=Place("http://127.0.0.1:9", SECRET)) as other:
            await other.channel.listen()
            await until(lambda: webhook_url(fake) if other.ports.heard_at else None)
        await fake.person(1001).send_text("về đúng chỗ")
        await fake.wait_confirmed()
        assert await webhook_url(fake) == ours
        assert texts(await open_line.inbox()) == ["về đúng chỗ"]


async def test_an_address_the_platform_does_not_take_is_told(line: MakeLine) -> None:
    async with line(place=Place("https://lantoa.example.vn", SECRET)) as open_line:
        await open_line.channel.listen()
        assert await until(lambda: open_line.channel.trouble) == "not_set_up"
