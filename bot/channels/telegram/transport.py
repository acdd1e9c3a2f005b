"""The library's requests over aiohttp, prepared ones over a line of our own, and what each way to fail means: nothing
was sent, or nobody knows.

The library folds a connection that never came about and an answer that never came into one "timed out"; here they are
two classes. The bot's token is part of every address and the client's exceptions quote it, so none of them leaves this
module, not even as the cause of another.
"""

from __future__ import annotations

import io
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
from telegram.error import NetworkError, TelegramError
from telegram.request import BaseRequest, RequestData

from bot.channels.line import Line, Place, Unanswered, Unsent, Waits, place_of

T = TypeVar("T")

CONNECT_S = 5.0
POOL_S = 10.0
"""Longest wait for a free connection and for it to be made, together."""

KEEP_S = 15.0
"""How long an idle connection is kept: shorter than servers do, or a request would meet one that is being closed."""

LONGEST_WAIT_S = 7 * 86_400.0

JSON_HEADERS = {"Content-Type": "application/json"}


class NothingSent(NetworkError):
    """The request did not leave: no name, no connection, no secure line, none free in time."""


class AnswerLost(NetworkError):
    """The request left, or may have, and there is no answer that can be read."""


class Flood(TelegramError):
    """Asked to wait `retry_after_s`. Stands for the library's `RetryAfter`, which warns when it is made (22.8)."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("flood")
        self.retry_after_s = retry_after_s


class TooLarge(TelegramError):
    """A file is larger than the reader allows."""


class Transport(BaseRequest):
    """One pool of connections. `read_timeout_s` is the longest silence while an answer is awaited."""

    def __init__(self, *, connections: int, read_timeout_s: float, pool_s: float = POOL_S) -> None:
        self._connections = connections
        self._read_timeout_s = read_timeout_s
        # The total is for an answer that comes in drops; it ends later than each of the others.
        total_s = pool_s + 2 * read_timeout_s
        self._limit = aiohttp.ClientTimeout(
            total=total_s, connect=pool_s, sock_connect=CONNECT_S, sock_read=read_timeout_s
        )
        self._session: aiohttp.ClientSession | None = None
        self._waits = Waits(connection_s=pool_s, silence_s=read_timeout_s, answer_s=total_s, keep_s=KEEP_S)
        self._lines: dict[Place, Line] = {}
        self._ways: dict[str, tuple[Line, bytes]] = {}

    @property
    def read_timeout(self) -> float:
        """The longest silence, in seconds, while an answer is awaited."""
        return self._read_timeout_s

    async def initialize(self) -> None:
        """Open the pool; does nothing if it is open."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=KEEP_S),
                timeout=self._limit,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "lantoa"},
            )

    async def shutdown(self) -> None:
        """Close the pool and all that waits on it."""
        session, self._session = self._session, None
        lines = list(self._lines.values())
        self._lines.clear()
        self._ways.clear()
        for line in lines:
            await line.close()
        if session is not None:
            await session.close()

    async def post_prepared(self, url: str, body: bytes) -> Any:
        """Post JSON as it is over a line of our own and return the result; errors are those of the library, read as
        the library does. An answer above 1 MiB is none.
        """
        line, head = self._ways.get(url) or self._way(url)
        try:
            status, payload = await line.post(head, body)
        except Unsent as error:
            raise NothingSent(error.reason) from None
        except Unanswered as error:
            raise AnswerLost(error.reason) from None
        return _result(payload) if status == 200 else await _refused(url, status, payload)

    async def poll(self, url: str, body: bytes) -> Any:
        """As `post_prepared` for what is asked seldom, with an answer of any length."""
        wanted = {"method": "POST", "url": url, "data": body, "headers": JSON_HEADERS}
        status, payload = await self._exchange(_whole, wanted)
        return _result(payload) if status == 200 else await _refused(url, status, payload)

    def _way(self, url: str) -> tuple[Line, bytes]:
        if self._session is None:
            raise NothingSent("closed")
        try:
            place, path = place_of(url)
        except Unsent as error:
            raise NothingSent(error.reason) from None
        if place not in self._lines:
            self._lines[place] = Line(place, connections=self._connections, waits=self._waits)
        line = self._lines[place]
        self._ways[url] = line, line.head(path)
        return self._ways[url]

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *_waits: Any, **_named_waits: Any
    ) -> tuple[int, bytes]:
        """Make one request and return status and body; the library reads refusals, we what is no answer at all.

        The waits are those of this pool, whatever the library proposes. Raises `NothingSent`, `AnswerLost` (5xx and
        unreadable answers too) and `Flood`.
        """
        wanted: dict[str, Any] = {"method": method, "url": url}
        if request_data is not None:
            wanted["data"] = _form(request_data)
        status, payload = await self._exchange(_whole, wanted)
        if not 200 <= status <= 299:
            _look_at(status, payload)
        return status, payload

    async def download(self, url: str, *, most: int) -> bytes:
        """Return the bytes of a file. Raises `TooLarge` beyond `most`, else as `do_request`; `TelegramError` on 4xx."""

        async def read(answer: aiohttp.ClientResponse) -> bytes:
            if answer.status != 200:
                raise AnswerLost("server_error") if answer.status >= 500 else TelegramError(f"status {answer.status}")
            content = bytearray()
            async for chunk in answer.content.iter_chunked(64 * 1024):
                content += chunk
                if len(content) > most:
                    raise TooLarge("too large")
            return bytes(content)

        return await self._exchange(read, {"method": "GET", "url": url})

    async def _exchange(self, read: Callable[[aiohttp.ClientResponse], Awaitable[T]], wanted: dict[str, Any]) -> T:
        if self._session is None or self._session.closed:
            raise NothingSent("closed")
        try:
            async with self._session.request(allow_redirects=False, **wanted) as answer:
                return await read(answer)
        except TelegramError:
            raise
        except Exception as error:
            failure = _failure(error)
        # Outside the handler: else the client's exception, with the address in it, would hang on ours as its context.
        raise failure

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Return a body as an object; `AnswerLost` if it is none. Nothing of it is logged, unlike in the library."""
        try:
            answer = json.loads(payload)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise AnswerLost("garbled")
        return _Answer(answer)


async def _refused(url: str, status: int, payload: bytes) -> Any:
    _look_at(status, payload)
    return await _Refusal(status, payload).post(url)


def _result(payload: bytes) -> Any:
    try:
        return json.loads(payload.decode())["result"]
    except (ValueError, RecursionError, KeyError, TypeError):
        raise AnswerLost("garbled") from None


class _Refusal(BaseRequest):
    """An answer that is there already, for the library to read as it reads every refusal."""

    def __init__(self, status: int, payload: bytes) -> None:
        self._answer = status, payload

    @property
    def read_timeout(self) -> float:
        """Nothing is waited for."""
        return 0.0

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def do_request(self, *_given: Any, **_named: Any) -> tuple[int, bytes]:
        """Return the answer."""
        return self._answer


class _Answer(dict[str, Any]):
    """An answer in which the library looks for the result; one that holds none cannot be read."""

    def __missing__(self, _key: str) -> Any:
        raise AnswerLost("garbled")


async def _whole(answer: aiohttp.ClientResponse) -> tuple[int, bytes]:
    return answer.status, await answer.read()


def _form(request_data: RequestData) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, value in request_data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, media_type) in request_data.multipart_data.items():
        # Read in pieces: bytes as they are would be written in one, and hold everything else up.
        body = io.BytesIO(content) if isinstance(content, bytes) else content
        form.add_field(name, body, filename=filename, content_type=media_type)
    return form


def _failure(error: Exception) -> TelegramError:
    """Return what an exception of the client means; only these words of it are kept."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return NothingSent("no_name")
        case aiohttp.ClientSSLError():
            return NothingSent("no_secure_line")
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return NothingSent("no_connection")
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return NothingSent("no_name")
        case TimeoutError():
            return AnswerLost("no_answer")
        case aiohttp.ClientPayloadError():
            return AnswerLost("garbled")
        case _:
            return AnswerLost("cut_off")


def _look_at(status: int, payload: bytes) -> None:
    """Raise what a refusal means unless the library can read it: a page of some proxy says nothing of our message."""
    if status >= 500:
        raise AnswerLost("server_error")
    answer = Transport.parse_json_payload(payload)
    parameters = answer.get("parameters")
    if status < 400 or (parameters is not None and not isinstance(parameters, dict)):
        raise AnswerLost("garbled")
    retry_after_s = (parameters or {}).get("retry_after")
    if retry_after_s and not isinstance(retry_after_s, int | float):
        raise AnswerLost("garbled")
    if retry_after_s:
        raise Flood(min(float(retry_after_s), LONGEST_WAIT_S))
    if not isinstance(answer.get("description", ""), str):
        raise AnswerLost("garbled")
