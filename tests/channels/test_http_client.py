"""The client of the thin channels: each way a line fails is told apart, and nothing of the address is given away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.channels.base import NotSent, Refused, SendError, Unclear
from bot.channels.http_client import HttpClient
from tests.channels.conftest import free_port
from tests.channels.zalo_bot.conftest import fake as fake
from tests.fakes.zalo import FakeZalo

SECRET = "canary-canary_canary"


@asynccontextmanager
async def client() -> AsyncIterator[HttpClient]:
    made = HttpClient(connections=2)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


async def failure(url: str, *, read_s: float = 5.0) -> SendError:
    """Return how a post to an address ends."""
    async with client() as made:
        with pytest.raises(SendError) as found:
            await made.post(f"{url}/bot{SECRET}/sendMessage", b"{}", read_s=read_s)
    error = found.value
    told = [repr(each) for each in (error, error.__cause__, error.__context__)]
    assert SECRET not in "".join(told)
    return error


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:{port}", "no_connection"),
        ("http://nowhere.invalid", "no_name"),
        ("https://127.0.0.1:{plain}", "no_secure_line"),
        ("http://", "no_name"),
        ("ftp://127.0.0.1", "no_name"),
    ],
)
async def test_what_did_not_leave_was_not_sent(fake: FakeZalo, url: str, reason: str) -> None:
    found = await failure(url.format(port=free_port(), plain=fake.port))
    assert (type(found), found.reason) == (NotSent, reason)


@pytest.mark.parametrize(("kind", "reason"), [("reset", "cut_off"), ("cut", "garbled")])
async def test_what_left_and_was_not_answered_is_unclear(fake: FakeZalo, kind: str, reason: str) -> None:
    await fake.fault(kind, methods=["getMe"], times=1)
    async with client() as made:
        with pytest.raises(Unclear) as found:
            await made.post(f"{fake.url}/bot{fake.token}/getMe", b"{}", read_s=5)
    assert found.value.reason == reason


async def test_an_answer_that_does_not_come_is_waited_for_so_long_and_no_longer() -> None:
    waits = asyncio.Event()

    async def never(_request: web.Request) -> web.Response:
        await waits.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/{all:.*}", never)
    async with TestServer(app) as server:
        found = await failure(str(server.make_url("")).rstrip("/"), read_s=0.1)
        waits.set()
    assert (type(found), found.reason) == (Unclear, "no_answer")


async def test_a_closed_client_sends_nothing() -> None:
    made = HttpClient(connections=1)
    with pytest.raises(NotSent):
        await made.post("http://127.0.0.1:9", b"", read_s=1)


async def test_a_file_is_read_to_its_measure_and_nowhere_else() -> None:
    async def file(request: web.Request) -> web.Response:
        match request.match_info["what"]:
            case "here":
                return web.Response(body=b"x" * 1000)
            case "elsewhere":
                raise web.HTTPFound("/here")
            case "later":
                return web.Response(status=503)
        return web.Response(status=404)

    app = web.Application()
    app.router.add_get("/{what}", file)
    async with TestServer(app) as server, client() as made:
        assert len(await made.download(str(server.make_url("/here")), most=1000, read_s=5)) == 1000
        for what, most, means in (("here", 999, Refused), ("gone", 9, Refused), ("elsewhere", 9, Refused)):
            with pytest.raises(means):
                await made.download(str(server.make_url(f"/{what}")), most=most, read_s=5)
        with pytest.raises(Unclear):
            await made.download(str(server.make_url("/later")), most=9, read_s=5)
