"""Files of ours that a platform has already: uploaded once, sent by the name it gave them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from storage.schema import sent_file


def get(db: Connection, channel: str, bot_id: str, name: str) -> str | None:
    """Return what stands there for the file `name` of data.folder; None if it was never uploaded."""
    there = (sent_file.c.channel == channel, sent_file.c.bot_id == bot_id, sent_file.c.name == name)
    return db.scalar(select(sent_file.c.reference).where(*there))


def keep(db: Connection, channel: str, bot_id: str, *, name: str, reference: str) -> None:
    """Remember what stands there for a file, in place of what was known."""
    dialect: Any = postgresql if db.dialect.name == "postgresql" else sqlite
    values = {"channel": channel, "bot_id": bot_id, "name": name, "reference": reference}
    insert = dialect.insert(sent_file).values(**values)
    db.execute(
        insert.on_conflict_do_update(index_elements=["channel", "bot_id", "name"], set_={"reference": reference})
    )
