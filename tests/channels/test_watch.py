"""Silence: told in the log before it is too late, shown on the health page, and to officers when it is over."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import structlog
from sqlalchemy import select

from bot.channels.base import Channel, Outgoing
from bot.intake import Intake
from bot.logs import start_logging
from bot.ports.telegram import TelegramPorts
from bot.watch import Watch
from dialogue.messages import Capabilities
from handlers.content import Content
from storage import appointments, channel_accounts, contacts
from storage.database import Connection, Database
from storage.schema import delivery
from tests.sending.world import unit

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
CAN = Capabilities(buttons=True, pictures=True, text_limit=100)


@dataclass
class Quiet(Channel):
    """A channel that says when it was last heard."""

    at: datetime | None = NOON
    ails: str | None = None
    name: str = "road"

    @property
    def capabilities(self) -> Capabilities:
        return CAN

    @property
    def heard_at(self) -> datetime | None:
        return self.at

    @property
    def trouble(self) -> str | None:
        return self.ails

    async def send(self, message: Outgoing) -> str:
        return "1"


@dataclass
class Clock:
    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    handlers, level, hooks = logging.root.handlers, logging.root.level, (sys.excepthook, threading.excepthook)
    stream = io.StringIO()
    start_logging(stream)
    yield stream
    logging.root.handlers, logging.root.level = handlers, level
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(False)
    logging.getLogger("aiohttp.access").disabled = False
    structlog.reset_defaults()


def alarms(stream: io.StringIO) -> list[tuple[str, str, int | None]]:
    events = map(json.loads, stream.getvalue().splitlines())
    return [(event["event"], event["level"], event.get("minutes")) for event in events]


def test_silence_is_told_after_ten_minutes_and_loudly_after_two_hours_each_once(written: io.StringIO) -> None:
    road, clock = Quiet(ails="conflict"), Clock()
    watch = Watch({"road": road}, clock)
    for minutes in (0, 9, 10, 11, 60, 119, 120, 121, 600):
        clock.at = NOON + timedelta(minutes=minutes)
        watch.look()
    assert alarms(written) == [("channel_silent", "error", 10), ("channel_silent", "critical", 120)]
    road.at = clock.at
    watch.look()
    assert alarms(written)[2:] == [("channel_heard_again", "info", None)]
    clock.at += timedelta(hours=3)
    watch.look()
    assert alarms(written)[3:] == [("channel_silent", "critical", 180)]


def test_a_channel_that_cannot_be_watched_is_never_silent(written: io.StringIO) -> None:
    watch = Watch({"page": Quiet(at=None)}, Clock(NOON + timedelta(days=9)))
    watch.look()
    assert alarms(written) == []
    assert watch.state() == {"page": {"trouble": None}}


def test_the_state_names_trouble_and_silence() -> None:
    watch = Watch({"road": Quiet(ails="token_refused")}, Clock(NOON + timedelta(seconds=90)))
    assert watch.state() == {"road": {"trouble": "token_refused", "silent_s": 90}}


# --- Officers ---


@pytest.fixture
async def ports(database: Database, content: Content) -> TelegramPorts:
    clock = Clock()
    intake = Intake(database, "test", "vi", clock, lambda _channel, _seconds: None)
    opened = TelegramPorts(name="telegram", db=database, intake=intake, content=content, clock=clock)
    await opened.known_as("700")
    return opened


def an_officer(role: str, *, stopped: bool = False) -> Any:
    def add(db: Connection) -> int:
        unit_id = unit(db, role, None, "xa")
        contact_id = contacts.create(db, at=NOON, language="vi")
        appointments.appoint(db, contact_id, unit_id, role, since=date(2025, 7, 1))
        contacts.set_stopped(db, contact_id, NOON if stopped else None)
        return contact_id

    return add


def told(db: Connection) -> list[tuple[int, str]]:
    rows = db.execute(select(delivery.c.contact_id, delivery.c.body).order_by(delivery.c.id))
    return [(row.contact_id, row.body["text"]) for row in rows]


def later(ports: TelegramPorts, **passed: float) -> None:
    assert isinstance(ports.clock, Clock)
    ports.clock.at += timedelta(**passed)


async def test_officers_hear_of_a_long_silence_once_when_it_is_over(ports: TelegramPorts) -> None:
    officer = await ports.db.write(an_officer("can_bo_xa"))
    await ports.db.write(an_officer("chi_hoi_truong"))
    await ports.heard()
    later(ports, hours=3)
    await ports.heard()
    later(ports, minutes=5)
    await ports.heard()
    ((contact_id, text),) = await ports.db.read(told)
    assert contact_id == officer
    assert "12:00" in text
    assert "15:00" in text
    assert "Telegram" in text
    assert "mất" not in text


async def test_after_more_than_a_day_they_are_asked_to_have_things_sent_again(ports: TelegramPorts) -> None:
    await ports.db.write(an_officer("can_bo_xa"))
    await ports.heard()
    later(ports, hours=25)
    await ports.heard()
    ((_, text),) = await ports.db.read(told)
    assert "gửi lại" in text
    assert "mất" in text


async def test_the_time_we_were_switched_off_counts_too(ports: TelegramPorts, content: Content) -> None:
    await ports.db.write(an_officer("can_bo_xa"))
    await ports.heard()
    clock = Clock(NOON + timedelta(hours=9))
    again = TelegramPorts(name="telegram", db=ports.db, intake=ports.intake, content=content, clock=clock)
    await again.known_as("700")
    await again.heard()
    assert len(await ports.db.read(told)) == 1


async def test_a_short_silence_another_bot_and_who_said_stop_are_left_in_peace(ports: TelegramPorts) -> None:
    await ports.db.write(an_officer("can_bo_xa", stopped=True))
    await ports.heard()
    later(ports, minutes=119)
    await ports.heard()
    later(ports, days=2)
    await ports.known_as("701")
    await ports.heard()
    later(ports, days=2)
    await ports.heard()
    assert await ports.db.read(told) == []
    account = await ports.db.read(channel_accounts.get, "telegram")
    assert account is not None
    assert account.bot_id == "701"
