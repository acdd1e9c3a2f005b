"""New databases for tests: the tables are made once a process and then copied, which takes a fraction of the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine

from storage.database import sqlite_engine
from storage.schema import metadata


@contextmanager
def new_database(path: Path) -> Iterator[Engine]:
    """Make a database with all tables and no rows at `path` and yield an engine on it."""
    write_tables(path)
    engine = sqlite_engine(path)
    # One connection stays, as in a running program: each time the last one leaves, SQLite puts its log away.
    with engine.connect():
        yield engine
    engine.dispose()


def write_tables(path: Path) -> None:
    """Write a database file with all tables and no rows."""
    path.write_bytes(_empty())


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as folder:
        engine = sqlite_engine(Path(folder) / "empty.db")
        metadata.create_all(engine)
        engine.dispose()
        return (Path(folder) / "empty.db").read_bytes()
