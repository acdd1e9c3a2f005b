"""The channel on a database of its own, beside a fake platform; nothing else of the program runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.channels.zalo_bot.channel import ZaloBot
from bot.channels.zalo_bot.names import NAME
from bot.channels.zalo_bot.settings import Settings
from bot.intake import Intake
from bot.picture_links import PictureLinks
from bot.ports.zalo_bot import ZaloBotPorts
from handlers.content import Content
from storage.database import Database
from tests.channels.conftest import now, rows_of
from tests.fakes.zalo import FakeZalo, fake_zalo


@pytest.fixture
async def fake() -> AsyncIterator[FakeZalo]:
    async with fake_zalo(local_webhooks=True) as running:
        yield running


@dataclass
class Heard(ZaloBotPorts):
    """The real ports; what passes through them is seen."""

    handed: list[Mapping[str, Any]] = field(default_factory=list)

    async def accept(self, external_id: str, key: str, body: Mapping[str, Any], *, sent_at: datetime | None) -> None:
        self.handed.append(body)
        await super().accept(external_id, key, body, sent_at=sent_at)


@dataclass
class Line:
    """A channel that was started, what it speaks to, and what it left in the database."""

    channel: ZaloBot
    ports: Heard
    db: Database

    async def inbox(self) -> list[dict[str, Any]]:
        """Return the inbox rows in their order, with the outside id of who wrote."""
        return await self.db.read(rows_of)


MakeLine = Callable[..., AbstractAsyncContextManager[Line]]


@pytest.fixture
def line(database: Database, content: Content, fake: FakeZalo, tmp_path: Path) -> MakeLine:
    """Return what opens a started channel; `settings` as in `Settings`, `public_url` is where our pictures are."""

    @asynccontextmanager
    async def opened(db: Any = None, public_url: str | None = None, **settings: Any) -> AsyncIterator[Line]:
        used = db or database
        chosen = {"token": fake.token, "api_url": fake.url, "poll_s": 0.5, "pauses_s": (0.02,), **settings}
        intake = Intake(used, "test", "vi", now, lambda _channel, _seconds: None)
        links = PictureLinks(tmp_path, public_url, key=b"k" * 32, clock=now) if public_url else None
        ports = Heard(name=NAME, db=used, intake=intake, content=content, clock=now, links=links)
        channel = ZaloBot(ports, Settings(**chosen), now=now)
        await channel.start()
        try:
            yield Line(channel, ports, used)
        finally:
            await channel.hush()
            await channel.stop()

    return opened
