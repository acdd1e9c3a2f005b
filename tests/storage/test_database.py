"""The writer thread: group commit, savepoints, failures that stay where they happen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from storage.database import Closed, Connection, Database, savepoint
from storage.sites import Place, database_at
from tests.tables import kind as kind
from tests.tables import on_sqlite


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
async def db(place: Place) -> AsyncIterator[Database]:
    database = database_at(place)
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
    with pytest.raises(Exception, match=r"readonly database|read-only transaction"):
        await db.read(add, 1)
    assert await db.read(all_numbers) == []


async def test_closing_finishes_what_was_handed_in_and_refuses_the_rest(db: Database) -> None:
    writes = [asyncio.ensure_future(db.write(add, n)) for n in range(100)]
    await asyncio.sleep(0)
    await db.close()
    assert sorted(await asyncio.gather(*writes)) == list(range(100))
    with pytest.raises(Closed):
        await db.write(add, 1)


async def test_a_reader_works_on_after_an_error(db: Database) -> None:
    for _ in range(6):
        with pytest.raises(DBAPIError):
            await db.read(lambda conn: conn.execute(text("select * from nowhere")).all())
    await db.write(add, 1)
    assert await db.read(all_numbers) == [1]


async def test_a_savepoint_undoes_what_is_inside_it_and_nothing_else(db: Database) -> None:
    def twice(conn: Connection) -> None:
        add(conn, 1)
        with suppress(ValueError), savepoint(conn):
            with savepoint(conn):
                add(conn, 2)
            add_then_fail(conn, 3)
        with suppress(DBAPIError), savepoint(conn):
            conn.execute(text("select * from nowhere"))
        add(conn, 4)

    await db.write(twice)
    assert await db.read(all_numbers) == [1, 4]


@on_sqlite
async def test_every_commit_is_on_the_disk(db: Database) -> None:
    def pragmas(conn: Connection) -> tuple[object, object]:
        return conn.scalar(text("pragma synchronous")), conn.scalar(text("pragma journal_mode"))

    assert await db.write(pragmas) == (2, "wal")
