"""Examine a database: its pages, its references, its files, its audit trail. Nothing is changed here."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from storage.schema import attachment, remote_file

MOST_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong. `kind` is pages or references; `where` names the place, never a value."""

    kind: str
    where: str


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file an attachment needs, by its name, mostly the SHA-256 of the content, and the attachment's id."""

    name: str
    attachment_id: int
    is_digest: bool = True


def examine(db: Connection) -> list[Finding]:
    """Return what is wrong with pages, indexes and references; empty if all is well, or a server sees to it itself."""
    if db.dialect.name != "sqlite":
        return []
    return [*_pages(db), *_references(db)]


def _pages(db: Connection) -> Iterator[Finding]:
    for (said,) in db.exec_driver_sql(f"PRAGMA integrity_check({MOST_FINDINGS})").all():
        if said != "ok":
            yield Finding("pages", str(said))


def _references(db: Connection) -> Iterator[Finding]:
    for table, row_id, parent, _ in db.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(MOST_FINDINGS):
        yield Finding("references", f"{table} {row_id} -> {parent}")


def wanted_files(db: Connection) -> list[WantedFile]:
    """Return the files that must be in the data folder: what is shown, or what came and waits to be made safe."""
    columns = (attachment.c.id, attachment.c.state, attachment.c.sha256, attachment.c.received_sha256)
    # What lies with its platform still is not here yet; what came from there has a name of its own.
    remote = remote_file.c.state.label("remote")
    fetched = select(*columns, remote).outerjoin(remote_file, remote_file.c.name == attachment.c.received_sha256)
    rows = db.execute(fetched.where(attachment.c.state.in_(("kept", "received")))).all()
    kept = [WantedFile(row.sha256, row.id) for row in rows if row.state == "kept"]
    came = [row for row in rows if row.state == "received" and row.remote in (None, "here")]
    return [*kept, *(WantedFile(row.received_sha256, row.id, is_digest=row.remote is None) for row in came)]


def copy_database(source: Path, target: Path) -> None:
    """Write a consistent copy of a database that may be in use to `target`, as one file.

    One step of the backup interface: it reads a single state while the writer goes on.
    """
    with closing(sqlite3.connect(source)) as reading, closing(sqlite3.connect(target)) as writing:
        reading.backup(writing, pages=-1)
        writing.execute("PRAGMA journal_mode=DELETE")
