"""A place of its own for every test: a configuration, the real content, and the real command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.config import Config, load
from bot.content import load_content
from bot.start import open_installation
from handlers.content import Content

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)

Lantoa = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The configuration of an empty place, as `lantoa run` finds it on the first day."""
    file = tmp_path / "config.yaml"
    file.write_text(f"content: {ROOT / 'content'}\n", "utf-8")
    return load(file, {})


@pytest.fixture(scope="session")
def content() -> Content:
    """The real content."""
    return load_content(ROOT / "content", ["vi", "en"])


@pytest.fixture
async def demo(config: Config, content: Content) -> Config:
    """The configuration of a place with a demonstration in it."""
    opened = await open_installation(config, content, now=NOW)
    await opened.close()
    return config


@pytest.fixture
def lantoa(config: Config, tmp_path: Path) -> Lantoa:
    """Run the real command in the test's place and return what it said; variables may be given by name."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LANTOA_")}
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "bot", *arguments],
            cwd=tmp_path,
            env={**clean, "PYTHONPATH": str(ROOT), **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run
