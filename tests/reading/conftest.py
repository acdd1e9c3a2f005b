"""The catalogue as shipped, read once."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from figures.catalogue import Catalogue, load

INDICATORS = Path(__file__).resolve().parents[2] / "content" / "indicators.yaml"


@pytest.fixture(scope="session")
def content() -> dict[str, object]:
    parsed: dict[str, object] = yaml.safe_load(INDICATORS.read_text("utf-8"))
    return parsed


@pytest.fixture(scope="session")
def catalogue(content: dict[str, object]) -> Catalogue:
    return load(content)
