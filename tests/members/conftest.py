"""A database on the disk with a small tree of units, closed after the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import sqlite_engine
from tests.members.stage import Stage, make_stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    engine = sqlite_engine(tmp_path / "test.db")
    yield make_stage(tmp_path, engine)
    engine.dispose()
