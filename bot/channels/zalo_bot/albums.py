"""Which pictures were sent at once: the platform hands each over by itself and does not say so."""

from __future__ import annotations

from datetime import datetime, timedelta

NEAR = timedelta(seconds=3)
"""Pictures of one person that follow each other within this time are one album."""

MOST_CHATS = 1000


class Albums:
    """Remembers the last picture of each chat. Forgotten at a restart: then a late picture is a message of its own."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[str, datetime]] = {}

    def of(self, chat: str, key: str, at: datetime | None) -> str | None:
        """Return the album of a picture: the key of its first one. None where nothing says when it was sent."""
        if at is None:
            return None
        album, last_at = self._last.pop(chat, (key, at))
        if abs(at - last_at) > NEAR:
            album = key
        self._last[chat] = (album, at)
        while len(self._last) > MOST_CHATS:
            self._last.pop(next(iter(self._last)))
        return album
