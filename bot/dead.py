"""Put dead letters back to work: those that failed as they are, those nobody could read once they can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from bot.channels.telegram import names as telegram
from bot.intake import clean
from storage import channel_accounts, inbox
from storage.channel_accounts import Account
from storage.database import Connection

Understood = tuple[Mapping[str, Any], datetime | None]
Reader = Callable[[str, Account], Understood | None]
"""Reads what came (JSON) again for an account of ours: the body and when it was written, or None as before."""


def replay(db: Connection, ids: Iterable[int]) -> int:
    """Put dead letters back in the queue and return how many; erased and unreadable ones stay where they are."""
    wanted = list(ids)
    return inbox.replay(db, wanted) + sum(_read_again(db, *letter) for letter in inbox.unreadable(db, wanted))


def _read_again(db: Connection, inbox_id: int, channel: str, raw: str) -> bool:
    account, reader = channel_accounts.get(db, channel), _readers().get(channel)
    understood = reader(raw, account) if reader is not None and account is not None else None
    if understood is None:
        return False
    body, sent_at = understood
    inbox.make_readable(db, inbox_id, {**body, "text": clean(str(body.get("text") or ""))}, sent_at=sent_at)
    return True


def _readers() -> Mapping[str, Reader]:
    from bot.channels.telegram.inbound import read_again

    return {telegram.NAME: lambda raw, account: read_again(raw, account.bot_id, account.name)}
