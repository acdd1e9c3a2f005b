"""Deliver updates to a bot's own address: order within a line, attempts again, a secret in the header."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from typing import Any

import aiohttp

from tests.fakes.settings import Settings
from tests.fakes.updates import Queue, Update
from tests.fakes.wire import JSON_HEADERS, encode

LATEST_S = 0.05


class Hook:
    """A webhook in force."""

    secret_header = ""

    def __init__(self, queue: Queue, settings: Settings, url: str, *, secret: str, max_connections: int = 40) -> None:
        self.url, self.secret, self.max_connections = url, secret, max_connections
        self.last_error: str | None = None
        self.last_error_date = 0
        self._queue, self._settings = queue, settings
        self._lines: dict[str, deque[Update]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._dice = random.Random(settings.seed)
        self._slots = asyncio.Semaphore(max_connections)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.webhook_timeout_s),
        )
        queue.on_new = self.push
        for update in list(queue.pending.values()):
            self.push(update)

    def push(self, update: Update) -> None:
        """Put an update at the end of its line."""
        line = self._lines.get(update.line)
        if line is not None:
            line.append(update)
            return
        self._lines[update.line] = deque([update])
        task = asyncio.get_running_loop().create_task(self._run(update.line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Deliver nothing more; what was not confirmed stays in the queue."""
        self._queue.on_new = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    async def _run(self, name: str) -> None:
        line = self._lines[name]
        while line:
            if self._settings.shuffle:
                await asyncio.sleep(self._dice.random() * LATEST_S)
            is_taken = await self._bring(line[0])
            update = line.popleft()
            self._queue.confirm(update, "webhook" if is_taken else "lost")
            if self._settings.repeat and self._dice.random() < self._settings.repeat:
                await self._attempt(update)  # as after an answer that was lost on its way
        del self._lines[name]

    async def _bring(self, update: Update) -> bool:
        """Post it until it is taken; False if it is given up."""
        fails = 0
        while (retry_after_s := await self._attempt(update, fails)) is not None:
            wait_s = self.wait_s(fails, retry_after_s)
            if wait_s is None:
                return False
            fails += 1
            await asyncio.sleep(wait_s * self._settings.time_factor)
        return True

    def wait_s(self, fails: int, retry_after_s: float) -> float | None:
        """Return how long to wait after so many failed attempts before this one; None to give it up."""
        raise NotImplementedError

    async def _attempt(self, update: Update, fails: int = 0) -> float | None:
        """Post it once; return None if it was taken, else the seconds the other side asks us to wait (0: not said)."""
        body = encode(self.body(update)).encode()
        headers = {**JSON_HEADERS, **self.headers(body, fails)}
        try:
            async with self._slots, asyncio.timeout(self._settings.webhook_timeout_s):
                update.record.handed_at.append(self._queue.now())
                async with self._session.post(self.url, data=body, headers=headers) as answer:
                    return await self._judge(answer)
        except TimeoutError:
            self._failed("Read timeout expired")
        except aiohttp.ClientConnectorError:
            self._failed("Connection refused")
        except (aiohttp.ClientError, ConnectionError):
            self._failed("Webhook connection closed")
        return 0.0

    async def _judge(self, answer: aiohttp.ClientResponse) -> float | None:
        if 200 <= answer.status <= 299:
            await self.taken(answer)
            return None
        self._failed(f"Wrong response from the webhook: {answer.status} {answer.reason}")
        said = answer.headers.get("Retry-After", "0")
        return float(said) if said.isdigit() else 0.0

    def headers(self, _body: bytes, _fails: int) -> dict[str, str]:
        """Return what shows who posts this body, after so many failed attempts."""
        return {self.secret_header: self.secret} if self.secret else {}

    def body(self, update: Update) -> dict[str, Any]:
        """Return what is posted."""
        return update.body

    async def taken(self, answer: aiohttp.ClientResponse) -> None:
        """Look at the answer to an update that was taken."""

    def _failed(self, reason: str) -> None:
        self.last_error, self.last_error_date = reason, int(time.time())
