"""Parts of the program that must not end, and what is seen when one does."""

from __future__ import annotations

import asyncio
import io
import logging
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from bot import app, logs
from storage import opening
from storage.database import Connection
from storage.sealing import Keys
from tests.spine.conftest import Line


@pytest.fixture
def logging_put_back() -> Iterator[None]:
    handlers, level = logging.root.handlers, logging.root.level
    yield
    logging.root.handlers, logging.root.level = handlers, level
    logging.getLogger("aiohttp.access").disabled = False
    structlog.reset_defaults()


@pytest.mark.usefixtures("logging_put_back")
def test_a_log_without_room_does_not_end_what_it_tells_of() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with io.FileIO(full, "w") as raw, closing(_Text(raw)) as stream:
        logs._send_to(stream, 0)
        structlog.get_logger().error("batch_failed", reason="x" * 400)


class _Text(io.StringIO):
    """Text that goes to a file at once."""

    def __init__(self, raw: io.FileIO) -> None:
        super().__init__()
        self._raw = raw

    def write(self, text: str) -> int:
        return self._raw.write(text.encode())


async def test_photos_are_kept_on_after_a_write_that_failed(line: Line) -> None:
    working = asyncio.create_task(line.parts.media.run())
    await line.parts.db.close()
    line.parts.media.wake()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not working.done()
    line.parts.media.stop()
    await working


def test_a_second_process_is_refused_however_it_reaches_the_file(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "lantoa.db").touch()
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "other.db").symlink_to(tmp_path / "real" / "lantoa.db")
    with opening.take_lock(tmp_path / "real" / "lantoa.db"):
        for other in (tmp_path / "linked" / "lantoa.db", tmp_path / "other.db"):
            with pytest.raises(opening.Refused, match="in_use"):
                opening.take_lock(other)


def test_a_birth_without_room_is_refused_in_words_and_begins_anew(tmp_path: Path) -> None:
    files = opening.Files(tmp_path / "lantoa.db", tmp_path / "lantoa.key", tmp_path / "backups")

    def fill(db: Connection, _keys: Keys) -> None:
        db.exec_driver_sql("pragma max_page_count = 1")
        db.exec_driver_sql("create table much as select zeroblob(1000000)")

    with pytest.raises(opening.Refused, match="full"):
        opening.open_database(files, fill=fill)
    assert not opening.is_there(files)


async def test_a_part_that_dies_ends_the_program_with_its_error() -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)

    async def die() -> None:
        raise RuntimeError("broken on purpose")

    try:
        with pytest.raises(RuntimeError, match="broken on purpose"):
            async with app._task(die(), lambda: None):
                await asyncio.wait_for(ended.wait(), 5)
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
