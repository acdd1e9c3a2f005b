from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from storage.database import Database
from tests.members.stage import Person, Stage, make_stage
from tests.sending.world import Clock, Road, engine_at
from tests.tables import new_database


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = engine_at(tmp_path / "lantoa.db")
    with engine.connect():  # one that stays: `tests/tables.py`
        yield engine
    engine.dispose()


@pytest.fixture
def db(engine: Engine) -> Iterator[Connection]:
    """One open transaction."""
    with engine.begin() as connection:
        yield connection


@pytest.fixture
async def database(engine: Engine, tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(tmp_path / "lantoa.db")
    yield opened
    await opened.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with new_database(tmp_path / "test.db") as engine:
        yield make_stage(tmp_path, engine)


@pytest.fixture
def officer(stage: Stage) -> Person:
    return stage.person("Lan", role="chu_tich_xa", unit="chu_pah")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def road() -> Road:
    return Road()
