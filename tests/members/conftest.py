"""A database on the disk with a small tree of units, closed after the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.members.stage import Stage, make_stage
from tests.tables import new_database


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with new_database(tmp_path / "test.db") as engine:
        yield make_stage(tmp_path, engine)
