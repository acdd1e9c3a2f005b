"""A server that goes away, comes back, or loses the answer to a commit: nobody is told what is not so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import make_url, text

from storage.database import Away, CommitUnknown, Connection
from storage.postgresql import PostgresqlDatabase, Server
from tests.postgresql import durable_server, new_server_database, start, stop

pytestmark = pytest.mark.postgresql
SOCKET = ".s.PGSQL.5432"
BACK_S = 10


def make(db: Connection) -> None:
    db.execute(text("create table numbers (n integer)"))


def add(db: Connection, number: int) -> int:
    db.execute(text("insert into numbers values (:n)"), {"n": number})
    return number


def all_numbers(db: Connection) -> list[int]:
    return list(db.scalars(text("select n from numbers order by n")))


@pytest.fixture
def server() -> Iterator[Server]:
    with new_server_database() as made:
        yield made


@pytest.fixture
async def db(server: Server) -> AsyncIterator[PostgresqlDatabase]:
    database = PostgresqlDatabase(server)
    await database.write(make)
    yield database
    await database.close()


@dataclass
class Line:
    """A line to a server that can lose the answer to a commit."""

    to: Path
    loses: int = 0
    lost: int = 0
    ends: list[asyncio.StreamWriter] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.ends.append(writer)
        with suppress(OSError):
            from_server, to_server = await asyncio.open_unix_connection(self.to / SOCKET)
            self.ends.append(to_server)
            back = asyncio.ensure_future(_pass_on(from_server, writer))
            self.tasks.add(back)
            await self._forth(reader, from_server, to_server, back)
            back.cancel()
            to_server.close()
        writer.close()

    async def _forth(self, reader: asyncio.StreamReader, answers: asyncio.StreamReader, *rest: Any) -> None:
        to_server, back = rest
        while data := await reader.read(65536):
            loses = self.loses > 0 and b"COMMIT;" in data
            if loses:
                back.cancel()
                await asyncio.gather(back, return_exceptions=True)
            to_server.write(data)
            if loses:
                await answers.read(1)  # it is done
                self.loses, self.lost = self.loses - 1, self.lost + 1
                return

    async def close(self) -> None:
        for each in self.ends:
            each.close()
        await asyncio.gather(*self.tasks, *(each.wait_closed() for each in self.ends), return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()


@asynccontextmanager
async def line_to(server: Server) -> AsyncIterator[tuple[Line, Server]]:
    url = make_url(server.url)
    with TemporaryDirectory(dir="/tmp") as folder:
        line = Line(Path(str(url.query["host"])))
        listening = await asyncio.start_unix_server(line.serve, Path(folder) / SOCKET)
        yield line, Server(url.update_query_dict({"host": folder}).render_as_string(hide_password=False))
        listening.close()
        await line.close()


async def until_kept(db: PostgresqlDatabase, number: int) -> float:
    """Write as an impatient caller does and return how many seconds it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() < began + BACK_S:
        with suppress(Away):
            await db.write(add, number)
            return loop.time() - began
        await asyncio.sleep(0.05)
    raise AssertionError("not back in time")


async def test_a_connection_that_breaks_inside_a_write_costs_nothing(db: PostgresqlDatabase) -> None:
    broken: list[int] = []

    def breaks_once(conn: Connection, number: int) -> int:
        add(conn, number)
        if not broken:
            broken.append(number)
            conn.execute(text("select pg_terminate_backend(pg_backend_pid())"))
        return number

    writes = (db.write(add, 1), db.write(breaks_once, 2), db.write(add, 3))
    assert list(await asyncio.gather(*writes)) == [1, 2, 3]
    assert await db.read(all_numbers) == [1, 2, 3]


async def test_readers_get_new_connections_for_those_that_broke(db: PostgresqlDatabase) -> None:
    def all_others(conn: Connection) -> None:
        others = "datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
        conn.execute(text(f"select pg_terminate_backend(pid) from pg_stat_activity where {others}"))

    await asyncio.gather(*(db.read(all_numbers) for _ in range(3)))
    await db.write(all_others)
    assert await asyncio.gather(*(db.read(all_numbers) for _ in range(3))) == [[]] * 3


async def test_a_commit_whose_answer_is_lost_is_looked_up_and_counts_once(server: Server) -> None:
    async with line_to(server) as (line, there):
        db = PostgresqlDatabase(there)
        await db.write(make)
        line.loses = 1
        assert await db.write(add, 1) == 1
        assert line.lost == 1
        assert await db.write(add, 2) == 2
        assert await db.read(all_numbers) == [1, 2]
        await db.close()


async def test_a_commit_that_did_not_happen_is_made_again(db: PostgresqlDatabase) -> None:
    failing: list[int] = []

    def dies_in_commit_once(conn: Connection, number: int) -> int:
        add(conn, number)
        if not failing:
            failing.append(number)
            conn.execute(text("create temporary table dying (n integer) on commit drop"))
            conn.execute(
                text(
                    "create function pg_temp.die() returns trigger language plpgsql as"
                    " 'begin perform pg_terminate_backend(pg_backend_pid()); return new; end'"
                )
            )
            conn.execute(
                text(
                    "create constraint trigger dies after insert on dying deferrable initially deferred"
                    " for each row execute function pg_temp.die()"
                )
            )
            conn.execute(text("insert into dying values (1)"))
        return number

    assert await db.write(dies_in_commit_once, 1) == 1
    assert failing == [1]
    assert await db.read(all_numbers) == [1]


async def test_a_server_that_is_down_refuses_at_once_and_is_used_again_when_it_is_back() -> None:
    with durable_server() as (folder, server):
        db = PostgresqlDatabase(server)
        await db.write(make)
        assert await db.write(add, 1) == 1
        for number in (2, 3):
            await asyncio.to_thread(stop, folder)
            with pytest.raises(Away):
                await db.write(add, 0)
            with pytest.raises(Away):
                await db.read(all_numbers)
            back = asyncio.ensure_future(until_kept(db, number))
            await asyncio.to_thread(start, folder)
            assert await back < BACK_S
            assert await db.read(all_numbers) == list(range(1, number + 1))
        await db.close()


async def test_a_server_that_crashes_while_it_commits_leaves_nobody_believing_what_is_not_so() -> None:
    with durable_server() as (folder, server):
        async with line_to(server) as (line, there):
            db = PostgresqlDatabase(there)
            await db.write(make)
            line.loses = 1
            writing = asyncio.ensure_future(db.write(add, 1))
            while not line.lost:
                await asyncio.sleep(0)
            await asyncio.to_thread(stop, folder)
            await asyncio.to_thread(start, folder)
            answer = (await asyncio.gather(writing, return_exceptions=True))[0]
            kept = await db.read(all_numbers)
            assert answer == 1 or isinstance(answer, CommitUnknown)
            assert kept == [1]
            await until_kept(db, 2)
            assert await db.read(all_numbers) == [1, 2]
            await db.close()
