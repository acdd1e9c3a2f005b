"""Polling: committed first, confirmed then; none lost and none twice."""

from __future__ import annotations

import asyncio
from typing import Any

from bot.channels.telegram.webhook import Place
from storage.database import Connection
from tests.channels.conftest import MakeLine
from tests.channels.waiting import SECRET, Unwilling, polls_of, texts, until, webhook_url
from tests.fakes.telegram import FakeTelegram, fake_telegram


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
    assert [text for row, text in zip(rows, texts(rows), strict=True) if row["external_id"] == "1001"] == ["một", "ba"]
    assert len(rows) == 3
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
        await until(polls_of(fake, 1))
        async with line(poll_s=30) as theirs:
            await theirs.channel.listen()
            assert await until(lambda: ours.channel.trouble) == "conflict"
            assert theirs.channel.trouble is None


async def test_a_token_that_is_withdrawn_ends_the_poll(line: MakeLine, fake: FakeTelegram) -> None:
    async with line(poll_s=1) as open_line:
        await open_line.channel.listen()
        await until(polls_of(fake, 1))
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
        await until(lambda: webhook_url(fake))
    await fake.person(1001).send_text("đã đợi")
    async with line() as open_line:
        await open_line.channel.listen()
        await fake.wait_confirmed()
        assert texts(await open_line.inbox()) == ["đã đợi"]
        assert not await webhook_url(fake)


async def test_stopping_ends_a_poll_that_waits_at_once(line: MakeLine, fake: FakeTelegram) -> None:
    loop = asyncio.get_running_loop()
    async with line(poll_s=50) as open_line:
        await open_line.channel.listen()
        await until(polls_of(fake, 1))
        began = loop.time()
        await open_line.channel.hush()
        assert loop.time() - began < 1
