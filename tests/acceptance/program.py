"""Run the real program as a process of its own, talk to it over HTTP, kill it, look at what it kept."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from storage.sites import Place, passing_engine
from tests.postgresql import new_server_database
from tests.tables import POSTGRESQL

READY = re.compile(rb"https?://[\w.:\[\]-]+:(\d+)/")
START_LIMIT_S = 60
PORTS = range(20_000, 32_000)
LEAK = re.compile(r"\b(BC|DK|TN|GH)-[2-9A-HJ-NP-Z]{4}\b|\b0\d{9}\b|[0-9a-f]{64}|[À-ỹ]")


@dataclass
class Program:
    """`lantoa run` on a folder of its own. `start` after `kill` finds what the last one left."""

    folder: Path
    port: int
    environment: dict[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def log(self) -> Path:
        return self.folder / "program.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                "run",
                "--config",
                str(self.config),
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
            )
        await asyncio.wait_for(self._answers(), START_LIMIT_S)

    async def _answers(self) -> None:
        assert self.process is not None
        async with aiohttp.ClientSession() as session:
            while self.process.returncode is None:
                if await self._is_healthy(session):
                    return
                await asyncio.sleep(0.02)  # the only way to see a port open
        raise AssertionError(f"the program ended: {self.log.read_text(errors='replace')[-3000:]}")

    async def _is_healthy(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"{self.url}/healthz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def kill(self) -> None:
        """SIGKILL: nothing is told, nothing is flushed."""
        await self._end(signal.SIGKILL)

    async def stop(self, *, limit_s: float = 30) -> float:
        """SIGTERM; return the seconds it took to leave."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.wait_for(self._end(signal.SIGTERM), limit_s)
        took_s = loop.time() - began
        assert leaks(self.log.read_text(errors="replace")) == [], "the log holds what people wrote or a secret"
        return took_s

    async def _end(self, how: signal.Signals) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(how)
        await self.process.wait()


def leaks(log: str) -> list[str]:
    """Return the log lines that hold a code, a phone number, a token or anything written with accents."""
    return [line for line in log.splitlines() if line.startswith("{") and LEAK.search(line)]


def write_config(folder: Path, port: int, content: Path) -> None:
    """Write a configuration whose data lie in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(
        f"database:\n  url: sqlite:///var/lantoa.db\nweb:\n  port: {port}\ncontent: {content}\n", encoding="utf-8"
    )


@contextlib.contextmanager
def database_of(kind: str, folder: Path) -> Iterator[tuple[dict[str, str], Place]]:
    """Yield the environment that gives a program in `folder` a database of a kind, and where that database will be."""
    if kind == POSTGRESQL:
        with new_server_database(tables=False) as server:
            yield {"LANTOA_DATABASE__URL": server.url}, server
    else:
        yield {}, folder / "var" / "lantoa.db"


def rows(place: Place, query: str) -> list[Any]:
    """Ask the database of a program that may be running."""
    with passing_engine(place, read_only=True) as engine, engine.begin() as db:
        return list(db.exec_driver_sql(query))


def free_port() -> int:
    """Return a port that nobody listens on now.

    Not one the system would give: while the program is down, a line to elsewhere could get it, or one of its own.
    """
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("every port is taken")


class Phone:
    """A stubborn person's phone: sends until acknowledged, with the same id, and fetches until it has the answer."""

    def __init__(self, session: aiohttp.ClientSession, base: str, cookies: dict[str, str] | None = None) -> None:
        self._session = session
        self._base = base.rstrip("/")
        self._cookies = dict(cookies or {})
        self._csrf = ""
        self._after = 0
        self.received: list[dict[str, Any]] = []
        self.acknowledged: list[str] = []

    @property
    def cookie(self) -> str:
        """What tells this visitor from others."""
        return self._cookies["lantoa_visitor"]

    async def open(self) -> None:
        """Load the page for its token."""
        text = await self._until(lambda: self._get_page())
        found = re.search(r"\b[0-9a-f]{64}\b", text)
        assert found is not None, "the page carries a token"
        self._csrf = found[0]

    async def _get_page(self) -> str | None:
        async with self._session.get(f"{self._base}/", cookies=self._cookies) as answer:
            if answer.status != 200:
                return None
            self._cookies.update({name: morsel.value for name, morsel in answer.cookies.items()})
            return await answer.text()

    async def send(self, *, text: str | None = None, choice: str | None = None) -> None:
        """Hand a message over; returns once acknowledged."""
        message = {
            "id": secrets.token_hex(16),
            "text": text,
            "choice": choice,
            "label": None,
            "sent_at": datetime.now(UTC).isoformat(),
        }
        await self._until(lambda: self._post(message))

    async def _post(self, message: dict[str, Any]) -> bool | None:
        headers = {"X-CSRF": self._csrf}
        url = f"{self._base}/messages"
        async with self._session.post(url, json=message, headers=headers, cookies=self._cookies) as answer:
            if answer.status in (429, 503):
                return None
            if answer.status == 401:
                await self.open()  # personas' tokens live as long as the process
                return None
            assert answer.status == 200, await answer.text()
            self.acknowledged.append(message["id"])
            return True

    async def wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Fetch until a message is `wanted`; the ones before it are kept in `received`."""
        seen = len(self.received)
        while True:
            for message in self.received[seen:]:
                if wanted(message):
                    return message
            seen = len(self.received)
            self.received += await self._until(lambda: self._fetch())

    async def next_answer(self) -> dict[str, Any]:
        """Fetch until there is a message that was not there before."""
        seen = len(self.received)
        while len(self.received) == seen:
            self.received += await self._until(lambda: self._fetch())
        return self.received[seen]

    async def _fetch(self) -> list[dict[str, Any]] | None:
        url = f"{self._base}/messages?after={self._after}&wait=5"
        async with self._session.get(url, cookies=self._cookies) as answer:
            if answer.status != 200:
                return None
            body = await answer.json()
            self._after = body["after"]
            found: list[dict[str, Any]] = body["messages"]
            return found

    async def _until(self, attempt: Callable[[], Any]) -> Any:
        while True:
            with contextlib.suppress(aiohttp.ClientError, ConnectionError, asyncio.TimeoutError):
                result = await attempt()
                if result is not None:
                    return result
            await asyncio.sleep(0.05)  # a line that is down: the phone tries again


@contextlib.asynccontextmanager
async def line() -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP session without a cookie jar: every phone keeps its own."""
    timeout = aiohttp.ClientTimeout(total=30)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        timeout=timeout, connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield session
