"""Our own line against servers that misbehave: did anything leave, and does everybody get her own answer?"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.channels.line import MOST_BYTES, Line, Unanswered, Unsent, Waits, place_of
from tests.channels.conftest import free_port
from tests.channels.lines import TOKEN, Serve, answer, hears, listening, shows_token

PATIENT = Waits(connection_s=5.0, silence_s=10.0, answer_s=20.0, keep_s=10.0)
HASTY = Waits(connection_s=5.0, silence_s=0.1, answer_s=0.3, keep_s=10.0)
TIDY = Waits(connection_s=5.0, silence_s=10.0, answer_s=20.0, keep_s=0.1)


class Post:
    """A line to a server of the tests, ready to post to it."""

    def __init__(self, line: Line, path: str) -> None:
        self.line = line
        self._head = line.head(path)

    async def __call__(self, body: bytes = b"{}") -> tuple[int, bytes]:
        return await self.line.post(self._head, body)

    async def fails(self, body: bytes = b"{}") -> Unsent | Unanswered:
        """Return how posting fails, having seen that it tells nothing of the request."""
        with pytest.raises((Unsent, Unanswered)) as caught:
            await self(body)
        assert not shows_token(caught.value)
        assert isinstance(caught.value, Unsent | Unanswered)
        return caught.value


@contextlib.asynccontextmanager
async def posting(
    port: int, *, waits: Waits = PATIENT, connections: int = 1, scheme: str = "http", host: str = "127.0.0.1"
) -> AsyncIterator[Post]:
    place, path = place_of(f"{scheme}://{host}:{port}/bot{TOKEN}/sendMessage")
    line = Line(place, connections=connections, waits=waits)
    try:
        yield Post(line, path)
    finally:
        await line.close()


def says(*pieces: bytes, then: str = "close") -> Serve:
    """Serve every request with these pieces, and then `close`, `reset` or `wait`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hears(reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if then == "reset":
            line = writer.get_extra_info("socket")
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.transport.abort()
        elif then == "wait":
            await reader.read()

    return serve


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("serve", "reason"),
    [
        (says(then="reset"), "cut_off"),
        (says(then="close"), "cut_off"),
        (says(b"H", then="reset"), "cut_off"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Le"), "cut_off"),
        (says(HEAD, b'{"ok":'), "garbled"),
        (says(HEAD, b'{"ok":', then="reset"), "garbled"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", then="wait"), "cut_off"),
        (says(b"\0" * 100, then="wait"), "cut_off"),
        (says(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n???"), "cut_off"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", then="wait"), "cut_off"),
        (says(CHUNKED, b"zz\r\n", then="wait"), "garbled"),
        (says(CHUNKED, b"5\r\nhello\r\n"), "garbled"),
        (says(b"HTTP/1.1 200 OK\r\n\r\n", b'{"ok":true}'), "garbled"),  # ended by nothing but the end of the line
        (
            says(f"HTTP/1.1 200 OK\r\nContent-Length: {3 * MOST_BYTES}\r\n\r\n".encode(), b"x" * 2 * MOST_BYTES),
            "garbled",
        ),
        (says(b"HTTP/1.1 200 OK\r\n", *[b"X-More: " + b"x" * 5000 + b"\r\n"] * 300, then="wait"), "cut_off"),
        (says(b"HTTP/1.1 100 Continue\r\n\r\n"), "cut_off"),
    ],
)
async def test_what_is_no_whole_answer_leaves_it_open_whether_the_request_arrived(serve: Serve, reason: str) -> None:
    async with listening(serve) as port, posting(port) as post:
        error = await post.fails()
    assert isinstance(error, Unanswered)
    assert error.reason == reason


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ([answer(b'{"ok":true}')], (200, b'{"ok":true}')),
        ([bytes([each]) for each in answer(b'{"ok":true}')], (200, b'{"ok":true}')),
        ([CHUNKED, b"5\r\nhel", b"lo\r\n3;x=y\r\n or\r\n", b"0\r\n", b"Trailer: x\r\n\r\n"], (200, b"hello or")),
        ([b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", answer(b"a")], (200, b"a")),
        ([answer(b"b", status="400 Bad Request")], (400, b"b")),
        ([answer(b"", status="307 Moved", more="Location: http://127.0.0.1:1/\r\n")], (307, b"")),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], (204, b"")),
        ([answer(b"x" * (MOST_BYTES - 100))], (200, b"x" * (MOST_BYTES - 100))),
    ],
)
async def test_an_answer_is_given_back_as_it_came(pieces: list[bytes], found: tuple[int, bytes]) -> None:
    async with listening(says(*pieces, then="wait")) as port, posting(port) as post:
        assert await post() == found


async def test_a_request_is_written_as_others_write_it() -> None:
    heard: list[bytes] = []

    async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"}"))
        writer.write(answer(b"{}"))

    async with listening(listens) as port, posting(port) as post:
        await post('{"text":"Ấ"}'.encode())
    head, _, body = heard[0].partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    assert first == f"POST /bot{TOKEN}/sendMessage HTTP/1.1"
    assert {f"Host: 127.0.0.1:{port}", "Content-Type: application/json", "Content-Length: 14"} <= set(fields)
    assert body == '{"text":"Ấ"}'.encode()


class Counting:
    """A server that answers, and counts connections and requests. `change` makes something else of an answer."""

    def __init__(self, change: Callable[[int, bytes], bytes] = lambda _number, given: given) -> None:
        self._change = change
        self.connections = self.requests = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            body = await hears(reader)
            self.requests += 1
            writer.write(self._change(self.requests, answer(body)))
            await writer.drain()


async def test_one_connection_serves_many_requests() -> None:
    server = Counting()
    async with listening(server) as port, posting(port) as post:
        assert [await post(b"%d" % number) for number in range(5)] == [(200, b"%d" % number) for number in range(5)]
    assert server.connections == 1


async def test_no_more_connections_are_made_than_allowed() -> None:
    server = Counting()
    async with listening(server) as port, posting(port, connections=3) as post:
        found = await asyncio.gather(*(post(b"%d" % number) for number in range(20)))
    assert found == [(200, b"%d" % number) for number in range(20)]
    assert server.connections == 3


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda _number, given: given.replace(b"\r\n", b"\r\nConnection: close\r\n", 1),
        lambda _number, given: given.replace(b"HTTP/1.1", b"HTTP/1.0"),
        lambda _number, given: given + answer(b"another"),
        lambda _number, given: given + b"and more",
        lambda _number, given: given + b"HTTP/1.1 2",
    ],
    ids=["said so", "old version", "two answers", "more than an answer", "half of another answer"],
)
async def test_a_connection_that_may_not_be_clean_is_not_used_again(spoilt: Callable[[int, bytes], bytes]) -> None:
    server = Counting(spoilt)
    async with listening(server) as port, posting(port) as post:
        assert [await post(b"1"), await post(b"2")] == [(200, b"1"), (200, b"2")]
    assert server.connections == 2


async def test_what_comes_unasked_ends_a_kept_connection() -> None:
    more = asyncio.Event()
    gone = asyncio.Event()

    async def speaks_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(await hears(reader)))
        if not more.is_set():
            await more.wait()
            writer.write(answer(b"unasked"))
            with contextlib.suppress(ConnectionError):
                await reader.read()
            gone.set()

    async with listening(speaks_up) as port, posting(port) as post:
        assert await post(b"1") == (200, b"1")
        more.set()
        await asyncio.wait_for(gone.wait(), 10)
        assert await post(b"2") == (200, b"2")


async def test_a_connection_closed_by_the_server_while_idle_is_not_used_again() -> None:
    closed = asyncio.Event()

    async def answers_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(await hears(reader)))
        await writer.drain()
        writer.close()
        await reader.read()  # until our side has closed it too
        closed.set()

    async with listening(answers_once) as port, posting(port) as post:
        assert await post(b"1") == (200, b"1")
        await asyncio.wait_for(closed.wait(), 10)
        assert await post(b"2") == (200, b"2")


async def test_a_kept_connection_that_breaks_is_in_doubt_and_nothing_is_sent_twice() -> None:
    heard = 0

    async def breaks_at_the_second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        writer.write(answer(await hears(reader)))
        await hears(reader)
        heard += 1

    async with listening(breaks_at_the_second) as port, posting(port) as post:
        await post()
        error = await post.fails()
    assert isinstance(error, Unanswered)
    assert heard == 1


async def test_an_idle_connection_is_closed_in_time() -> None:
    closed = asyncio.Event()

    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(await hears(reader)))
        await reader.read()
        closed.set()

    async with listening(waits) as port, posting(port, waits=TIDY) as post:
        await post()
        await asyncio.wait_for(closed.wait(), 10)


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await hears(reader)
    writer.write(HEAD)
    while not reader.at_eof():
        writer.write(b"x")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.02)


@pytest.mark.parametrize("serve", [says(then="wait"), says(HEAD, then="wait"), drips], ids=["silent", "half", "drips"])
async def test_an_answer_that_takes_too_long_is_not_waited_for(serve: Serve) -> None:
    async with listening(serve) as port, posting(port, waits=HASTY) as post:
        error = await asyncio.wait_for(post.fails(), 10)
    assert isinstance(error, Unanswered)
    assert error.reason == "no_answer"


async def test_where_all_connections_are_busy_nothing_was_sent() -> None:
    waits = Waits(connection_s=0.1, silence_s=10, answer_s=10, keep_s=10)
    async with listening(says(then="wait")) as port, posting(port, waits=waits) as post:
        busy = asyncio.create_task(post.fails())
        await asyncio.sleep(0)
        error = await post.fails()
        await post.line.close()
        await busy
    assert isinstance(error, Unsent)
    assert error.reason == "no_connection"


async def test_a_closed_line_sends_nothing() -> None:
    async with listening(Counting()) as port, posting(port) as post:
        await post.line.close()
        error = await post.fails()
    assert isinstance(error, Unsent)
    assert error.reason == "closed"


async def test_closing_tells_everybody_who_waits() -> None:
    async with listening(says(then="wait")) as port, posting(port) as post:
        waiting = [asyncio.create_task(post.fails()) for _ in range(3)]
        await asyncio.sleep(0)
        await post.line.close()
        ends = await asyncio.wait_for(asyncio.gather(*waiting), 10)
    assert all(isinstance(end, Unsent | Unanswered) for end in ends)


async def test_without_a_server_nothing_was_sent() -> None:
    async with posting(free_port()) as post:
        error = await post.fails()
    assert isinstance(error, Unsent)
    assert error.reason == "no_connection"


async def test_without_a_name_nothing_was_sent() -> None:
    async with posting(80, host="no-such-host.invalid") as post:
        error = await post.fails()
    assert isinstance(error, Unsent)
    assert error.reason == "no_name"


@pytest.mark.parametrize(
    "url",
    ["http://[", "gopher://x/", "http:///x", "x", "http://x:99999/", "http://x/a\r\nb", "http://x/a b", "http://x/ấ"],
)
def test_what_is_no_address_leads_nowhere(url: str) -> None:
    with pytest.raises(Unsent) as caught:
        place_of(url)
    assert caught.value.reason == "no_name"


# --- The secure line ---


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a certificate for 127.0.0.1 that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def secured(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_over_a_secure_line_answers_come_as_over_any(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = Counting()
    async with (
        listening(server, secured=secured(certificate)) as port,
        posting(port, scheme="https", host="localhost", connections=2) as post,
    ):
        assert await post(b"1") == (200, b"1")
        both = await asyncio.gather(post(b"2"), post(b"3" * 100_000))
        assert list(both) == [(200, b"2"), (200, b"3" * 100_000)]
    assert server.connections == 2


async def test_a_secure_line_that_breaks_leaves_it_open(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with (
        listening(says(HEAD, b"{"), secured=secured(certificate)) as port,
        posting(port, scheme="https", host="localhost") as post,
    ):
        error = await post.fails()
    assert isinstance(error, Unanswered)
    assert error.reason == "garbled"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_to_a_server_nobody_vouches_for_nothing_is_sent(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    if host == "127.0.0.1":  # vouched for, by another name
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = Counting()
    async with (
        listening(server, secured=secured(certificate)) as port,
        posting(port, scheme="https", host=host) as post,
    ):
        error = await post.fails()
    assert isinstance(error, Unsent)
    assert error.reason == "no_secure_line"
    assert server.requests == 0


# --- Who stops waiting ---


async def test_an_answer_nobody_waits_for_any_more_goes_to_nobody() -> None:
    heard, release = asyncio.Event(), asyncio.Event()
    seen: list[bytes] = []

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = await hears(reader)
        seen.append(body)
        if body == b'"late"':
            heard.set()
            await release.wait()
        writer.write(answer(body))

    async with listening(late) as port, posting(port) as post:
        waiting = asyncio.create_task(post(b'"late"'))
        await heard.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        release.set()
        assert await post(b'"next"') == (200, b'"next"')
    assert [json.loads(body) for body in seen] == ["late", "next"]


async def test_who_stops_waiting_for_a_free_connection_leaves_it_to_the_others() -> None:
    release = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            body = await hears(reader)
            await release.wait()
            writer.write(answer(body))

    async with listening(slow) as port, posting(port) as post:
        first, gives_up, last = (asyncio.create_task(post(b"%d" % number)) for number in range(3))
        await asyncio.sleep(0)
        gives_up.cancel()
        await asyncio.wait([gives_up])
        release.set()
        both = await asyncio.wait_for(asyncio.gather(first, last), 10)
        assert list(both) == [(200, b"0"), (200, b"2")]
