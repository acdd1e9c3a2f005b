from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from storage.database import Database
from storage.sites import Place, database_at
from tests.members.stage import Person, Stage, make_stage
from tests.sending.world import Clock, Road, settle_in
from tests.tables import engine_on
from tests.tables import kind as kind


@pytest.fixture
def engine(place: Place) -> Iterator[Engine]:
    with engine_on(place) as engine:
        settle_in(engine)
        yield engine


@pytest.fixture
def db(engine: Engine) -> Iterator[Connection]:
    """One open transaction."""
    with engine.begin() as connection:
        yield connection


@pytest.fixture
async def database(engine: Engine, place: Place) -> AsyncIterator[Database]:
    opened = database_at(place)
    yield opened
    await opened.close()


@pytest.fixture
def stage(place: Place, tmp_path: Path) -> Iterator[Stage]:
    with engine_on(place) as engine:
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
