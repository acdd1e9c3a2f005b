"""Where a database is: a SQLite file by its path, or a database on a PostgreSQL server."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from sqlalchemy import Engine

from storage.database import Database
from storage.postgresql import PostgresqlDatabase, Server, postgresql_engine
from storage.sqlite import SqliteDatabase, sqlite_engine

Place: TypeAlias = Path | Server


def engine_at(place: Place, *, read_only: bool = False) -> Engine:
    """Return an engine for code that waits."""
    if isinstance(place, Server):
        return postgresql_engine(place, read_only=read_only)
    return sqlite_engine(place, read_only=read_only)


def database_at(place: Place) -> Database:
    """Open the database for the running program."""
    return PostgresqlDatabase(place) if isinstance(place, Server) else SqliteDatabase(place)
