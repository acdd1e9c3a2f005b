"""Files that lie with a platform still: what is to be fetched, how often it was tried, what became of it.

`waiting → here | lost`. A name is made by us from the platform's own id of the file, so the same photo sent twice is
fetched once; a lost one is looked for again when she sends it again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from storage.schema import remote_file


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be fetched: the name it will be kept under, its channel, the platform's own name of it."""

    name: str
    channel: str
    reference: str


@dataclass(frozen=True, slots=True)
class Remote:
    """A file that waits. `tries` counts how often fetching it was begun."""

    id: int
    name: str
    channel: str
    reference: str
    tries: int


def expect(db: Connection, files: Sequence[NewFile], *, at: datetime) -> None:
    """Note files to be fetched, in the transaction that keeps their message; known ones stay as they are."""
    if not files:
        return
    dialect: Any = postgresql if db.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(remote_file)
    again = {"state": "waiting", "tries": 0, "reason": None}
    fresh = {name: insert.excluded[name] for name in ("channel", "reference", "due_at")}
    upsert = insert.on_conflict_do_update(
        index_elements=["name"], set_={**again, **fresh}, where=remote_file.c.state == "lost"
    )
    rows = [
        {"name": file.name, "channel": file.channel, "reference": file.reference, "due_at": at, "created_at": at}
        for file in files
    ]
    db.execute(upsert, rows)


def due(db: Connection, *, now: datetime, channels: Collection[str], most: int) -> list[Remote]:
    """Return the files to be fetched now from these channels, those due longest first."""
    query = (
        select(*(remote_file.c[name] for name in Remote.__slots__))
        .where(_WAITING, remote_file.c.due_at <= now, remote_file.c.channel.in_(list(channels)))
        .order_by(remote_file.c.due_at, remote_file.c.id)
        .limit(most)
    )
    return [Remote(*row) for row in db.execute(query)]


_WAITING = remote_file.c.state == "waiting"


def begin(db: Connection, file: Remote, *, again_at: datetime) -> bool:
    """Count a try before it begins and let nobody else begin one before `again_at`; False if somebody is at it."""
    mine = (remote_file.c.id == file.id, _WAITING, remote_file.c.tries == file.tries)
    begun = update(remote_file).where(*mine).values(tries=file.tries + 1, due_at=again_at)
    return db.execute(begun).rowcount == 1


def put_off(db: Connection, file: Remote, *, until: datetime, counts: bool) -> None:
    """Try a file again at `until`; what it was not to blame for does not count as a try."""
    waits = update(remote_file).where(remote_file.c.id == file.id, _WAITING)
    db.execute(waits.values(tries=file.tries + 1 if counts else file.tries, due_at=until))


def arrived(db: Connection, file_id: int) -> None:
    """Note that a file is kept under its name."""
    db.execute(update(remote_file).where(remote_file.c.id == file_id, _WAITING).values(state="here", reason=None))


def lose(db: Connection, names: Collection[str], *, reason: str) -> None:
    """Note that files cannot be had, with the wording key of the reason."""
    known = update(remote_file).where(remote_file.c.name.in_(list(names)))
    db.execute(known.values(state="lost", reason=reason))


def forget(db: Connection, names: Collection[str]) -> None:
    """Know nothing of files any more: they were thrown away, and are fetched anew should they be sent again."""
    gone = (remote_file.c.name.in_(list(names)), remote_file.c.state == "here")
    db.execute(delete(remote_file).where(*gone))
