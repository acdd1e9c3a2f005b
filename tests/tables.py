"""New databases for tests: the tables are made once a process and then copied, which takes a fraction of the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Engine

from storage.schema import metadata
from storage.sites import Place, engine_at
from storage.sqlite import sqlite_engine
from tests.postgresql import new_server_database

SQLITE, POSTGRESQL = "sqlite", "postgresql"
BOTH = (SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.postgresql))

on_sqlite = pytest.mark.parametrize("kind", [SQLITE])
"""For a test of what only that kind does."""


@pytest.fixture(params=BOTH)
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database, one after the other, in folders that import this."""
    return str(request.param)


@contextmanager
def new_place(kind: str, path: Path) -> Iterator[Place]:
    """Make a database of a kind with all tables and no rows; `path` is where a file would be."""
    if kind == POSTGRESQL:
        with new_server_database() as server:
            yield server
    else:
        write_tables(path)
        yield path


@contextmanager
def engine_on(place: Place) -> Iterator[Engine]:
    """Yield an engine on a database."""
    engine = engine_at(place)
    # One connection stays, as in a running program: each time the last one leaves, SQLite puts its log away.
    with engine.connect():
        yield engine
    engine.dispose()


@contextmanager
def new_database(path: Path) -> Iterator[Engine]:
    """Make a file with all tables and no rows at `path` and yield an engine on it."""
    write_tables(path)
    with engine_on(path) as engine:
        yield engine


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
