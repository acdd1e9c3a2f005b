"""A database on the disk with a small tree, a chi hội head and the officers above her."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from storage.sites import Place
from tests.reports.stage import Person, Stage, make_stage
from tests.tables import engine_on
from tests.tables import kind as kind


@pytest.fixture
def stage(place: Place) -> Iterator[Stage]:
    with engine_on(place) as engine:
        yield make_stage(engine)


@pytest.fixture
def head(stage: Stage) -> Person:
    """The head of làng Bối."""
    return stage.person(("chi_hoi_truong", "boi"), name="H'Nhung")


@pytest.fixture
def officer(stage: Stage) -> Person:
    """An officer of the commune above."""
    return stage.person(("can_bo_xa", "xa"), name="Thu Hà")
