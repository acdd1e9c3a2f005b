"""The spine under bad luck: a desk with toy conversations, and the real web chat on a demonstration."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from bot.app import Parts, assembled, web_chat
from bot.channels.web_chat import COOKIE, WebChat
from bot.config import load
from bot.exports import Exports
from bot.pictures import PicturePool
from bot.start import open_installation
from bot.web import Health, make_web
from handlers.content import Content
from tests.conftest import Demonstration
from tests.operations.conftest import NOW
from tests.tables import kind as kind
from tests.turns.conftest import office as office

KEY = "0123456789abcdef"


@dataclass
class Line:
    """A browser's line to the web chat; nothing works in the background."""

    parts: Parts
    client: TestClient[Any, Any]
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""

    async def open(self) -> None:
        """Load the page as a stranger: a cookie and a token."""
        answer = await self.client.get("/chat/", cookies=self.cookies)
        self.cookies.update({name: morsel.value for name, morsel in answer.cookies.items()})
        found = re.search(r"\b[0-9a-f]{64}\b", await answer.text())
        assert found is not None
        self.csrf = found[0]

    async def post(self, *, headers: dict[str, str] | None = None, **body: Any) -> ClientResponse:
        """Post a message as the page does; `json=` or `data=`."""
        shown = {"X-CSRF": self.csrf, "Cookie": f"{COOKIE}={self.cookies[COOKIE]}", **(headers or {})}
        return await self.client.post("/chat/messages", headers=shown, **body)

    async def fetch(self, after: object = 0, **more: object) -> ClientResponse:
        """Ask for messages."""
        query = {"after": str(after), **{name: str(value) for name, value in more.items()}}
        return await self.client.get(
            "/chat/messages", params=query, headers={"Cookie": f"{COOKIE}={self.cookies[COOKIE]}"}
        )


def message(number: int = 0, **fields: Any) -> dict[str, Any]:
    """A message as the page writes it."""
    return {"id": f"{KEY}{number:04d}", "text": "menu", "choice": None, **fields}


@pytest.fixture(scope="session")
def template(demonstration: Demonstration) -> Path:
    """A folder with a closed demonstration."""
    return demonstration(NOW)


@pytest.fixture
async def line(tmp_path: Path, template: Path, content: Content) -> AsyncIterator[Line]:
    folder = shutil.copytree(template, tmp_path / "place")
    config = load(folder / "config.yaml", {})
    opened = await open_installation(config, content, now=NOW)

    def channels(*given: Any) -> list[WebChat]:
        exports = Exports(opened.db, content, helper, key=opened.keys.digest, now=lambda: NOW)
        return [web_chat(*given, exports=exports)]

    async with PicturePool() as helper, assembled(config, content, opened, channels, clock=lambda: NOW) as parts:

        async def health() -> Health:
            return Health(ok=True, detail={})

        chat = parts.channels["web_chat"]
        assert isinstance(chat, WebChat)
        app = make_web(health=health, metrics=parts.metrics.render, routes=chat.routes())
        async with TestClient(TestServer(app), cookie_jar=DummyCookieJar()) as client:
            visitor = Line(parts, client)
            await visitor.open()
            yield visitor
    await opened.close()
