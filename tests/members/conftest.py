"""A database on the disk with a small tree of units, closed after the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.sites import Place
from tests.members.stage import Stage, make_stage
from tests.tables import engine_on
from tests.tables import kind as kind


@pytest.fixture
def stage(place: Place, tmp_path: Path) -> Iterator[Stage]:
    with engine_on(place) as engine:
        yield make_stage(tmp_path, engine)
