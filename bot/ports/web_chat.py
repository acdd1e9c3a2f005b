"""What the web chat needs of the program, put together from storage and intake."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from bot import received
from bot.allowance import Allowance
from bot.exports import Exports
from bot.intake import Intake
from bot.web import client_address
from dialogue.messages import Attachment
from dialogue.text import Wording
from storage import contacts, mailbox
from storage.database import Away, Connection, Database
from storage.mailbox import News, Post


@dataclass(frozen=True)
class WebChatPorts:
    """The web chat's view of the program."""

    name: str
    db: Database
    intake: Intake
    wording: Wording
    received: Path
    pictures: Path
    clock: Callable[[], datetime]
    proxies: Sequence[Any] = ()
    exports: Exports | None = None
    visitors: Allowance = field(default_factory=lambda: Allowance(most=120, window_s=60))
    # Wide, since a whole village may share one address of its operator.
    connections: Allowance = field(default_factory=lambda: Allowance(most=6_000, window_s=60))

    async def accept(
        self, external_id: str, key: str, body: Mapping[str, Any], *, sent_at: datetime | None = None
    ) -> None:
        """Commit one message."""
        await self.intake.accept(self.name, external_id, key, body, sent_at=sent_at)

    async def after(self, external_id: str, last_id: int) -> News:
        """Return what arrived after `last_id`."""
        return await self.db.read(mailbox.after, self.name, external_id, last_id)

    async def put(self, external_id: str, delivery_id: int, body: Mapping[str, Any]) -> int:
        """Put a message into a mailbox."""
        post = Post(self.name, external_id, delivery_id, body, self.clock())
        return await self.db.write_each(mailbox.put, post)

    async def keep_photo(self, content: bytes) -> Attachment:
        """Keep a photo's bytes on the disk."""
        return await received.keep(self.received, content)

    async def picture(self, external_id: str, name: str) -> Path | None:
        """Return the file of a picture sent to this address; the name is looked up, never joined unseen."""
        known = await self.db.read(mailbox.has_picture, self.name, external_id, name)
        path = self.pictures / name
        return path if known and path.is_file() else None

    async def file(self, external_id: str, name: str) -> bytes | None:
        """Make a file whose link was sent to this address."""
        if self.exports is None or not await self.db.read(mailbox.has_file, self.name, external_id, name):
            return None
        return await self.exports.made(self.name, external_id, name)

    async def language(self, external_id: str) -> str:
        """Return the language of who holds the address, or the default, also where the database is away."""
        try:
            return await self.db.read(_language, self.name, external_id) or self.wording.default
        except Away:
            return self.wording.default

    async def log_out(self, external_id: str) -> None:
        """Cut the address off."""
        await self.db.write(contacts.cut_off, self.name, external_id)

    def sentence(self, key: str, language: str) -> str:
        """Return a sentence of the wording files."""
        return self.wording.sentence(key, language)

    def page_wording(self, language: str) -> Mapping[str, str]:
        """Return the page's sentences by their keys."""
        keys = [key for key in self.wording.languages[self.wording.default] if key.startswith("page.")]
        return {key: self.wording.sentence(key, language) for key in keys}

    def allows(self, request: web.Request, external_id: str) -> bool:
        """Tell whether this visitor and her connection may still write now."""
        now_s = time.monotonic()
        connection = client_address(request, self.proxies)
        return self.connections.takes(connection, now_s) and self.visitors.takes(external_id, now_s)


def _language(db: Connection, channel: str, external_id: str) -> str | None:
    address = contacts.find_address(db, channel, external_id)
    if address is None:
        return None
    return contacts.get_many(db, [address.contact_id])[address.contact_id].language
