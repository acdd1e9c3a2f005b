"""Channels that must wait, kept so that a restart does not forget it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from storage.schema import channel_halt


def halt(db: Connection, name: str, until: datetime) -> None:
    """Let nothing out on a channel before `until`; an earlier end never shortens a longer wait."""
    dialect: Any = postgresql if db.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(channel_halt).values(channel=name, halted_until=until)
    greatest: Any = func.greatest if db.dialect.name == "postgresql" else func.max
    longest = greatest(channel_halt.c.halted_until, insert.excluded.halted_until)
    db.execute(insert.on_conflict_do_update(index_elements=["channel"], set_={"halted_until": longest}))


def load(db: Connection) -> dict[str, datetime]:
    """Return when each channel's last wait ends; it may lie in the past."""
    query = select(channel_halt.c.channel, channel_halt.c.halted_until)
    return {row.channel: row.halted_until for row in db.execute(query)}
