"""Updates on their way in, by polling and by webhook: committed first, confirmed then, none lost and none twice."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select

from bot.channels.base import TooManyRequests
from bot.channels.telegram.webhook import MOST_BYTES, PATH, SECRET_HEADER, Place
from bot.intake import MAX_TEXT_CHARS
from storage import channel_accounts, contacts
from storage.database import Connection, NotKept
from storage.inbox import MOST_WAITING
from storage.schema import delivery
from tests.channels.conftest import Line, MakeLine, free_port, now, outgoing
from tests.fakes.telegram import FakeTelegram, fake_telegram

SECRET = "s3cret-of-the-tests_0123456789"
LOOK_S = 0.01


class Unwilling:
    """A database that keeps nothing for the next `times` writes; everything else is the real one's."""

    def __init__(self, db: Any, times: int) -> None:
        self._db = db
        self.times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    async def write_each(self, *args: Any) -> Any:
        if self.times > 0:
            self.times -= 1
            raise NotKept("not now")
        return await self._db.write_each(*args)


async def until(found: Callable[[], Any]) -> Any:
    """Wait until `found()` (awaited if it must be) is true and return it; five seconds at most."""
    async with asyncio.timeout(5):
        while True:
            value = found()
            value = await value if asyncio.iscoroutine(value) else value
            if value:
                return value
            await asyncio.sleep(LOOK_S)


def texts(rows: list[dict[str, Any]]) -> list[str]:
    return [row["body"]["text"] for row in rows]


def deliveries_to(external_id: int) -> Callable[[Connection], list[str]]:
    def found(db: Connection) -> list[str]:
        address = contacts.find_address(db, "telegram", str(external_id))
        assert address is not None
        bodies = db.scalars(select(delivery.c.body).where(delivery.c.address_id == address.id))
        return [body["text"] for body in bodies]

    return found


@asynccontextmanager
async def brought(line: MakeLine, fake: FakeTelegram, **more: Any) -> AsyncIterator[tuple[Line, TestClient[Any, Any]]]:
    """Yield a line to which updates are brought, and somebody who may knock at its route."""
    app, port = web.Application(), free_port()
    async with line(place=Place(f"http://127.0.0.1:{port}/", SECRET), **more) as open_line:
        app.router.add_routes(open_line.channel.routes())
        client: TestClient[web.Request, web.Application] = TestClient(TestServer(app, port=port))
        async with client:
            yield open_line, client


# --- Polling ---


async def test_what_people_write_is_kept_in_order_and_only_then_confirmed(line: MakeLine, fake: FakeTelegram) -> None:
    people = [fake.person(1000 + number) for number in range(4)]
    await fake.send_many([(people[number % 4], f"tin {number}") for number in range(250)])
    async with line() as open_line:
        await open_line.channel.listen()
        await fake.wait_confirmed()
        rows = await open_line.inbox()
    for each in people:
        hers = [text for row, text in zip(rows, texts(rows), strict=True) if row["external_id"] == str(each.id)]
        assert hers == [f"tin {number}" for number in range(250) if people[number % 4] is each]
    assert [row["state"] for row in rows] == ["open"] * 250
    bot_id = fake.token.partition(":")[0]
    assert rows[0]["key"] == f"{bot_id}:m:1000:{rows[0]['key'].rpartition(':')[2]}"


async def test_a_batch_shares_its_commits(line: MakeLine, fake: FakeTelegram) -> None:
    together: list[int] = []

    class Watched(Unwilling):
        async def write_each(self, fn: Any, item: Any) -> Any:
            def counted(db: Connection, items: Any) -> Any:
                together.append(len(items))
                return fn(db, items)

            self._once = getattr(self, "_once", counted)
            return await self._db.write_each(self._once, item)

    await fake.send_many([(fake.person(1000 + number), "x") for number in range(100)])
    async with line() as plain:
        db = plain.db
    async with line(db=Watched(db, 0)) as open_line:
        await open_line.channel.listen()
        await fake.wait_confirmed()
    assert sum(together) == 100
    assert len(together) <= 4


async def test_what_cannot_be_kept_is_asked_for_again_with_the_same_question(
    line: MakeLine, fake: FakeTelegram
) -> None:
    mai, lan = fake.person(1001), fake.person(1002)
    await fake.send_many([(mai, "một"), (lan, "hai"), (mai, "ba")])
    async with line() as plain:
        db = plain.db
    await fake.set(hurried_poll=False)
    async with line(db=Unwilling(db, 2)) as open_line:
        await open_line.channel.listen()
        await fake.wait_confirmed()
        rows = await open_line.inbox()
    assert sorted(texts(rows)) == ["ba", "hai", "một"]
    updates = await fake.updates()
    assert all(len(update.handed_at) > 1 for update in updates)


async def test_ids_that_begin_again_lower_lose_nothing(line: MakeLine, fake: FakeTelegram) -> None:
    mai = fake.person(1001)
    async with line(poll_s=0) as open_line:
        await open_line.channel.listen()
        for number in range(3):
            await mai.send_text(f"trước {number}")
        await fake.wait_confirmed()
        await until(open_line.inbox)
        await fake.restart_ids(to=5)
        for number in range(3):
            await mai.send_text(f"sau {number}")
        await fake.wait_confirmed()
        rows = await open_line.inbox()
    assert texts(rows) == [*(f"trước {n}" for n in range(3)), *(f"sau {n}" for n in range(3))]


async def test_what_comes_twice_or_out_of_order_is_kept_once(line: MakeLine, database: Any) -> None:
    async with fake_telegram(per_private=None, repeat=0.5, shuffle=True, seed=3) as unruly:
        people = [unruly.person(1000 + number) for number in range(5)]
        await unruly.send_many([(people[number % 5], f"tin {number}") for number in range(100)])
        async with line(api_url=unruly.url) as open_line:
            await open_line.channel.listen()
            await unruly.wait_confirmed()
            rows = await open_line.inbox()
    assert sorted(texts(rows)) == sorted(f"tin {number}" for number in range(100))


async def test_another_poller_ends_ours_and_is_told(line: MakeLine, fake: FakeTelegram) -> None:
    async with line(poll_s=30) as ours:
        await ours.channel.listen()
        await until(fake_polls(fake, 1))
        async with line(poll_s=30) as theirs:
            await theirs.channel.listen()
            assert await until(lambda: ours.channel.trouble) == "conflict"
            assert theirs.channel.trouble is None


def fake_polls(fake: FakeTelegram, least: int) -> Callable[[], Any]:
    async def counted() -> bool:
        return (await fake.totals()).methods.get("getupdates", 0) >= least

    return counted


async def test_a_token_that_is_withdrawn_ends_the_poll(line: MakeLine, fake: FakeTelegram) -> None:
    async with line(poll_s=1) as open_line:
        await open_line.channel.listen()
        await until(fake_polls(fake, 1))
        await fake.revoke()
        await fake.person(1001).send_text("x")
        assert await until(lambda: open_line.channel.trouble) == "token_refused"


async def test_a_token_that_never_held_is_told_at_once(line: MakeLine) -> None:
    async with line(token="123:wrong") as open_line:
        await open_line.channel.listen()
        assert await until(lambda: open_line.channel.trouble) == "token_refused"


async def test_a_bad_line_is_only_waited_out(line: MakeLine, fake: FakeTelegram) -> None:
    for kind in ("server_error", "garbage", "reset", "bad_gateway"):
        await fake.fault(kind, methods=["getUpdates", "deleteWebhook"], times=2)
    async with line() as open_line:
        await open_line.channel.listen()
        await fake.person(1001).send_text("đến nơi")
        await fake.wait_confirmed()
        assert texts(await open_line.inbox()) == ["đến nơi"]
        assert open_line.channel.trouble is None


async def test_a_webhook_of_before_is_left_and_what_it_held_back_comes(line: MakeLine, fake: FakeTelegram) -> None:
    async with line(place=Place("https://127.0.0.1:9", SECRET)) as before:
        await before.channel.listen()
        await until(lambda: _webhook_url(fake))
    await fake.person(1001).send_text("đã đợi")
    async with line() as open_line:
        await open_line.channel.listen()
        await fake.wait_confirmed()
        assert texts(await open_line.inbox()) == ["đã đợi"]
        assert not await _webhook_url(fake)


async def _webhook_url(fake: FakeTelegram) -> str:
    url = f"{fake.api_url}{fake.token}/getWebhookInfo"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return str((await answer.json())["result"]["url"])


async def test_stopping_ends_a_poll_that_waits_at_once(line: MakeLine, fake: FakeTelegram) -> None:
    loop = asyncio.get_running_loop()
    async with line(poll_s=50) as open_line:
        await open_line.channel.listen()
        await until(fake_polls(fake, 1))
        began = loop.time()
        await open_line.channel.hush()
        assert loop.time() - began < 1


# --- Presses ---


async def test_a_press_is_answered_once_it_is_kept(line: MakeLine, fake: FakeTelegram) -> None:
    mai = fake.person(1001)
    async with line() as open_line:
        await open_line.channel.listen()
        await open_line.channel.send(outgoing("Chọn", "Có", "Không"))
        press = await mai.press(await mai.next_message(), "Không")
        assert await fake.answer_to(press) is not None
        (row,) = await open_line.inbox()
        assert row["body"]["pressed"] == "7.1"
        stale = await mai.press((await fake.messages())[0], "Có", stale=True)
        await fake.wait_confirmed()
        await until(lambda: _count(open_line, 2))
        assert stale.query_id
        assert open_line.channel.trouble is None


async def _count(open_line: Line, count: int) -> bool:
    return len(await open_line.inbox()) == count


async def test_no_press_is_answered_while_the_platform_wants_quiet(line: MakeLine, fake: FakeTelegram) -> None:
    mai = fake.person(1001)
    async with line() as open_line:
        await open_line.channel.listen()
        await open_line.channel.send(outgoing("Chọn", "Có"))
        shown = await mai.next_message()
        await fake.fault("too_many_requests", retry_after_s=30, times=1)
        with pytest.raises(TooManyRequests):
            await open_line.channel.send(outgoing("Nữa"))
        await mai.press(shown, "Có")
        await fake.wait_confirmed()
        await until(lambda: _count(open_line, 1))
    assert [call.method for call in await fake.in_halts() if call.method != "getupdates"] == []


# --- What cannot be taken as it is ---


async def test_a_text_beyond_all_measure_is_not_kept_and_she_is_told(line: MakeLine, fake: FakeTelegram) -> None:
    mai = fake.person(1001)
    async with line() as open_line:
        await open_line.channel.listen()
        await mai.send_text("x" * (MAX_TEXT_CHARS + 1))
        await mai.send_text("ngắn")
        await fake.wait_confirmed()
        assert texts(await open_line.inbox()) == ["ngắn"]
        (said,) = await open_line.db.read(deliveries_to(1001))
    assert "ngắn hơn" in said


async def test_a_flood_of_one_person_is_cut_told_once_and_hinders_nobody(line: MakeLine, fake: FakeTelegram) -> None:
    mai, lan = fake.person(1001), fake.person(1002)
    await fake.send_many([(mai, f"{n}") for n in range(MOST_WAITING + 30)] + [(lan, "tôi")])
    async with line() as open_line:
        await open_line.channel.listen()
        await fake.wait_confirmed()
        rows = await open_line.inbox()
        told = await open_line.db.read(deliveries_to(1001))
    assert [row["external_id"] for row in rows].count("1001") == MOST_WAITING
    assert [row["external_id"] for row in rows].count("1002") == 1
    assert len(told) == 1


async def test_what_nobody_can_read_becomes_a_dead_letter_and_the_next_is_taken(
    line: MakeLine, fake: FakeTelegram
) -> None:
    strange = {"message_id": "seven", "chat": {"id": 1001, "type": "private"}, "date": "yesterday", "text": 5}
    async with line() as open_line:
        await open_line.channel.listen()
        await fake.tell("message", strange, 1001)
        await fake.person(1001).send_text("đọc được")
        await fake.wait_confirmed()
        dead, good = await open_line.inbox()
    assert (dead["state"], dead["reason"], dead["external_id"]) == ("dead", "unreadable", "1001")
    assert json.loads(dead["body"]["raw"])["message"] == strange
    assert not dead["restricted"]
    assert good["body"]["text"] == "đọc được"


async def test_an_unreadable_call_for_help_is_erased_within_a_day(line: MakeLine, fake: FakeTelegram) -> None:
    strange = {"message_id": None, "chat": {"id": 1001, "type": "private"}, "text": "chồng đánh em, cứu em với"}
    async with line() as open_line:
        await open_line.channel.listen()
        await fake.tell("message", strange, 1001)
        await fake.wait_confirmed()
        (dead,) = await open_line.inbox()
    assert dead["restricted"]


async def test_a_group_that_moves_keeps_its_address(line: MakeLine, fake: FakeTelegram) -> None:
    mai, group = fake.person(1001), fake.group(-500)
    async with line() as open_line:
        await open_line.channel.listen()
        await group.message(mai, "/start")
        await fake.wait_confirmed()
        before = await open_line.db.read(contacts.find_address, "telegram", "-500")
        moved = await group.migrate(mai, -1000000000500)
        await fake.wait_confirmed()
        after = await open_line.db.read(contacts.find_address, "telegram", str(moved.id))
    assert before is not None
    assert after is not None
    assert before.id == after.id


# --- Webhook ---


async def test_updates_are_brought_and_kept_in_the_same_way(line: MakeLine, fake: FakeTelegram) -> None:
    people = [fake.person(1000 + number) for number in range(4)]
    async with brought(line, fake) as (open_line, _client):
        await open_line.channel.listen()
        await until(lambda: _webhook_url(fake))
        await fake.send_many([(people[number % 4], f"tin {number}") for number in range(60)])
        await fake.wait_confirmed()
        rows = await open_line.inbox()
        url = await _webhook_url(fake)
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


# --- Silence ---


async def test_hearing_is_stored_once_a_minute_at_most(line: MakeLine) -> None:
    async with line() as open_line:
        await open_line.ports.heard()
        stored = await open_line.db.read(channel_accounts.get, "telegram")
        await open_line.ports.heard()
        again = await open_line.db.read(channel_accounts.get, "telegram")
    assert stored is not None
    assert stored.heard_at is not None
    assert now() - stored.heard_at < timedelta(seconds=5)
    assert stored == again
