"""Servers that do with a connection what they like, and a look for what must not be shown."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from bot.logs import told

TOKEN = "123456789:AAFdKx3zPqR_canary-canary_canary_x"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def listening(serve: Serve, *, secured: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Yield the port of a server that does `serve` with every connection."""

    open_ones: set[asyncio.Task[None]] = set()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_ones.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0, ssl=secured)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for task in open_ones:
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and whatever it drags along, suppressed or not."""
    yield error
    for other in (error.__cause__, error.__context__):
        if other is not None:
            yield from chain(other)


def shows_token(error: BaseException) -> bool:
    texts = [text for each in chain(error) for text in (str(each), repr(each), repr(each.args), *told(each))]
    return any(TOKEN in text or TOKEN.partition(":")[2] in text for text in texts)


async def hears(reader: asyncio.StreamReader) -> bytes:
    """Return the body of the next request; `IncompleteReadError` when there is no more."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    return await reader.readexactly(int(length.partition(b":")[2]))


def answer(body: bytes, *, status: str = "200 OK", more: str = "") -> bytes:
    """Return an answer as it goes over the line."""
    return f"HTTP/1.1 {status}\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body
