"""A place of its own for every test: a configuration, the real content, and the real command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from bot.config import Config, load
from tests.conftest import Demonstration

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said and how it ended."""

    returncode: int
    stdout: str
    stderr: str


Lantoa = Callable[..., Said]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The configuration of an empty place, as `lantoa run` finds it on the first day."""
    file = tmp_path / "config.yaml"
    file.write_text(f"content: {ROOT / 'content'}\n", "utf-8")
    return load(file, {})


@pytest.fixture(scope="session")
def template(demonstration: Demonstration) -> Path:
    """The data of a closed demonstration."""
    return demonstration(NOW) / "var"


@pytest.fixture
def demo(config: Config, template: Path) -> Config:
    """The configuration of a place with a demonstration in it."""
    shutil.copytree(template, config.data.folder)
    return config


@pytest.fixture
def lantoa(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lantoa]:
    """Run a command of the real command line in the test's place; variables may be given by name."""
    monkeypatch.chdir(tmp_path)
    umask = os.umask(0o022)

    def run(*arguments: str, **variables: str) -> Said:
        result = CliRunner().invoke(main, arguments, env={**_cleared(), **variables}, prog_name="lantoa")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    yield run
    os.umask(umask)


@pytest.fixture
def program(config: Config, tmp_path: Path) -> Lantoa:
    """Run the real command as a process of its own, for what changes a whole process."""

    def run(*arguments: str, **variables: str) -> Said:
        ended = subprocess.run(
            [sys.executable, "-W", "error", "-m", "bot", *arguments],
            cwd=tmp_path,
            env={**os.environ, **_cleared(), "PYTHONPATH": str(ROOT), **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Said(ended.returncode, ended.stdout, ended.stderr)

    return run


def _cleared() -> dict[str, str]:
    """Variables left blank count as not set."""
    return {name: "" for name in os.environ if name.startswith("LANTOA_")}
