"""Updates come as from Telegram: by long poll with its traps, by webhook with its retries."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.fakes.telegram import FakeTelegram, fake_telegram, fake_telegram_program

SECRET = "bi-mat_cua_bai_thu"
Reply = Callable[[dict[str, Any]], web.Response]


@dataclass
class Caller:
    """A bot that speaks plain HTTP."""

    fake: FakeTelegram
    session: aiohttp.ClientSession

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        url = f"{self.fake.api_url}{self.fake.token}/{method}"
        async with self.session.post(url, json=params) as answer:
            body: dict[str, Any] = await answer.json()
            return body

    async def poll(self, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.call("getUpdates", **params))["result"]
        return found

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Keep talking until something is so."""
        async with asyncio.timeout(10):
            while not is_so():
                await self.call("getMe")


@pytest.fixture
async def fake() -> AsyncIterator[FakeTelegram]:
    async with fake_telegram(hurried_poll=False, time_factor=0.02, whole_bot=None) as running:
        yield running


@pytest.fixture
async def bot(fake: FakeTelegram) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as session:
        yield Caller(fake, session)


@dataclass
class Hook:
    """A bot's own address: what came in, and how it answers."""

    url: str
    reply: Reply
    updates: list[dict[str, Any]] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    open_now: int = 0
    open_most: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def texts(self) -> list[str]:
        return [update["message"]["text"] for update in self.updates]


@contextlib.asynccontextmanager
async def listening(reply: Reply) -> AsyncIterator[Hook]:
    hook = Hook("", reply)
    hook.gate.set()

    async def take(request: web.BaseRequest) -> web.Response:
        hook.open_now += 1
        hook.open_most = max(hook.open_most, hook.open_now)
        hook.at.append(time.monotonic())
        hook.updates.append(await request.json())
        hook.secrets.append(request.headers["X-Telegram-Bot-Api-Secret-Token"])
        await hook.gate.wait()
        hook.open_now -= 1
        return hook.reply(hook.updates[-1])

    runner = web.ServerRunner(web.Server(take), shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield hook
    finally:
        await runner.cleanup()


def fine(update: dict[str, Any]) -> web.Response:
    return web.Response()


def texts(updates: list[dict[str, Any]]) -> list[str]:
    return [update["message"]["text"] for update in updates]


# --- Long poll ---


async def test_what_is_not_confirmed_comes_again_and_what_is_does_not(fake: FakeTelegram, bot: Caller) -> None:
    mai = fake.person(1001)
    first = await mai.send_text("một")
    await mai.send_text("hai")
    assert texts(await bot.poll()) == texts(await bot.poll()) == ["một", "hai"]
    assert first.update_id is not None
    assert texts(await bot.poll(offset=first.update_id + 1, limit=1)) == ["hai"]
    assert await bot.poll(offset=first.update_id + 2) == []
    one, two = await fake.updates()
    assert (len(one.handed_at), one.confirmed_by, len(two.handed_at), two.confirmed_by) == (2, "offset", 3, "offset")


async def test_updates_whose_answer_was_lost_come_again(fake: FakeTelegram, bot: Caller) -> None:
    first = await fake.person(1001).send_text("một")
    await fake.person(1001).send_text("hai")
    assert first.update_id is not None
    for kind in ("reset", "cut", "bad_gateway"):
        await fake.fault(kind, methods=["getUpdates"], accepted=True, times=1)
        with contextlib.suppress(aiohttp.ClientError, KeyError):
            await bot.poll(offset=first.update_id + 1)
    assert texts(await bot.poll(offset=first.update_id + 1)) == ["hai"]
    assert [len(update.handed_at) for update in await fake.updates()] == [0, 4]


async def test_a_poll_waits_for_the_next_update(fake: FakeTelegram, bot: Caller) -> None:
    waiting = asyncio.create_task(bot.poll(timeout=50))
    await bot.call("getMe")
    await fake.person(1001).send_text("đây rồi")
    assert texts(await waiting) == ["đây rồi"]
    assert await bot.poll(offset=2**31 - 1, timeout=0) == []


async def test_a_second_poller_ends_the_first(fake: FakeTelegram, bot: Caller) -> None:
    first = asyncio.create_task(bot.call("getUpdates", timeout=50))
    await bot.call("getMe")
    second = asyncio.create_task(bot.call("getUpdates", timeout=50))
    conflict = await first
    assert (conflict["error_code"], "terminated by other getUpdates" in conflict["description"]) == (409, True)
    await fake.person(1001).send_text("cho người sau")
    assert texts((await second)["result"]) == ["cho người sau"]


async def test_a_webhook_ends_the_poll(fake: FakeTelegram, bot: Caller) -> None:
    waiting = asyncio.create_task(bot.call("getUpdates", timeout=50))
    await bot.call("getMe")
    await bot.call("setWebhook", url="http://127.0.0.1:9/")
    assert (await waiting)["description"] == "Conflict: terminated by setWebhook request"


async def test_asking_again_at_once_brings_one_update_only(fake: FakeTelegram, bot: Caller) -> None:
    await fake.set(hurried_poll=True)
    mai = fake.person(1001)
    for number in range(3):
        await mai.send_text(f"{number}")
    assert [len(await bot.poll(offset=1)) for _ in range(2)] == [3, 1]


async def test_ids_that_start_again_lower_are_lost_to_who_asks_from_the_highest(
    fake: FakeTelegram, bot: Caller
) -> None:
    mai = fake.person(1001)
    before = await mai.send_text("trước")
    assert before.update_id is not None
    await bot.poll()
    assert await fake.restart_ids() < before.update_id // 2
    after = await mai.send_text("sau")
    assert after.update_id is not None and after.update_id < before.update_id
    assert await bot.poll(offset=before.update_id + 1) == []
    [_, lost] = await fake.updates()
    assert (lost.handed_at, lost.confirmed_by) == ([], "offset")
    kept = await mai.send_text("còn")
    assert texts(await bot.poll()) == ["còn"]
    assert kept.update_id == after.update_id + 1


async def test_only_kinds_that_were_asked_for_are_kept(fake: FakeTelegram, bot: Caller) -> None:
    mai = fake.person(1001)
    await bot.poll(allowed_updates=["message"])
    done = await mai.send_text("a")
    assert (await mai.edit_text(done, "b")).update_id is None
    assert (await mai.block()).update_id is None
    assert len(await bot.poll(offset=-1)) == 1


async def test_an_update_comes_once_more_on_order_and_by_chance(fake: FakeTelegram, bot: Caller) -> None:
    mai = fake.person(1001)
    first = await mai.send_text("một")
    assert first.update_id is not None
    await bot.poll()
    assert await bot.poll(offset=first.update_id + 1) == []
    await fake.repeat(first)
    assert texts(await bot.poll(offset=first.update_id + 1)) == ["một"]
    assert await bot.poll(offset=first.update_id + 1) == []
    await fake.set(repeat=1.0)
    await mai.send_text("hai")
    assert texts(await bot.poll()) == ["hai"]
    assert texts(await bot.poll(offset=first.update_id + 2)) == ["hai"]


async def test_chats_overtake_each_other_and_no_chat_itself(fake: FakeTelegram, bot: Caller) -> None:
    await fake.set(shuffle=True)
    people = [fake.person(number) for number in range(1, 6)]
    await fake.send_many([(one, f"{one.id} {number}") for number in range(8) for one in people])
    came = texts(await bot.poll())
    assert came != sorted(came, key=lambda text: text.split()[1])
    for one in people:
        assert [text for text in came if text.startswith(f"{one.id} ")] == [f"{one.id} {number}" for number in range(8)]


# --- Webhook ---


async def set_hook(bot: Caller, hook: Hook, **params: Any) -> None:
    assert (await bot.call("setWebhook", url=hook.url, secret_token=SECRET, **params))["ok"]


async def test_a_webhook_gets_what_was_waiting_and_what_comes_with_its_secret(fake: FakeTelegram, bot: Caller) -> None:
    mai = fake.person(1001)
    await mai.send_text("trước")
    async with listening(fine) as hook:
        await set_hook(bot, hook)
        await mai.send_text("sau")
        await fake.wait_confirmed()
        assert (hook.texts, set(hook.secrets)) == (["trước", "sau"], {SECRET})
        assert {update.confirmed_by for update in await fake.updates()} == {"webhook"}
        await bot.call("deleteWebhook")
    assert await bot.poll() == []


async def test_a_failing_update_comes_again_and_blocks_only_its_own_chat(fake: FakeTelegram, bot: Caller) -> None:
    refusals = iter(range(4))

    def reply(update: dict[str, Any]) -> web.Response:
        is_bad = update["message"]["text"] == "xấu" and next(refusals, None) is not None
        return web.Response(status=500 if is_bad else 200)

    async with listening(reply) as hook:
        await set_hook(bot, hook)
        mai, lan = fake.person(1001), fake.person(1002)
        await mai.send_text("xấu")
        await mai.send_text("sau xấu")
        await lan.send_text("của Lan")
        await fake.wait_confirmed()
        waits = [
            later - earlier for earlier, later in zip(hook.at[hook.texts.index("xấu") :], hook.at[1:], strict=False)
        ]
        assert [text for text in hook.texts if text != "của Lan"] == ["xấu"] * 5 + ["sau xấu"]
        assert hook.texts.index("của Lan") < 5
        assert sum(waits) >= (2 + 4 + 8) * 0.02
        info = (await bot.call("getWebhookInfo"))["result"]
        assert info["last_error_message"] == "Wrong response from the webhook: 500 Internal Server Error"


async def test_retry_after_is_honoured(fake: FakeTelegram, bot: Caller) -> None:
    answers = iter([web.Response(status=503, headers={"Retry-After": "10"}), web.Response()])
    async with listening(lambda _: next(answers)) as hook:
        await set_hook(bot, hook)
        await fake.person(1001).send_text("chờ")
        await fake.wait_confirmed()
        assert hook.at[1] - hook.at[0] >= 10 * 0.02


async def test_what_a_webhook_that_is_away_did_not_take_is_left_for_a_poll(fake: FakeTelegram, bot: Caller) -> None:
    async with listening(fine) as hook:
        url = hook.url
    assert (await bot.call("setWebhook", url=url, secret_token=SECRET))["ok"]
    await fake.person(1001).send_text("đợi")
    async with asyncio.timeout(10):
        while "last_error_message" not in (info := (await bot.call("getWebhookInfo"))["result"]):
            pass
    assert (info["last_error_message"], info["pending_update_count"]) == ("Connection refused", 1)
    await bot.call("deleteWebhook")
    assert texts(await bot.poll()) == ["đợi"]


async def test_no_more_connections_are_used_than_allowed(fake: FakeTelegram, bot: Caller) -> None:
    async with listening(fine) as hook:
        hook.gate.clear()
        await set_hook(bot, hook, max_connections=3)
        await fake.send_many([(fake.person(number), "chào") for number in range(1, 21)])
        await bot.until(lambda: hook.open_now == 3)
        hook.gate.set()
        await fake.wait_confirmed(20)
        assert hook.open_most == 3


async def test_an_update_is_brought_twice_on_order(fake: FakeTelegram, bot: Caller) -> None:
    await fake.set(repeat=1.0)
    async with listening(fine) as hook:
        await set_hook(bot, hook)
        mai = fake.person(1001)
        await mai.send_text("một")
        last = await mai.send_text("hai")
        await fake.wait_confirmed()
        await fake.set(repeat=0.0)
        await fake.repeat(last)
        await bot.until(lambda: len(hook.updates) == 5)
        assert hook.texts == ["một", "một", "hai", "hai", "hai"]


async def test_the_call_in_a_webhooks_answer_is_carried_out(fake: FakeTelegram, bot: Caller) -> None:
    reply = {"method": "sendMessage", "chat_id": 1001, "text": "Đã nhận"}
    async with listening(lambda _: web.json_response(reply)) as hook:
        await set_hook(bot, hook)
        mai = fake.person(1001)
        await mai.send_text("báo cáo")
        assert (await mai.next_message()).text == "Đã nhận"


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"url": "https://example.org/hook"}, "Bad Request: invalid webhook URL specified"),
        ({"url": "http://127.0.0.1:9/", "secret_token": "có dấu"}, "Bad Request: secret token contains unallowed"),
        ({"url": "http://127.0.0.1:9/", "secret_token": "a" * 257}, "Bad Request: secret token is too long"),
    ],
)
async def test_a_wrong_webhook_is_refused(bot: Caller, params: dict[str, str], reason: str) -> None:
    answer = await bot.call("setWebhook", **params)
    assert (answer["error_code"], answer["description"].startswith(reason)) == (400, True)


async def test_a_fake_of_its_own_process_is_the_same_and_ends_with_the_test() -> None:
    async with fake_telegram_program(per_private=None) as fake, aiohttp.ClientSession() as session:
        bot = Caller(fake, session)
        mai = fake.person(1001)
        await mai.send_text("chào")
        assert texts(await bot.poll(timeout=5)) == ["chào"]
        await bot.call("sendMessage", chat_id=1001, text="chào chị")
        assert (await mai.next_message()).text == "chào chị"
    with pytest.raises(aiohttp.ClientConnectorError):
        async with aiohttp.ClientSession() as session:
            await session.get(fake.url)
