"""What is slow to make: made once a process, then read or copied (`tests/tables.py` does so for new databases)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from bot.config import load
from bot.content import load_content
from bot.start import open_installation
from handlers.content import Content
from storage.postgresql import Server
from storage.sites import Place
from tests import postgresql
from tests.postgresql import new_server_database
from tests.tables import SQLITE, new_place

ROOT = Path(__file__).resolve().parents[1]
# What these assert is told as in a test. Here, for some tests beside theirs import them first.
pytest.register_assert_rewrite(
    *(f"tests.dialogues.{name}" for name in ("actor", "platform", "telegram", "theatre", "zalo_bot"))
)

PROCESSORS = structlog.get_config()["processors"]

Demonstration = Callable[[datetime], Path]
DemonstrationOnAServer = Callable[[datetime], tuple[Path, Server]]

# How long an example takes says how busy the machine is, and nothing about the program.
settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_configure(config: pytest.Config) -> None:
    """Decide where a PostgreSQL server of this run would be, once for all its processes."""
    postgresql.choose_folder()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave no server and no database behind."""
    postgresql.leave()


@pytest.fixture
def kind() -> str:
    """The kind of database; folders whose tests run on both import `kind` from `tests.tables`."""
    return SQLITE


@pytest.fixture
def place(kind: str, tmp_path: Path) -> Iterator[Place]:
    """A database with all tables and no rows."""
    with new_place(kind, tmp_path / "test.db") as made:
        yield made


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    """Log errors without the locals of every frame, which structlog writes by itself and takes seconds for."""
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure([*PROCESSORS[:-1], plain])


@pytest.fixture(scope="session")
def content() -> Content:
    """The real content."""
    return load_content(ROOT / "content", ["vi", "en"])


@pytest.fixture(scope="session")
def demonstration(content: Content, tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    """Return a maker of folders with config.yaml and var/, planted as of a time: to be copied, never opened.

    Call it outside an event loop: in a fixture that is not async.
    """

    @cache
    def made(now: datetime) -> Path:
        folder = tmp_path_factory.mktemp("demonstration")
        asyncio.run(_planted(folder, content, now))
        return folder

    return made


@pytest.fixture(scope="session")
def demonstration_on_a_server(
    content: Content, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemonstrationOnAServer]:
    """Return a maker of demonstrations on a server: the folder and the database, to be copied, never opened."""
    with ExitStack() as kept:

        @cache
        def made(now: datetime) -> tuple[Path, Server]:
            folder = tmp_path_factory.mktemp("demonstration")
            server = kept.enter_context(new_server_database(tables=False))
            asyncio.run(_planted(folder, content, now, server.url))
            return folder, server

        yield made


async def _planted(folder: Path, content: Content, now: datetime, url: str = "") -> None:
    (folder / "config.yaml").write_text(f"content: {ROOT / 'content'}\n", "utf-8")
    config = load(folder / "config.yaml", {"LANTOA_DATABASE__URL": url})
    await (await open_installation(config, content, now=now)).close()
