"""The line to the platform when it is bad: was anything sent? And the token, which is in every address."""

from __future__ import annotations

import asyncio
import io
import ssl
import time
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from telegram.error import TelegramError

from bot.channels.telegram.api import Api, written
from bot.channels.telegram.settings import Settings
from bot.channels.telegram.transport import AnswerLost, NothingSent, TooLarge, Transport
from tests.channels.conftest import free_port
from tests.channels.lines import TOKEN, Serve, listening, shows_token


async def failing(url: str, *, read_timeout_s: float = 5.0) -> TelegramError:
    """Return how posting to a bad line fails."""
    transport = Transport(connections=1, read_timeout_s=read_timeout_s)
    await transport.initialize()
    try:
        await transport.post_prepared(f"{url}/bot{TOKEN}/sendMessage", written({"text": "x"}))
    except TelegramError as error:
        return error
    finally:
        await transport.shutdown()
    raise AssertionError("there was an answer")


async def hears_request(reader: asyncio.StreamReader) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await hears_request(reader)
    writer.transport.abort()


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await hears_request(reader)


async def says_half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await hears_request(reader)
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"ok":')
    await writer.drain()


async def speaks_otherwise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await hears_request(reader)
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    await writer.drain()


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize(
    ("serve", "reason"),
    [(resets, "cut_off"), (hangs_up, "cut_off"), (says_half, "garbled"), (speaks_otherwise, "cut_off")],
)
async def test_a_line_that_breaks_after_the_request_leaves_it_open_whether_it_arrived(
    serve: Serve, reason: str
) -> None:
    async with listening(serve) as port:
        error = await failing(f"http://127.0.0.1:{port}")
    assert isinstance(error, AnswerLost)
    assert error.message == reason
    assert not shows_token(error)


async def test_a_server_that_does_not_answer_may_have_taken_it() -> None:
    async with listening(says_nothing) as port:
        error = await failing(f"http://127.0.0.1:{port}", read_timeout_s=0.1)
    assert isinstance(error, AnswerLost)
    assert error.message == "no_answer"
    assert not shows_token(error)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:{port}", "no_connection"),
        ("http://no-such-host.invalid", "no_name"),
        ("http://[", "no_name"),
        ("gopher://127.0.0.1", "no_name"),
    ],
)
async def test_without_a_connection_nothing_was_sent(url: str, reason: str) -> None:
    error = await failing(url.replace("{port}", str(free_port())))
    assert isinstance(error, NothingSent)
    assert error.message == reason
    assert not shows_token(error)


async def test_without_a_secure_line_nothing_was_sent() -> None:
    async def speaks_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with listening(speaks_plainly) as port:
        error = await failing(f"https://127.0.0.1:{port}")
    assert isinstance(error, NothingSent)
    assert not shows_token(error)


async def test_waiting_for_a_free_connection_sends_nothing() -> None:
    async with listening(says_nothing) as port:
        transport = Transport(connections=1, read_timeout_s=0.5, pool_s=0.1)
        await transport.initialize()
        url = f"http://127.0.0.1:{port}/bot{TOKEN}/sendMessage"
        results = await asyncio.gather(*(transport.post_prepared(url, b"{}") for _ in range(2)), return_exceptions=True)
        await transport.shutdown()
    assert sorted(type(result).__name__ for result in results) == ["AnswerLost", "NothingSent"]
    assert not any(shows_token(result) for result in results if isinstance(result, BaseException))


async def test_a_closed_line_sends_nothing() -> None:
    transport = Transport(connections=1, read_timeout_s=1.0)
    with pytest.raises(NothingSent):
        await transport.post_prepared("http://127.0.0.1:1/", b"{}")


def test_an_unknown_failure_is_an_open_question_and_tells_nothing_of_itself() -> None:
    from bot.channels.telegram.transport import _failure

    for error in (ValueError(TOKEN), aiohttp.ClientError(TOKEN), ssl.SSLError(TOKEN), OSError(TOKEN)):
        failure = _failure(error)
        assert isinstance(failure, AnswerLost)
        assert not shows_token(failure)


async def test_a_file_larger_than_wanted_is_not_read_to_its_end() -> None:
    sent = 0

    async def pours(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await hears_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while sent < 50_000_000:
            writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            await writer.drain()
            sent += 0x10000

    async with listening(pours) as port:
        transport = Transport(connections=1, read_timeout_s=5.0)
        await transport.initialize()
        with pytest.raises(TooLarge):
            await transport.download(f"http://127.0.0.1:{port}/file/bot{TOKEN}/x", most=1_000_000)
        await transport.shutdown()
    assert sent < 20_000_000


async def test_another_address_is_never_followed() -> None:
    asked: list[bytes] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with listening(elsewhere) as port:
        error = await failing(f"http://127.0.0.1:{port}")
    assert isinstance(error, AnswerLost)
    assert len(asked) == 1


async def test_the_token_is_not_shown_by_what_holds_it() -> None:
    api = Api(TOKEN, "http://127.0.0.1:1", connections=1)
    assert TOKEN not in repr(Settings(TOKEN, "http://x")) + repr(api) + str(Settings(TOKEN, "http://x"))


async def test_a_prepared_call_costs_little_beside_a_bare_one() -> None:
    body = b'{"ok":true,"result":{"message_id":1,"date":1,"chat":{"id":1,"type":"private"}}}'
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                await reader.readuntil(b"}")
            except asyncio.IncompleteReadError:
                return
            writer.write(head + body)

    async with listening(answers) as port:
        transport = Transport(connections=4, read_timeout_s=5.0)
        await transport.initialize()
        url, post = f"http://127.0.0.1:{port}/bot{TOKEN}/sendMessage", written({"chat_id": 1, "text": "x"})
        await transport.post_prepared(url, post)
        ours = await _cpu_s(lambda: transport.post_prepared(url, post))
        async with aiohttp.ClientSession() as session:
            bare = await _cpu_s(lambda: _bare(session, url, post))
        await transport.shutdown()
    assert ours < bare * 2.5 + 0.0002


async def _bare(session: aiohttp.ClientSession, url: str, post: bytes) -> None:
    async with session.post(url, data=post, headers={"Content-Type": "application/json"}) as answer:
        await answer.read()


async def _cpu_s(call: Callable[[], Awaitable[object]], times: int = 200) -> float:
    began = time.process_time()
    for _ in range(times):
        await call()
    return (time.process_time() - began) / times


def test_requests_are_written_without_what_is_none() -> None:
    assert written({"a": None, "b": "Ấ"}) == '{"b":"Ấ"}'.encode()
    assert written({"text": "a\ud800b"}) == b'{"text":"a?b"}'
    assert io.BytesIO(written({})).read() == b"{}"
