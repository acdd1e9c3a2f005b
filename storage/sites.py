"""Where an installation is: its database, its key, its backups. And why it may not be opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import Connection, Engine

from storage.database import Database
from storage.postgresql import PostgresqlDatabase, Server, postgresql_engine
from storage.sealing import Keys
from storage.sqlite import SqliteDatabase, sqlite_engine

BACKUP_SUFFIX = ".backup"

Place: TypeAlias = Path | Server
"""A SQLite file by its path, or a database on a PostgreSQL server."""

Fill: TypeAlias = Callable[[Connection, Keys], None]
"""What writes the first rows of a new database."""


class Refused(Exception):
    """The database cannot be opened.

    `problem` is absent (nothing there, and none was to be made), lost (a key or backups, but no database), occupied
    (there is one already), corrupt, newer, foreign, older (a step is missing), in_use, or full; of a server also away
    (it cannot be reached), denied (it does not let us in), or no_database (it has none of that name).
    """

    def __init__(self, problem: str, place: Place) -> None:
        super().__init__(f"{problem}: {place}")
        self.problem = problem
        self.place = place


@dataclass(frozen=True, slots=True)
class Files:
    """Where the parts of an installation are."""

    database: Place
    key_file: Path
    backups: Path

    @property
    def path(self) -> Path:
        """The database file of an installation that has one."""
        assert isinstance(self.database, Path)
        return self.database

    @property
    def server(self) -> Server:
        """The server of an installation that has no file."""
        assert isinstance(self.database, Server)
        return self.database

    def has_traces(self) -> bool:
        """Tell whether something beside the database says that there was one."""
        return self.key_file.exists() or any(self.backups.glob(f"*{BACKUP_SUFFIX}"))


def engine_at(place: Place, *, read_only: bool = False) -> Engine:
    """Return an engine for code that waits."""
    if isinstance(place, Server):
        return postgresql_engine(place, read_only=read_only)
    return sqlite_engine(place, read_only=read_only)


@contextmanager
def passing_engine(place: Place, *, read_only: bool = False) -> Iterator[Engine]:
    """Yield an engine for a few statements and close it."""
    engine = engine_at(place, read_only=read_only)
    try:
        yield engine
    finally:
        engine.dispose()


def database_at(place: Place) -> Database:
    """Open the database for the running program."""
    return PostgresqlDatabase(place) if isinstance(place, Server) else SqliteDatabase(place)
