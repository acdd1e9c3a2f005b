"""One pool of connections to a platform, and what each way to fail means: nothing was sent, or nobody knows.

A token may be part of the address and the client's exceptions quote it, so none of them leaves this module, not even as
the cause of another.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import aiohttp

from bot.channels.base import NotSent, Refused, SendError, Unclear

T = TypeVar("T")

CONNECT_S = 5.0
POOL_S = 10.0
"""Longest wait for a free connection and for it to be made, together."""

KEEP_S = 15.0
"""How long an idle connection is kept: shorter than servers do, or a request would meet one that is being closed."""

JSON_HEADERS = {"Content-Type": "application/json"}


class HttpClient:
    """Posts JSON and fetches files. Everything that fails is a `SendError`."""

    def __init__(self, *, connections: int) -> None:
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the pool; does nothing if it is open."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=KEEP_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "lantoa"},
            )

    async def close(self) -> None:
        """Close the pool and all that waits on it."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def post(
        self, url: str, body: bytes, *, read_s: float, headers: Mapping[str, str] = JSON_HEADERS
    ) -> tuple[int, bytes]:
        """Post JSON, or what `headers` say, and return status and body.

        `read_s` is the longest silence while the answer is awaited.
        """
        return await self._exchange(_whole, "POST", url, read_s, data=body, headers=headers)

    async def get(self, url: str, *, read_s: float, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Ask and return status and body."""
        return await self._exchange(_whole, "GET", url, read_s, headers=headers)

    async def download(self, url: str, *, most: int, read_s: float) -> bytes:
        """Return the bytes of a file, `most` at most. Raises `Refused` if it will never be had."""

        async def read(answer: aiohttp.ClientResponse) -> bytes:
            if answer.status != 200:
                raise Unclear("server_error") if answer.status >= 500 else Refused("no_such_file")
            content = bytearray()
            async for chunk in answer.content.iter_chunked(64 * 1024):
                content += chunk
                if len(content) > most:
                    raise Refused("too_large")
            return bytes(content)

        return await self._exchange(read, "GET", url, read_s)

    async def _exchange(
        self, read: Callable[[aiohttp.ClientResponse], Awaitable[T]], method: str, url: str, read_s: float, **more: Any
    ) -> T:
        if self._session is None or self._session.closed:
            raise NotSent("closed")
        # The total is for an answer that comes in drops; it ends later than each of the others.
        timeout = aiohttp.ClientTimeout(
            total=POOL_S + 2 * read_s, connect=POOL_S, sock_connect=CONNECT_S, sock_read=read_s
        )
        try:
            async with self._session.request(method, url, allow_redirects=False, timeout=timeout, **more) as answer:
                return await read(answer)
        except SendError:
            raise
        except Exception as error:
            failure = failed(error)
        # Outside the handler: else the client's exception, with the address in it, would hang on ours as its context.
        raise failure


async def _whole(answer: aiohttp.ClientResponse) -> tuple[int, bytes]:
    return answer.status, await answer.read()


def failed(error: Exception) -> SendError:
    """Return what an exception of the client means; only these words of it are kept."""
    match error:
        case aiohttp.ClientConnectorDNSError() | aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return NotSent("no_name")
        case aiohttp.ClientSSLError():
            return NotSent("no_secure_line")
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return NotSent("no_connection")
        case TimeoutError():
            return Unclear("no_answer")
        case aiohttp.ClientPayloadError():
            return Unclear("garbled")
        case _:
            return Unclear("cut_off")
