"""The channel on a database of its own, beside a fake platform; nothing else of the program runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.channels.base import Outgoing, SentPicture
from bot.channels.telegram.channel import Telegram
from bot.channels.telegram.names import NAME
from bot.channels.telegram.settings import Settings
from bot.intake import Intake
from bot.ports.telegram import TelegramPorts
from dialogue.messages import Button, Rendered
from handlers.content import Content
from storage.database import Connection, Database
from storage.schema import address, inbox
from storage.sites import Place, database_at
from tests.acceptance.program import free_port as free_port
from tests.fakes.telegram import FakeTelegram, fake_telegram
from tests.sending.world import settle_in
from tests.tables import engine_on

ROOT = Path(__file__).resolve().parents[2]


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def database(place: Place) -> AsyncIterator[Database]:
    with engine_on(place) as engine:
        settle_in(engine)
    opened = database_at(place)
    yield opened
    await opened.close()


@pytest.fixture
async def fake() -> AsyncIterator[FakeTelegram]:
    async with fake_telegram(per_private=None) as running:
        yield running


@dataclass
class Heard(TelegramPorts):
    """The real ports; what passes through them is seen."""

    handed: list[Mapping[str, Any]] = field(default_factory=list)

    async def accept(self, external_id: str, key: str, body: Mapping[str, Any], *, sent_at: datetime | None) -> None:
        self.handed.append(body)
        await super().accept(external_id, key, body, sent_at=sent_at)


@dataclass
class Line:
    """A channel that was started, what it speaks to, and what it left in the database."""

    channel: Telegram
    ports: Heard
    db: Database

    async def inbox(self) -> list[dict[str, Any]]:
        """Return the inbox rows in their order, with the outside id of who wrote."""
        return await self.db.read(rows_of)


def rows_of(db: Connection) -> list[dict[str, Any]]:
    query = select(inbox, address.c.external_id).join(address, address.c.id == inbox.c.address_id)
    return [dict(row) for row in db.execute(query.order_by(inbox.c.id)).mappings()]


MakeLine = Callable[..., AbstractAsyncContextManager[Line]]


@pytest.fixture
def line(database: Database, content: Content, fake: FakeTelegram) -> MakeLine:
    """Return what opens a started channel; `settings` as in `Settings`."""

    @asynccontextmanager
    async def opened(db: Any = None, **settings: Any) -> AsyncIterator[Line]:
        used = db or database
        chosen = {"token": fake.token, "api_url": fake.url, "poll_s": 5, "pauses_s": (0.05,), **settings}
        intake = Intake(used, "test", "vi", now, lambda _channel, _seconds: None)
        ports = Heard(name=NAME, db=used, intake=intake, content=content, clock=now)
        channel = Telegram(ports, Settings(**chosen), now=now)
        await channel.start()
        try:
            yield Line(channel, ports, used)
        finally:
            await channel.hush()
            await channel.stop()

    return opened


def outgoing(
    text: str = "Xin chào",
    *labels: str,
    to: int | str = 1001,
    delivery_id: int = 7,
    picture: Path | None = None,
    **more: Any,
) -> Outgoing:
    """Return a message as the sender hands it over."""
    buttons = tuple(Button(label, label) for label in labels)
    shown = SentPicture(picture, 8, 8) if picture else None
    return Outgoing(delivery_id, str(to), Rendered(text, buttons), shown, **more)
