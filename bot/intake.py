"""The one way in: a message is a committed inbox row before anybody is told that we have it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dialogue.text import nfc
from figures.emergency import VIOLENCE, is_emergency
from storage import inbox
from storage.database import Database
from storage.inbox import NewInbound
from storage.remote_files import NewFile

MAX_TEXT_CHARS = 20_000
OLDEST = timedelta(days=7)
"""How long a message may have waited on a phone without a line."""

ALBUM_WAIT = timedelta(seconds=1.5)
"""How long a photo of an album waits for the others, which platforms hand over one by one."""


class TooManyWaiting(Exception):
    """This address has more messages waiting than a person writes; it should come back later."""


class TextTooLong(ValueError):
    """The text is longer than 20,000 characters."""


def _nobody() -> None:
    return None


@dataclass(frozen=True)
class Intake:
    """Takes messages of all channels. `on_accepted(channel, seconds)` hears of each, with what its commit took.

    `on_files` hears that there are files to be fetched.
    """

    db: Database
    process: str
    language: str
    clock: Callable[[], datetime]
    on_accepted: Callable[[str, float], None]
    on_files: Callable[[], None] = _nobody

    async def accept(
        self, channel: str, external_id: str, key: str, body: Mapping[str, Any], *, sent_at: datetime | None = None
    ) -> None:
        """Commit one message; the same key again changes nothing. Returns when it is on the disk.

        Keys of `body`, all of them optional: `text`, `pressed` (`<delivery>.<place of the button>`), `attachments`
        (`{sha256, media_type, size_bytes}` each), `files` (`{name, reference}` of those still to be fetched), `unread`,
        `event`, `album` (what the platform calls the set), `edits` (the key of the message this one puts right).
        Raises `TextTooLong`, `TooManyWaiting`, or `storage.database.NotKept`; nothing is kept then.
        """
        text = clean(str(body.get("text") or ""))
        if len(text) > MAX_TEXT_CHARS:
            raise TextTooLong
        began_s = time.perf_counter()
        now = self.clock()
        # A phone's clock may be wrong: a message is not written after we received it, nor years before.
        written = sent_at if sent_at is not None and now - OLDEST <= sent_at <= now else now
        album = None if body.get("edits") else body.get("album")
        files = () if body.get("event") else tuple(NewFile(channel=channel, **each) for each in body.get("files") or ())
        given = ((name, value) for name, value in body.items() if name != "files")
        kept = {name: clean(value) if isinstance(value, str) else value for name, value in given}
        message = NewInbound(
            channel=channel,
            external_id=external_id,
            key=key,
            body={**kept, "text": text},
            sent_at=written,
            received_at=now,
            process=self.process,
            language=self.language,
            album=album,
            not_before=now + ALBUM_WAIT if album else None,
            files=files,
        )
        if not await self.db.write_each(inbox.accept, message):
            raise TooManyWaiting
        self.on_accepted(channel, time.perf_counter() - began_s)
        if files:
            self.on_files()

    async def keep_unreadable(self, channel: str, external_id: str, key: str, raw: str) -> None:
        """Commit something of a platform that cannot be read, as it came (JSON), among the dead letters.

        The same key again changes nothing. Raises `storage.database.NotKept`.
        """
        now = self.clock()
        message = NewInbound(
            channel=channel,
            external_id=external_id,
            key=key,
            body={"raw": raw},
            sent_at=now,
            received_at=now,
            process=self.process,
            language=self.language,
        )
        await self.db.write(inbox.keep_unreadable, message, restricted=_tells_of_violence(raw))


def _tells_of_violence(raw: str) -> bool:
    # Letters stand in it as \uXXXX.
    try:
        words = json.dumps(json.loads(raw), ensure_ascii=False)
    except (ValueError, RecursionError):
        return True
    return is_emergency(words) == VIOLENCE


def clean(text: str) -> str:
    """Return `text` in NFC without NUL and lone surrogates, which no database keeps."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return nfc(whole.replace("\0", ""))
