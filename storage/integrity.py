"""Examine a database: its pages, its references, its files, its audit trail. Nothing is changed here."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from storage.schema import attachment

MOST_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong. `kind` is pages or references; `where` names the place, never a value."""

    kind: str
    where: str


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file an attachment needs: the SHA-256 of its content, and the attachment's id."""

    sha256: str
    attachment_id: int


def examine(db: Connection) -> list[Finding]:
    """Return what is wrong with pages, indexes and references; empty if all is well."""
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
    rows = db.execute(select(*columns).where(attachment.c.state.in_(("kept", "received")))).all()
    return [WantedFile(row.sha256 if row.state == "kept" else row.received_sha256, row.id) for row in rows]


def copy_database(source: Path, target: Path) -> None:
    """Write a consistent copy of a database that may be in use to `target`, as one file.

    One step of the backup interface: it reads a single state while the writer goes on.
    """
    with closing(sqlite3.connect(source)) as reading, closing(sqlite3.connect(target)) as writing:
        reading.backup(writing, pages=-1)
        writing.execute("PRAGMA journal_mode=DELETE")
