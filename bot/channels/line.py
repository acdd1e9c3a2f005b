"""A line of our own to one place, for requests posted in number: HTTP/1.1 over kept connections, one request at a time
on each.

It does what those need and nothing more: no redirects, cookies, proxies or compression, no request twice. Its two
exceptions keep apart what decides whether a message may go again. Neither holds anything of the request, nor has
another exception behind it: a path may be a secret.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

import httptools

Answer: TypeAlias = tuple[int, bytes]

MOST_BYTES = 1024 * 1024
"""The longest answer, head and all; one that is longer is not read to its end."""

SWEEP_S = 0.5
"""Requests that are late and connections that are idle are looked for so often, with one timer for all of them."""

READ_BYTES = 8 * 1024
OTHER_ADDRESS_S = 0.25
"""Where a name has several addresses the next one is tried after so long (RFC 8305)."""

PORTS = {"http": 80, "https": 443}


class Unsent(Exception):
    """Nothing of the request left: `no_name`, `no_connection`, `no_secure_line`, `closed`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unanswered(Exception):
    """The request left, or a part of it, and no whole answer came: `cut_off`, `garbled`, `no_answer`.

    `garbled` says that the head of an answer had come.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Waits:
    """The longest waits, in seconds: for a connection, for any sign of the server, for its whole answer.

    The last two are kept to within `SWEEP_S`. An idle connection is closed after `keep_s`, sooner than servers do.
    """

    connection_s: float
    silence_s: float
    answer_s: float
    keep_s: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line leads."""

    host: str
    port: int
    is_secure: bool


def place_of(url: str) -> tuple[Place, str]:
    """Return the place that a URL names, and the path there; `Unsent` if it is none for us."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or PORTS.get(parts.scheme)
    except ValueError:
        host = port = None
    if not host or port is None or not url.isascii() or not url.isprintable() or " " in url:
        raise Unsent("no_name")
    return Place(host, port, parts.scheme == "https"), (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


class Line:
    """At most `connections` to one place, made when they are needed. Belongs to the running loop."""

    def __init__(self, place: Place, *, connections: int, waits: Waits) -> None:
        self.waits = waits
        self._place = place
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Semaphore(connections)
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()
        self._all_lost = asyncio.Event()
        self._sweeping: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._secured = _verifying() if place.is_secure else None

    def head(self, path: str) -> bytes:
        """Return what stands before the length of a body in every request to a path."""
        host = f"[{self._place.host}]" if ":" in self._place.host else self._place.host
        given = (
            "" if self._place.port == PORTS["https" if self._place.is_secure else "http"] else f":{self._place.port}"
        )
        lines = (
            f"POST {path} HTTP/1.1",
            f"Host: {host}{given}",
            "User-Agent: lantoa",
            "Accept: */*",
            "Content-Type: application/json",
            "Content-Length: ",
        )
        return "\r\n".join(lines).encode("ascii")

    async def post(self, head: bytes, body: bytes) -> Answer:
        """Post JSON under a prepared head and return status and body. Raises `Unsent` and `Unanswered`.

        Whoever stops waiting takes the connection along: an answer that still comes is nobody's.
        """
        until = self._loop.time() + self.waits.connection_s
        if self._room.locked():
            await self._room_before(until)
        else:
            await self._room.acquire()
        try:
            connection = self._kept() or await self._connected(until)
            answer = connection.ask(b"%b%d\r\n\r\n%b" % (head, len(body), body))
            try:
                found = await answer
            finally:
                connection.leave(answer)
        finally:
            self._room.release()
        if isinstance(found, Unanswered):
            raise found
        return found

    async def close(self) -> None:
        """Close all connections; who waits for one or for an answer is told."""
        self._is_closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        for connection in tuple(self._open):
            connection.end()
        while self._open:
            self._all_lost.clear()
            await self._all_lost.wait()

    async def _room_before(self, until: float) -> None:
        try:
            async with asyncio.timeout_at(until):
                await self._room.acquire()
                return
        except TimeoutError:
            pass
        raise Unsent("no_connection")

    def _kept(self) -> _Connection | None:
        """Take the connection used last: those used before it may soon be closed."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                return connection
        return None

    async def _connected(self, until: float) -> _Connection:
        if self._is_closed:
            raise Unsent("closed")
        try:
            async with asyncio.timeout_at(until):
                _, connection = await self._loop.create_connection(
                    lambda: _Connection(self, self._loop),
                    self._place.host,
                    self._place.port,
                    ssl=self._secured,
                    happy_eyeballs_delay=OTHER_ADDRESS_S,
                )
        except Exception as error:
            reason = _why(error)
        else:
            return connection
        raise Unsent(reason)

    def opened(self, connection: _Connection) -> None:
        """Watch over a connection."""
        self._open.add(connection)
        if self._is_closed:
            connection.end()
        elif self._sweeping is None:
            self._sweeping = self._loop.call_later(SWEEP_S, self._sweep)

    def gave_back(self, connection: _Connection) -> None:
        """Keep a connection whose answer was read to its end."""
        self._idle.append(connection)

    def lost(self, connection: _Connection) -> None:
        """Forget a connection that is closed."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if not self._open:
            self._all_lost.set()

    def _sweep(self) -> None:
        now = self._loop.time()
        for connection in tuple(self._open):
            connection.look_at(now, self.waits)
        self._sweeping = self._loop.call_later(SWEEP_S, self._sweep) if self._open and not self._is_closed else None


class _Connection(asyncio.BufferedProtocol):
    """One connection. The parser calls the `on_…` methods while a piece of an answer is read."""

    def __init__(self, line: Line, loop: asyncio.AbstractEventLoop) -> None:
        self._line = line
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._answer: asyncio.Future[Answer | Unanswered] | None = None
        self._parts: list[bytes] = []
        self._began_at = self._heard_at = loop.time()
        self._received = self._status = 0
        self._has_head = self._is_whole = self._is_reusable = False

    @property
    def is_usable(self) -> bool:
        """Tell whether neither side has begun to close it."""
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, request: bytes) -> asyncio.Future[Answer | Unanswered]:
        """Write a request and return its answer to come; `Unsent` if the connection is closed already."""
        if self._transport is None or self._transport.is_closing():
            raise Unsent("no_connection")
        self._answer = answer = self._loop.create_future()
        self._parts = []
        self._received = 0
        self._has_head = self._is_whole = self._is_reusable = False
        self._began_at = self._heard_at = self._loop.time()
        self._transport.write(request)
        return answer

    def leave(self, answer: asyncio.Future[Answer | Unanswered]) -> None:
        """Wait no longer for an answer; does nothing if it has come."""
        if self._answer is answer:
            self.end()

    def end(self, reason: str = "cut_off") -> None:
        """Close at once; who waits for an answer gets none."""
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result(Unanswered(reason))
        if self._transport is not None:
            self._transport.abort()

    def look_at(self, now: float, waits: Waits) -> None:
        """End a request that is late, close a connection that was idle for long."""
        if self._answer is not None:
            if now - self._heard_at > waits.silence_s or now - self._began_at > waits.answer_s:
                self.end("no_answer")
        elif now - self._heard_at > waits.keep_s and self._transport is not None:
            self._transport.close()

    # --- What the loop calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._line.opened(self)

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        answer = self._answer
        if answer is None or answer.done() or self._parser is None:
            self.end()  # nobody asked, or nobody waits for it any more
            return
        self._heard_at = self._loop.time()
        self._received += nbytes
        try:
            self._parser.feed_data(self._buffer[:nbytes])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._is_reusable = False
            if not self._is_whole:
                self._break_off()
                return
        if self._is_whole:
            self._finish(answer)
        elif self._received > MOST_BYTES:
            self._break_off()

    def connection_lost(self, _error: Exception | None) -> None:
        self._line.lost(self)
        if self._answer is not None:
            self._break_off()
        self._transport = self._parser = None

    # --- What the parser calls ---

    def on_message_begin(self) -> None:
        if self._is_whole:
            self._is_reusable = False  # a second answer to one request: which the next one would be, nobody knows

    def on_headers_complete(self) -> None:
        self._has_head = True

    def on_body(self, part: bytes) -> None:
        if not self._is_whole:
            self._parts.append(part)

    def on_message_complete(self) -> None:
        assert self._parser is not None
        if self._is_whole:
            return
        self._status = self._parser.get_status_code()
        if self._status < 200:
            self._has_head = False  # the answer proper is still to come
        else:
            self._is_whole = True
            self._is_reusable = self._parser.should_keep_alive()

    def _finish(self, answer: asyncio.Future[Answer | Unanswered]) -> None:
        self._answer = None
        answer.set_result((self._status, b"".join(self._parts)))
        if self._is_reusable:
            self._line.gave_back(self)
        else:
            self.end()

    def _break_off(self) -> None:
        self.end("garbled" if self._has_head else "cut_off")


def _verifying() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _why(error: Exception) -> str:
    """Return why there is no connection; only this word of the exception is kept."""
    match error:
        case socket.gaierror() | UnicodeError():
            return "no_name"
        case ssl.SSLError():
            return "no_secure_line"
        case _:
            return "no_connection"
