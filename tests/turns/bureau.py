"""The dispatcher with the real conversations about reports, and a head of a chi hội who writes on a platform."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import or_, select

from bot.book import make_book
from bot.content import load_content
from bot.dispatch import Desk, Dispatcher
from bot.intake import Intake
from dialogue.messages import Capabilities
from handlers import conversations
from handlers.content import Content
from storage import appointments, contacts, installation
from storage.database import Connection, Database
from storage.schema import attachment, delivery, figure, inbox, report
from storage.sealing import Sealer, create_key_file
from storage.sites import Place, database_at, engine_at
from tests.reports.stage import CONTENT, make_stage
from tests.sending.desk import PLANNING

EVENING = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
HEAD = "head"
CHANNEL, FAR = "paper", "far"
"""A channel at home, and one whose servers stand abroad."""

NAMES = {HEAD: "Rơ Châm H'Nhung", "chair": "Nguyễn Thị Sen"}


@dataclass
class Bureau:
    """Messages in, replies out, a clock set by hand. `head` writes, `chair` decides."""

    db: Database
    desk: Desk
    sealer: Sealer
    now: datetime = EVENING
    process: str = "first"
    web: str | None = "https://hoi.example/chat/"
    dispatcher: Dispatcher = field(init=False)
    intake: Intake = field(init=False)
    _count: int = 0
    _read: int = 0

    def open(self, process: str) -> None:
        """Start as another process."""
        self.process = process
        self.dispatcher = Dispatcher(self.db, self.desk, process, on_committed=lambda _committed: None)
        self.intake = Intake(self.db, process, "vi", lambda: self.now, lambda _channel, _seconds: None)

    async def takes_in(
        self, text: str = "", *, key: str | None = None, who: str = HEAD, channel: str = CHANNEL, **body: Any
    ) -> str:
        """Take a message in without working on it, and return its key."""
        self._count += 1
        key = key or f"message {self._count}"
        await self.intake.accept(channel, who, key, {"text": text, **body}, sent_at=self.now)
        return key

    async def hears(self, text: str = "", **body: Any) -> list[str]:
        """Take a message in, work on it and return what was said to her since the last time."""
        await self.takes_in(text, **body)
        return await self.works()

    async def works(self) -> list[str]:
        """Work until nothing may run, and return what was said to the head since the last time."""
        await self.dispatcher.drain()
        return await self.said()

    async def said(self) -> list[str]:
        """Return what was said to the head since the last time."""
        texts = [body["text"] for body in await self.to(HEAD)]
        new, self._read = texts[self._read :], len(texts)
        return new

    async def presses(self, label: str) -> list[str]:
        """Press the button with this label, on the newest message to her that has one."""
        rows = await self.db.read(_messages_to, HEAD, CHANNEL)
        number, at = next(
            (row.id, labels.index(label))
            for row in reversed(rows)
            if label in (labels := [button["label"] for button in row.body["buttons"]])
        )
        return await self.hears(pressed=f"{number}.{at}")

    async def to(self, who: str, *, channel: str = CHANNEL) -> list[Mapping[str, Any]]:
        """Return the bodies of all messages to somebody."""
        return [row.body for row in await self.db.read(_messages_to, who, channel)]

    def later(self, **passed: float) -> None:
        """Let time pass."""
        self.now += timedelta(**passed)

    async def reports(self) -> list[tuple[str, list[tuple[str, str, int]], int]]:
        """Return (state, [(indicator, period, value)], photos) of every report."""
        return await self.db.read(_reports)

    async def states(self) -> list[str]:
        """Return the states of all inbox rows."""
        return await self.db.read(lambda db: list(db.scalars(select(inbox.c.state).order_by(inbox.c.id))))


def photo(name: str) -> dict[str, Any]:
    """A photo as a platform's message carries it."""
    return {"sha256": hashlib.sha256(name.encode()).hexdigest(), "media_type": "image/jpeg", "size_bytes": 1000}


def _messages_to(db: Connection, who: str, channel: str) -> list[Any]:
    known = contacts.find_address(db, channel, who)
    assert known is not None
    hers = (delivery.c.contact_id == known.contact_id) & delivery.c.address_id.is_(None)
    query = select(delivery.c.id, delivery.c.body).where(or_(delivery.c.address_id == known.id, hers))
    return list(db.execute(query.order_by(delivery.c.id)))


def _reports(db: Connection) -> list[tuple[str, list[tuple[str, str, int]], int]]:
    found = []
    for row in db.execute(select(report.c.id, report.c.state).order_by(report.c.id)).all():
        columns = (figure.c.indicator, figure.c.period, figure.c.value)
        figures = select(*columns).where(figure.c.report_id == row.id, figure.c.replaced.is_(False))
        photos = select(attachment.c.id).where(attachment.c.report_id == row.id)
        values = [(one.indicator, one.period, int(one.value)) for one in db.execute(figures.order_by(figure.c.id))]
        found.append((row.state, values, len(db.execute(photos).all())))
    return found


@cache
def _content() -> Content:
    return load_content(CONTENT, ("vi", "en"))


@asynccontextmanager
async def bureau_in(folder: Path, place: Place) -> AsyncIterator[Bureau]:
    """Yield a bureau on a database with no rows; `folder` is for its key."""
    engine = engine_at(place)
    stage = make_stage(engine)
    with stage.db() as db:
        installation.create(db, kind="demo", controller="Hội", at=EVENING)
        for name, role, unit in ((HEAD, "chi_hoi_truong", "boi"), ("chair", "chu_tich_xa", "xa")):
            contact_id = contacts.create(db, at=EVENING, language="vi", name=NAMES[name])
            appointments.appoint(db, contact_id, stage.units[unit], role, since=date(2022, 1, 1))
            contacts.add_address(db, contact_id, CHANNEL, name, at=EVENING)
    engine.dispose()
    content = _content()
    sealer = Sealer(create_key_file(folder / "bureau.key"))
    at_home = Capabilities(buttons=True, pictures=True, text_limit=4000)
    channels = {CHANNEL: at_home, FAR: replace(at_home, data_abroad=True)}
    book = make_book(conversations(sealer, PLANNING), content.wording)
    bureaus: list[Bureau] = []
    desk = Desk(book, content, channels, lambda: bureaus[0].now, web_address=lambda: bureaus[0].web)
    bureaus.append(Bureau(database_at(place), desk, sealer))
    bureaus[0].open("first")
    yield bureaus[0]
    await bureaus[0].db.close()
