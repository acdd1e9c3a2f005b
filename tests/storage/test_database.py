"""The writer thread: group commit, savepoints, failures that stay where they happen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.database import Closed, Connection, Database


def add(db: Connection, number: int) -> int:
    db.execute(text("insert into numbers values (:n)"), {"n": number})
    return number


def add_then_fail(db: Connection, number: int) -> int:
    add(db, number)
    raise ValueError(number)


def add_many(db: Connection, numbers: Sequence[int]) -> list[int]:
    for number in numbers:
        if number < 0:
            raise ValueError(number)
        add(db, number)
    return [len(numbers)] * len(numbers)


def all_numbers(db: Connection) -> list[int]:
    return list(db.scalars(text("select n from numbers order by n")))


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "test.db")
    await database.write(lambda conn: conn.execute(text("create table numbers (n integer)")) and None)
    yield database
    await database.close()


async def test_a_write_is_visible_to_readers_once_answered(db: Database) -> None:
    await db.write(add, 1)
    assert await db.read(all_numbers) == [1]


async def test_a_failing_write_undoes_itself_and_nothing_else(db: Database) -> None:
    results = await asyncio.gather(
        db.write(add, 1), db.write(add_then_fail, 2), db.write(add, 3), return_exceptions=True
    )
    assert isinstance(results[1], ValueError)
    assert await db.read(all_numbers) == [1, 3]


async def test_items_waiting_together_share_one_call_and_one_bad_item_fails_alone(db: Database) -> None:
    results = await asyncio.gather(*(db.write_each(add_many, n) for n in (1, 2, -3, 4)), return_exceptions=True)
    assert isinstance(results[2], ValueError)
    assert await db.read(all_numbers) == [1, 2, 4]
    together = await asyncio.gather(*(db.write_each(add_many, n) for n in range(10, 40)))
    assert max(together) > 1, "waiting items are written together"


async def test_readers_cannot_write(db: Database) -> None:
    with pytest.raises(Exception, match="attempt to write a readonly database"):
        await db.read(add, 1)
    assert await db.read(all_numbers) == []


async def test_closing_finishes_what_was_handed_in_and_refuses_the_rest(tmp_path: Path) -> None:
    database = Database(tmp_path / "closing.db")
    await database.write(lambda conn: conn.execute(text("create table numbers (n integer)")) and None)
    writes = [asyncio.ensure_future(database.write(add, n)) for n in range(100)]
    await asyncio.sleep(0)
    await database.close()
    assert sorted(await asyncio.gather(*writes)) == list(range(100))
    with pytest.raises(Closed):
        await database.write(add, 1)


async def test_every_commit_is_on_the_disk(db: Database) -> None:
    def pragmas(conn: Connection) -> tuple[object, object]:
        return conn.scalar(text("pragma synchronous")), conn.scalar(text("pragma journal_mode"))

    assert await db.write(pragmas) == (2, "wal")
