"""What a channel on any platform needs of the program, put together from storage and intake."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from bot import outage, telling
from bot.allowance import Allowance
from bot.intake import Intake
from dialogue.messages import Rendered
from handlers.content import Content
from storage import channel_accounts, contacts, deliveries, halts
from storage.channel_accounts import Account
from storage.database import Connection, Database

KEPT_EVERY = timedelta(minutes=1)
"""How often it is stored that taking messages in works."""

log = structlog.get_logger()


@dataclass
class PlatformPorts:
    """The channel's view of the program. `heard_at` is at most a minute newer than what is stored.

    `kept_for` is how long the platform keeps what we do not fetch, `told_after` the silence officers hear of.
    """

    name: str
    db: Database
    intake: Intake
    content: Content
    clock: Callable[[], datetime]
    kept_for: timedelta = outage.DAY
    told_after: timedelta = outage.TOLD_AFTER
    heard_at: datetime | None = None
    _account: Account | None = None
    _stored_at: datetime | None = None
    _told: Allowance = field(default_factory=lambda: Allowance(most=1, window_s=600))

    async def accept(self, external_id: str, key: str, body: Mapping[str, Any], *, sent_at: datetime | None) -> None:
        """Commit one message."""
        await self.intake.accept(self.name, external_id, key, body, sent_at=sent_at)

    async def keep_unreadable(self, external_id: str, key: str, raw: str) -> None:
        """Commit an update nobody can read among the dead letters."""
        await self.intake.keep_unreadable(self.name, external_id, key, raw)

    async def move(self, old: str, new: str) -> None:
        """Give an address the id it has from now on."""
        await self.db.write(self._move, old, new)

    def _move(self, db: Connection, old: str, new: str) -> None:
        known = contacts.find_address(db, self.name, old)
        if known is not None:
            contacts.move_address(db, known.id, new)

    async def tell(self, external_id: str, key: str) -> None:
        """Send a sentence to an address, once in ten minutes at most."""
        if self._told.takes(f"{external_id} {key}", time.monotonic()):
            await self.db.write(self._tell, external_id, key)

    def _tell(self, db: Connection, external_id: str, key: str) -> None:
        now, wording = self.clock(), self.content.wording
        there = contacts.address_for(db, self.name, external_id, at=now, language=wording.default)
        language = contacts.get_many(db, [there.contact_id])[there.contact_id].language
        said = Rendered(wording.sentence(key, language))
        deliveries.enqueue(db, [telling.answer(there.contact_id, there.id, said, at=now)], at=now)

    async def heard(self) -> None:
        """Note that taking messages in works now; officers learn of a long silence that ends with it."""
        now = self.clock()
        self.heard_at = now
        if self._account is None or (self._stored_at is not None and now - self._stored_at < KEPT_EVERY):
            return
        self._stored_at = now
        try:
            await self.db.write(partial(self._hear, self._account.bot_id, now))
        except Exception:
            # The next time will do: what counts is stored with the messages themselves.
            self._stored_at = None
            log.exception("hearing_not_stored", channel=self.name)

    def _hear(self, bot_id: str, now: datetime, db: Connection) -> None:
        before = channel_accounts.hear(db, self.name, bot_id, at=now)
        if before is not None and now - before > self.told_after:
            lost = now - before > self.kept_for
            outage.tell_officers(db, self.content, channel=self.name, since=before, until=now, lost=lost)

    async def known_as(self, bot_id: str) -> str:
        """Return the name this bot had when it was last seen, empty if never, and remember that it is this bot."""
        self._account = await self.db.write(channel_accounts.take, self.name, bot_id)
        return self._account.name

    async def call(self, bot_id: str, name: str) -> None:
        """Remember the name that stands in links to this bot."""
        await self.db.write(channel_accounts.rename, self.name, bot_id, name)

    async def halted_s(self) -> float:
        """Return how long an earlier run was told to wait still."""
        until = (await self.db.read(halts.load)).get(self.name)
        return 0.0 if until is None else max(0.0, (until - self.clock()).total_seconds())
