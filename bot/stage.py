"""The program without a server, one message at a time: for the terminal, transcripts and measurements.

Everything is real but the channel: intake, turns, deliveries, pictures. Time stands where it is put.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

from bot import received
from bot.app import Parts, assembled
from bot.channels import terminal
from bot.channels.terminal import Terminal
from bot.config import Config
from bot.demo import ADDRESS, PLAYED_ON
from bot.intake import ALBUM_WAIT
from dialogue.messages import Attachment, Rendered
from handlers.content import Content
from storage import contacts
from storage.database import Connection
from storage.opening import Opened

Place = tuple[str, str]
"""A channel, and who somebody is there."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody was shown, with the delivery it came in."""

    persona: str
    delivery_id: int
    rendered: Rendered


@dataclass(frozen=True, slots=True)
class Saying:
    """What somebody says. `pressed` is `<delivery>.<place of the button>`; several photos are an album.

    `key` names the message, `edits` the one that this puts right.
    """

    text: str = ""
    pressed: str | None = None
    photos: tuple[bytes, ...] = ()
    unread: str | None = None
    # Nothing is said twice here, and the stage may be set again in the same minute on the same data.
    key: str = field(default_factory=lambda: uuid4().hex)
    edits: str | None = None


@dataclass
class Stage:
    """Say something as a persona, get what everybody was shown.

    `now` moves only when it is set, and while an album waits for the rest of it. `abroad`: people are on a channel
    whose servers stand abroad, unless they come `at_home`.
    """

    parts: Parts
    now: datetime
    abroad: bool = False
    heard: list[Shown] = field(default_factory=list)

    async def enter(self, persona: str, *, at_home: bool = False) -> str:
        """Let a persona of the demonstration speak here; an unknown name is a stranger. Return her channel."""
        channel = terminal.ABROAD if self.abroad and not at_home else terminal.NAME
        await self.know(persona, (channel, persona), (terminal.NAME, persona), (terminal.ABROAD, persona))
        return channel

    async def know(self, persona: str, *places: Place) -> None:
        """Make who is reached at one of `places`, or is a persona of the demonstration, reached at the first too."""
        await self.parts.db.write(_give_address, (*places, (PLAYED_ON, ADDRESS.format(slug=persona))), self.now)

    async def say(self, persona: str, saying: Saying, *, channel: str = terminal.NAME) -> list[Shown]:
        """Hand a message over and return what was shown to whom until nothing is left to do."""
        await self.hand_over(persona, saying, channel=channel)
        return await self.settle()

    async def hand_over(self, persona: str, saying: Saying, *, channel: str = terminal.NAME) -> None:
        """Hand a message over; nothing is done about it before `settle`."""
        folder = self.parts.config.data.folder / "received"
        kept = [_stored(await received.keep(folder, photo)) for photo in saying.photos]
        body = {"text": saying.text, "pressed": saying.pressed, "unread": saying.unread, "edits": saying.edits}
        accept = partial(self.parts.intake.accept, channel, persona)
        if len(kept) < 2:
            await accept(saying.key, {**body, "attachments": kept})
            return
        await accept(saying.key, {**body, "attachments": kept[:1], "album": saying.key})
        for number, photo in enumerate(kept[1:], 2):
            await accept(f"{saying.key}:{number}", {"attachments": [photo], "album": saying.key})
        self.now += ALBUM_WAIT

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


def _give_address(db: Connection, places: Sequence[Place], at: datetime) -> None:
    channel, external_id = places[0]
    known = next((found for place in places if (found := contacts.find_address(db, *place))), None)
    if known is not None and (known.channel, known.external_id) != (channel, external_id):
        contacts.add_address(db, known.contact_id, channel, external_id, at=at)


@asynccontextmanager
async def staged(
    config: Config,
    content: Content,
    opened: Opened,
    *,
    buttons: bool,
    now: datetime | None = None,
    abroad: bool = False,
) -> AsyncIterator[Stage]:
    """Yield a stage on an open database. With `buttons=False` choices come as numbers; `abroad` as in `Stage`."""
    stages: list[Stage] = []

    def show(persona: str, delivery_id: int, rendered: Rendered) -> None:
        stages[0].heard.append(Shown(persona, delivery_id, rendered))

    channels = [Terminal(show, buttons=buttons, abroad=far) for far in ((False, True) if abroad else (False,))]
    start = now or datetime.now(UTC)
    async with assembled(config, content, opened, lambda *_given: channels, clock=lambda: stages[0].now) as parts:
        stages.append(Stage(parts, start, abroad))
        await parts.sender.begin()
        yield stages[0]
