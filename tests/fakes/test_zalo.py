"""The fake Zalo Bot Platform keeps to what is known of the real one; what is not known is a switch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.fakes.zalo import FakeZalo, fake_zalo, fake_zalo_program

Json = dict[str, Any]


@pytest.fixture
async def fake() -> AsyncIterator[FakeZalo]:
    async with fake_zalo(local_webhooks=True) as running:
        yield running


async def asked(fake: FakeZalo, method: str, token: str | None = None, /, **parameters: Any) -> Json:
    url = f"{fake.url}/bot{token or fake.token}/{method}"
    async with aiohttp.ClientSession() as session, session.post(url, json=parameters) as answer:
        assert answer.status == 200
        found: Json = await answer.json()
        return found


def code(answer: Json) -> int:
    assert answer["ok"] is False
    return int(answer["error_code"])


async def test_refusals_come_with_status_200(fake: FakeZalo) -> None:
    assert code(await asked(fake, "getMe", "1:wrong")) == 401
    assert code(await asked(fake, "sendDocument")) == 404
    assert code(await asked(fake, "getme")) == 404
    assert code(await asked(fake, "sendMessage", text="x")) == 400
    mai = fake.person(1001)
    assert code(await asked(fake, "sendMessage", chat_id=mai.id)) == 400
    assert code(await asked(fake, "sendMessage", chat_id=mai.id, text="x" * 2001)) == 400
    assert code(await asked(fake, "sendPhoto", chat_id=mai.id)) == 400
    assert code(await asked(fake, "sendPhoto", chat_id=mai.id, photo="data:image/png;base64,xx")) == 400
    assert (await fake.totals()).messages == 0


async def test_a_success_may_carry_a_code_of_zero(fake: FakeZalo) -> None:
    me = await asked(fake, "getMe")
    assert me["result"]["account_name"].startswith("bot.")
    assert "error_code" not in me
    await fake.set(with_error_code=True)
    assert (await asked(fake, "getMe"))["error_code"] == 0


async def test_what_is_sent_in_many_parts_counts_for_nothing(fake: FakeZalo) -> None:
    form = aiohttp.FormData({"chat_id": fake.person(1).id, "text": "x"}, default_to_multipart=True)
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{fake.url}/bot{fake.token}/sendMessage", data=form) as answer,
    ):
        assert code(await answer.json()) == 400


async def test_a_message_arrives_with_an_opaque_id_and_milliseconds(fake: FakeZalo) -> None:
    mai = fake.person(1001)
    said = (await asked(fake, "sendMessage", chat_id=mai.id, text="chào"))["result"]
    message = await mai.next_message()
    assert (message.text, message.chat, message.id) == ("chào", mai.id, said["message_id"])
    assert len(said["message_id"]) == 20
    assert said["date"] > 10**12


async def test_a_poll_brings_one_event_and_never_again(fake: FakeZalo) -> None:
    mai = fake.person(1001, "Mai")
    for text in ("một", "hai"):
        await mai.send_text(text)
    first = (await asked(fake, "getUpdates", timeout="1"))["result"]
    second = (await asked(fake, "getUpdates", timeout=1))["result"]
    assert [each["message"]["text"] for each in (first, second)] == ["một", "hai"]
    assert first["message"]["chat"] == {"id": mai.id, "chat_type": "PRIVATE"}
    assert first["message"]["from"] == {"id": mai.id, "display_name": "Mai", "is_bot": False}
    assert code(await asked(fake, "getUpdates", timeout=0)) == 408


async def test_a_poll_waits_for_what_comes(fake: FakeZalo) -> None:
    poll = asyncio.ensure_future(asked(fake, "getUpdates", timeout=20))
    await asyncio.sleep(0)
    await fake.person(1001).send_text("sau")
    assert (await poll)["result"]["message"]["text"] == "sau"


async def test_a_lossy_platform_forgets_what_nobody_waits_for(fake: FakeZalo) -> None:
    await fake.set(lossy=True)
    await fake.person(1001).send_text("mất")
    assert code(await asked(fake, "getUpdates", timeout=0)) == 408
    assert [update.confirmed_by for update in await fake.updates()] == ["lost"]


@pytest.mark.parametrize("said", [400, 408])
async def test_beside_a_webhook_polling_brings_nothing(fake: FakeZalo, said: int) -> None:
    await fake.set(poll_in_webhook=said)
    await asked(fake, "setWebhook", url="http://127.0.0.1:9/x", secret_token="s" * 20)
    assert code(await asked(fake, "getUpdates", timeout=0)) == said
    assert (await asked(fake, "getWebhookInfo"))["result"]["url"].endswith("/x")
    await asked(fake, "deleteWebhook")
    assert code(await asked(fake, "getUpdates", timeout=0)) == 408


@pytest.mark.parametrize(
    "url", ["http://lantoa.example.vn", "https://localhost/x", "https://10.1.2.3/x", "https://a.zalo.me/x", ""]
)
async def test_only_public_and_safe_addresses_are_taken(url: str) -> None:
    async with fake_zalo() as strict:
        assert code(await asked(strict, "setWebhook", url=url, secret_token="s" * 20)) == 400
        assert code(await asked(strict, "setWebhook", url="https://lantoa.example.vn", secret_token="short")) == 400


@asynccontextmanager
async def listening(answers: list[int]) -> AsyncIterator[tuple[str, list[tuple[str, Any]]]]:
    """Yield an address that gives these answers and then 200, and what came to it."""
    came: list[tuple[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        came.append((request.headers.get("X-Bot-Api-Secret-Token", ""), body))
        return web.Response(status=answers.pop(0) if answers else 200)

    app = web.Application()
    app.router.add_post("/hook", take)
    async with TestServer(app) as server:
        yield str(server.make_url("/hook")), came


async def test_a_webhook_is_tried_empty_at_once_and_kept_even_if_it_fails(fake: FakeZalo) -> None:
    async with listening([404]) as (url, came):
        found = (await asked(fake, "setWebhook", url=url, secret_token="bi-mat-cua-bot"))["result"]
        assert found["verification"]["outcome"] == "webhook.http.404"
        assert came == [("bi-mat-cua-bot", None)]
        assert await fake.webhook_url() == url
        again = (await asked(fake, "testWebhook"))["result"]
        assert again["outcome"] == "webhook.ok"


@pytest.mark.parametrize("wrapped", [False, True])
async def test_events_are_brought_again_until_they_are_taken(fake: FakeZalo, wrapped: bool) -> None:
    await fake.set(wrapped=wrapped, time_factor=0.01, photo_key="photo")
    async with listening([200, 503, 503]) as (url, came):
        await asked(fake, "setWebhook", url=url, secret_token="bi-mat-cua-bot")
        await fake.person(1001).send_photo(b"\xff\xd8\xff", "ảnh")
        await fake.wait_confirmed()
    assert len(came) == 4
    secret, body = came[-1]
    event = body["result"] if wrapped else body
    assert secret == "bi-mat-cua-bot"
    assert event["event_name"] == "message.image.received"
    assert event["message"]["photo"].startswith(fake.url)
    assert event["message"]["caption"] == "ảnh"


async def test_a_delivery_that_is_never_taken_is_lost(fake: FakeZalo) -> None:
    await fake.set(webhook_tries=2, time_factor=0.01)
    async with listening([200, 500, 500, 500]) as (url, _came):
        await asked(fake, "setWebhook", url=url, secret_token="bi-mat-cua-bot")
        await fake.person(1001).send_text("x")
        await fake.wait_confirmed()
    assert [update.confirmed_by for update in await fake.updates()] == ["lost"]


async def test_a_picture_is_fetched_while_the_call_waits(fake: FakeZalo) -> None:
    mai = fake.person(1001)
    await mai.send_photo(b"\xff\xd8\xffanh")
    event = (await asked(fake, "getUpdates", timeout=1))["result"]
    url = event["message"]["photo_url"]
    assert (await asked(fake, "sendPhoto", chat_id=mai.id, photo=url, caption="x"))["ok"]
    assert (await mai.next_message()).photo == url
    assert code(await asked(fake, "sendPhoto", chat_id=mai.id, photo=f"{fake.url}/cdn/none.jpg")) == 400
    await fake.set(refused_hosts=["127.0.0.1"])
    assert code(await asked(fake, "sendPhoto", chat_id=mai.id, photo=url)) == 400


async def test_the_caps_of_a_free_bot_count_both_directions(fake: FakeZalo) -> None:
    await fake.set(month=3, most_people=1)
    mai, lan = fake.person(1), fake.person(2)
    await mai.send_text("x")
    assert (await asked(fake, "sendMessage", chat_id=mai.id, text="1"))["ok"]
    assert code(await asked(fake, "sendMessage", chat_id=lan.id, text="1")) == 429
    assert (await asked(fake, "sendMessage", chat_id=mai.id, text="2"))["ok"]
    assert code(await asked(fake, "sendMessage", chat_id=mai.id, text="3")) == 429


@pytest.mark.parametrize(("kind", "status"), [("proxy_429", 429), ("proxy_502", 502), ("proxy_504", 504)])
async def test_the_proxy_answers_with_pages_that_echo_the_path(fake: FakeZalo, kind: str, status: int) -> None:
    await fake.fault(kind, methods=["getMe"], times=1)
    async with aiohttp.ClientSession() as session, session.post(f"{fake.url}/bot{fake.token}/getMe") as answer:
        page = await answer.text()
    assert answer.status == status
    assert answer.content_type == "text/html"
    assert fake.token in page


async def test_who_polls_too_often_meets_the_proxy(fake: FakeZalo) -> None:
    await fake.set(polls=[1, 60.0])
    assert code(await asked(fake, "getUpdates", timeout=0)) == 408
    url = f"{fake.url}/bot{fake.token}/getUpdates"
    async with aiohttp.ClientSession() as session, session.post(url, json={"timeout": 0}) as answer:
        assert answer.status == 429


async def test_in_a_group_the_bot_hears_only_what_mentions_it(fake: FakeZalo) -> None:
    await fake.set(groups=True)
    group = await fake.group(1)
    mai = fake.person(1001)
    assert (await mai.send_text("với nhau", group=group, mention=False)).update_id is None
    await mai.send_text("@bot chào", group=group)
    event = (await asked(fake, "getUpdates", timeout=1))["result"]
    assert event["message"]["chat"] == {"id": group, "chat_type": "GROUP"}


async def test_a_token_that_is_reset_is_dead_at_once(fake: FakeZalo) -> None:
    old = fake.token
    await fake.reset_token("700000002:NewTokenOfTheTests00000")
    assert code(await asked(fake, "getMe", old)) == 401
    assert (await asked(fake, "getMe"))["ok"]


async def test_what_cannot_be_shown_is_unsupported_and_has_no_content(fake: FakeZalo) -> None:
    await fake.person(1001).send_unsupported()
    event = (await asked(fake, "getUpdates", timeout=1))["result"]
    assert event["event_name"] == "message.unsupported.received"
    assert set(event["message"]) == {"message_id", "date", "from", "chat"}


async def test_it_runs_as_a_program_of_its_own() -> None:
    async with fake_zalo_program(wrapped=True) as program:
        assert (await asked(program, "getMe"))["ok"]
