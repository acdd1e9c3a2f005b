"""Who we are on each platform, and when taking messages in there last worked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from storage.schema import channel_account


@dataclass(frozen=True, slots=True)
class Account:
    """Our account on a platform: its id there, its name as it stands in links (perhaps empty), when it last heard."""

    bot_id: str
    name: str
    heard_at: datetime | None


def get(db: Connection, channel: str) -> Account | None:
    """Return our account on a channel; None if there never was one."""
    columns = (channel_account.c.bot_id, channel_account.c.name, channel_account.c.heard_at)
    row = db.execute(select(*columns).where(channel_account.c.channel == channel)).first()
    return None if row is None else Account(*row)


def take(db: Connection, channel: str, bot_id: str) -> Account:
    """Return our account with this id; one we did not have there before is new, and has heard nothing yet."""
    known = get(db, channel)
    if known is not None and known.bot_id == bot_id:
        return known
    dialect: Any = postgresql if db.dialect.name == "postgresql" else sqlite
    fresh = {"bot_id": bot_id, "name": "", "heard_at": None}
    insert = dialect.insert(channel_account).values(channel=channel, **fresh)
    db.execute(insert.on_conflict_do_update(index_elements=["channel"], set_=fresh))
    return Account(bot_id, "", None)


def rename(db: Connection, channel: str, bot_id: str, name: str) -> None:
    """Remember the name that stands in links."""
    db.execute(update(channel_account).where(_is(channel, bot_id)).values(name=name))


def hear(db: Connection, channel: str, bot_id: str, *, at: datetime) -> datetime | None:
    """Note that taking messages in works at `at`, and return when it did before; None if never, or if that is later."""
    known = get(db, channel)
    before = known.heard_at if known is not None and known.bot_id == bot_id else None
    if before is not None and before >= at:
        return None
    db.execute(update(channel_account).where(_is(channel, bot_id)).values(heard_at=at))
    return before


def _is(channel: str, bot_id: str) -> Any:
    return (channel_account.c.channel == channel) & (channel_account.c.bot_id == bot_id)
