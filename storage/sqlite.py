"""SQLite: one file, a writer thread with group commit, and readers beside it."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Concatenate

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from storage.database import GROUP, Call, Database, Failed, P, T, not_kept, run_group, settle, to_json

READERS = 2


def sqlite_engine(path: Path, *, read_only: bool = False) -> Engine:
    """Return an engine on the SQLite file `path`: WAL, every commit on the disk, transactions begun by us."""
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=NullPool,
        connect_args={"check_same_thread": False, "timeout": 30},
        json_serializer=to_json,
        hide_parameters=True,  # errors must not carry what people wrote
    )
    event.listen(engine, "connect", _prepare_reader if read_only else _prepare)
    # A deferred begin that reads and then writes fails at once under contention, whatever the time-out.
    event.listen(engine, "begin", _begin if read_only else _begin_immediate)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # else the driver opens transactions by its own rules
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")  # what was erased leaves the file, not only the rows
    connection.execute("PRAGMA cache_size=-8000")


def _prepare_reader(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA cache_size=-4000")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


class SqliteDatabase(Database):
    """A SQLite file with one writer. `close` finishes what was begun."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writing = sqlite_engine(path)
        self._reading = sqlite_engine(path, read_only=True)
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._writer = threading.Thread(target=self._write_groups, name="writer", daemon=True)
        self._writer.start()

    async def read(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(db, …)` on a reader's connection, which refuses writes, and return its result."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, lambda: self._read(fn, *args, **kwargs))

    async def close(self) -> None:
        """Finish the writes handed in, then close."""
        self._open = False
        self._calls.put(None)
        await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._readers.shutdown)
        self._writing.dispose()
        self._reading.dispose()

    def _hand_over(self, call: Call) -> None:
        self._calls.put(call)

    def _read(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._reading.connect()
        with connection.begin() as transaction:
            try:
                return fn(connection, *args, **kwargs)
            finally:
                transaction.rollback()

    def _write_groups(self) -> None:
        connection: Connection | None = None
        while group := self._next_group():
            # This thread must outlive everything: while it is gone, whoever writes waits for ever.
            try:
                connection = connection or self._writing.connect()
                with connection.begin():
                    results = run_group(connection, group)
            except Exception as error:
                results = [Failed(not_kept(error))] * len(group)
                _drop(connection)
                connection = None
            _answer(group, results)
        _drop(connection)

    def _next_group(self) -> list[Call]:
        group: list[Call] = []
        while len(group) < GROUP:
            try:
                call = self._calls.get(block=not group)
            except queue.Empty:
                break
            if call is None:
                if group:
                    self._calls.put(None)
                break
            group.append(call)
        return group


def _drop(connection: Connection | None) -> None:
    """Close a connection: one whose commit failed may still be inside its transaction."""
    if connection is not None:
        with suppress(Exception):
            connection.close()


def _answer(group: Sequence[Call], results: Sequence[Any]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for call, result in zip(group, results, strict=True):
        by_loop.setdefault(call.loop, []).append((call.future, result))
    for loop, answers in by_loop.items():
        with suppress(RuntimeError):  # a loop that is closed: nobody waits there any more
            loop.call_soon_threadsafe(settle, answers)
