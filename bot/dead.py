"""Put dead letters back to work: those that failed as they are, those nobody could read once they can be read."""

from __future__ import annotations

from collections.abc import Iterable

from bot.intake import clean
from bot.platforms import PLATFORMS
from storage import channel_accounts, inbox
from storage.database import Connection


def replay(db: Connection, ids: Iterable[int]) -> int:
    """Put dead letters back in the queue and return how many; erased and unreadable ones stay where they are."""
    wanted = list(ids)
    return inbox.replay(db, wanted) + sum(_read_again(db, *letter) for letter in inbox.unreadable(db, wanted))


def _read_again(db: Connection, inbox_id: int, channel: str, raw: str) -> bool:
    account = channel_accounts.get(db, channel)
    platform = next((each for each in PLATFORMS if each.name == channel), None)
    if platform is None or account is None:
        return False
    understood = platform.read_again(raw, account.bot_id, account.name)
    if understood is None:
        return False
    body, sent_at = understood
    inbox.make_readable(db, inbox_id, {**body, "text": clean(str(body.get("text") or ""))}, sent_at=sent_at)
    return True
