"""A group of writes under bad luck: whoever is answered has her write on the disk, whoever is refused has none."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.database import Connection, NotKept, StorageFull, savepoint
from storage.sqlite import SqliteDatabase

PAGES = 12


def add(db: Connection, number: int) -> int:
    db.execute(text("insert into numbers values (:n, '')"), {"n": number})
    return number


def add_much(db: Connection, number: int) -> int:
    db.execute(text("insert into numbers values (:n, zeroblob(1000000))"), {"n": number})
    return number


def add_much_in_a_savepoint_and_go_on(db: Connection, number: int) -> int:
    try:
        with savepoint(db):
            add_much(db, number)
    except ValueError:
        pass
    return number


def all_numbers(db: Connection) -> list[int]:
    return list(db.scalars(text("select n from numbers order by n")))


def set_pages(db: Connection, pages: int) -> None:
    db.exec_driver_sql(f"pragma max_page_count = {pages}")


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    database = SqliteDatabase(tmp_path / "test.db")
    await database.write(lambda conn: conn.execute(text("create table numbers (n integer, filling blob)")) and None)
    yield database
    await database.close()


async def test_a_full_disk_refuses_the_whole_group_and_the_next_one_goes_through(db: SqliteDatabase) -> None:
    await db.write(set_pages, PAGES)
    calls = (db.write(add, 1), db.write(add_much, 2), db.write(add, 3))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    # SQLite gave the whole transaction up by itself: nobody of the group may believe that she was written.
    kept = await db.read(all_numbers)
    assert [number for number in answers if isinstance(number, int)] == kept
    assert any(isinstance(answer, StorageFull) for answer in answers)
    await db.write(set_pages, 1_000_000)
    assert await db.write(add_much, 4) == 4
    assert await db.read(all_numbers) == [*kept, 4]


async def test_a_full_disk_inside_a_savepoint_of_a_caller_refuses_the_group_too(db: SqliteDatabase) -> None:
    await db.write(set_pages, PAGES)
    calls = (db.write(add, 1), db.write(add_much_in_a_savepoint_and_go_on, 2), db.write(add, 3))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [number for number in answers if isinstance(number, int)] == await db.read(all_numbers)
    assert isinstance(answers[1], StorageFull)


async def test_a_transaction_that_ended_behind_our_back_keeps_nobody_believing(db: SqliteDatabase) -> None:
    def end_it(conn: Connection) -> None:
        conn.exec_driver_sql("rollback")
        raise ValueError

    answers = await asyncio.gather(db.write(add, 1), db.write(end_it), db.write(add, 3), return_exceptions=True)
    assert [number for number in answers if isinstance(number, int)] == await db.read(all_numbers)
    assert await db.write(add, 4) == 4


async def test_a_begin_that_fails_refuses_the_group_and_the_next_one_goes_through(db: SqliteDatabase) -> None:
    await db.write(lambda conn: conn.exec_driver_sql("pragma busy_timeout = 0") and None)
    with closing(sqlite3.connect(db.path, isolation_level=None)) as other:
        other.execute("begin immediate")
        answers = await asyncio.gather(db.write(add, 1), db.write(add, 2), return_exceptions=True)
        assert [type(answer) for answer in answers] == [NotKept, NotKept]
        other.execute("rollback")
    assert await db.write(add, 3) == 3
    assert await db.read(all_numbers) == [3]


async def test_a_commit_that_fails_refuses_the_group_and_the_next_one_goes_through(db: SqliteDatabase) -> None:
    await db.write(lambda conn: conn.execute(text("create table parents (id integer primary key)")) and None)
    await db.write(
        lambda conn: (
            conn.execute(text("create table children (id integer references parents deferrable initially deferred)"))
            and None
        )
    )

    def orphan(conn: Connection) -> None:
        conn.execute(text("insert into children values (7)"))

    answers = await asyncio.gather(db.write(add, 1), db.write(orphan), db.write(add, 3), return_exceptions=True)
    assert all(isinstance(answer, Exception) for answer in answers)
    assert await db.read(all_numbers) == []
    assert await db.write(add, 4) == 4


async def test_a_set_function_that_answers_too_little_fails_its_callers_and_not_the_writer(db: SqliteDatabase) -> None:
    def forgetful(conn: Connection, numbers: Sequence[int]) -> list[int]:
        return []

    answers = await asyncio.gather(*(db.write_each(forgetful, n) for n in (1, 2)), return_exceptions=True)
    assert all(isinstance(answer, Exception) for answer in answers)
    assert await db.write(add, 1) == 1


async def test_a_file_that_cannot_be_opened_fails_its_callers_instead_of_keeping_them_waiting(tmp_path: Path) -> None:
    db = SqliteDatabase(tmp_path / "no such folder" / "test.db")
    for _ in range(2):
        with pytest.raises(NotKept):
            await asyncio.wait_for(db.write(add, 1), 5)
    await db.close()
