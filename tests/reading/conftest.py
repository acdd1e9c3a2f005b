"""The catalogue as shipped, read once."""

from __future__ import annotations

import pytest
import yaml

from figures.catalogue import Catalogue
from tests.reading.table import INDICATORS, shipped


@pytest.fixture(scope="session")
def content() -> dict[str, object]:
    parsed: dict[str, object] = yaml.safe_load(INDICATORS.read_text("utf-8"))
    return parsed


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return shipped()
