"""The program without a server, one message at a time: for the terminal, transcripts and measurements.

Everything is real but the channel: intake, turns, deliveries, pictures. Time stands where it is put.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from bot import received
from bot.app import Parts, assembled
from bot.channels import terminal
from bot.channels.terminal import Terminal
from bot.config import Config
from bot.demo import ADDRESS, PLAYED_ON
from dialogue.messages import Attachment, Rendered
from handlers.content import Content
from storage import contacts
from storage.database import Connection
from storage.opening import Opened


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody was shown, with the delivery it came in."""

    persona: str
    delivery_id: int
    rendered: Rendered


@dataclass
class Stage:
    """Say something as a persona, get what everybody was shown. `now` moves only when it is set."""

    parts: Parts
    now: datetime
    heard: list[Shown] = field(default_factory=list)

    async def enter(self, persona: str) -> None:
        """Let a persona of the demonstration speak here; an unknown name is a stranger."""
        await self.parts.db.write(_give_address, persona, self.now)

    async def say(
        self, persona: str, text: str = "", *, pressed: str | None = None, photos: Sequence[bytes] = ()
    ) -> list[Shown]:
        """Hand a message over and return what was shown to whom until nothing is left to do.

        `pressed` is `<delivery>.<place of the button>`.
        """
        kept = [await received.keep(self.parts.config.data.folder / "received", photo) for photo in photos]
        body = {"text": text, "pressed": pressed, "attachments": [_stored(each) for each in kept]}
        # Nothing is said twice here, and the stage may be set again in the same minute on the same data.
        await self.parts.intake.accept(terminal.NAME, persona, uuid4().hex, body)
        return await self.settle()

    async def settle(self) -> list[Shown]:
        """Work, send and tick until nothing is left; return what was shown meanwhile."""
        self.heard.clear()
        await self.parts.dispatcher.drain()
        while await self.parts.fetcher.fetch_next():
            pass
        await self.parts.media.keep_waiting()
        await self.parts.broadcasts.tick()
        await self.parts.sender.drain()
        return list(self.heard)


def _stored(attachment: Attachment) -> dict[str, Any]:
    return {
        "sha256": attachment.sha256,
        "media_type": attachment.media_type,
        "size_bytes": attachment.size_bytes,
    }


def _give_address(db: Connection, persona: str, at: datetime) -> None:
    if contacts.find_address(db, terminal.NAME, persona) is not None:
        return
    played = contacts.find_address(db, PLAYED_ON, ADDRESS.format(slug=persona))
    if played is not None:
        contacts.add_address(db, played.contact_id, terminal.NAME, persona, at=at)


@asynccontextmanager
async def staged(
    config: Config, content: Content, opened: Opened, *, buttons: bool, now: datetime | None = None
) -> AsyncIterator[Stage]:
    """Yield a stage on an open database. With `buttons=False` choices come as numbers."""
    stages: list[Stage] = []

    def show(persona: str, delivery_id: int, rendered: Rendered) -> None:
        stages[0].heard.append(Shown(persona, delivery_id, rendered))

    channel = Terminal(show, buttons=buttons)
    start = now or datetime.now(UTC)
    async with assembled(config, content, opened, lambda *_given: [channel], clock=lambda: stages[0].now) as parts:
        stages.append(Stage(parts, start))
        await parts.sender.begin()
        yield stages[0]
