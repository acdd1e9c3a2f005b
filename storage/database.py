"""One database: a writer thread with group commit, and readers beside it.

Storage functions are plain functions on a connection, called as `await db.write(fn, …)` and
`await db.read(fn, …)`. No network wait can sit inside a transaction.
"""

from __future__ import annotations

import asyncio
import json
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection as Connection
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")

GROUP = 64
"""Writes that share one commit at most: enough to hide its cost, few enough to answer soon."""

READERS = 2


class NotKept(Exception):
    """The write could not be made and nothing of it is there; the same write may be tried again later."""


class StorageFull(NotKept):
    """The disk is full; nothing of this write was kept."""


class Closed(NotKept):
    """The database is closed; the write was not made."""


def sqlite_engine(path: Path, *, read_only: bool = False) -> Engine:
    """Return an engine on the SQLite file `path`: WAL, every commit on the disk, transactions begun by us."""
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=NullPool,
        connect_args={"check_same_thread": False, "timeout": 30},
        json_serializer=_to_json,
        hide_parameters=True,  # errors must not carry what people wrote
    )
    event.listen(engine, "connect", _prepare_reader if read_only else _prepare)
    # A deferred begin that reads and then writes fails at once under contention, whatever the time-out.
    event.listen(engine, "begin", _begin if read_only else _begin_immediate)
    return engine


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


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


@dataclass(frozen=True, slots=True)
class _Call:
    """One write. `each` calls take a list of items and give a list of results, so that many share a statement."""

    fn: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    each: bool
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class Database:
    """A SQLite file with one writer. `close` finishes what was begun."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writing = sqlite_engine(path)
        self._reading = sqlite_engine(path, read_only=True)
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._writer = threading.Thread(target=self._write_groups, name="writer", daemon=True)
        self._open = True
        self._writer.start()

    async def write(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(db, …)` in a transaction of the writer and return its result after the commit.

        An exception of `fn` undoes only its own changes. `NotKept` if the database cannot write now: `StorageFull` if
        the disk is full, `Closed` after `close`.
        """
        result: T = await self._submit(fn, args, kwargs, each=False)
        return result

    async def write_each(self, fn: Callable[[Connection, Sequence[Item]], Sequence[T]], item: Item) -> T:
        """Like `write` for one item of many: items waiting together go to one call `fn(db, items)`."""
        result: T = await self._submit(fn, (item,), {}, each=True)
        return result

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

    def _submit(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], *, each: bool) -> Any:
        if not self._open:
            raise Closed
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._calls.put(_Call(fn, args, kwargs, each, future, loop))
        return future

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
                results = _commit_group(connection, group)
            except Exception as error:
                results = [_Failed(_not_kept(error))] * len(group)
                _drop(connection)
                connection = None
            _answer(group, results)
        _drop(connection)

    def _next_group(self) -> list[_Call]:
        group: list[_Call] = []
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


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


def _drop(connection: Connection | None) -> None:
    """Close a connection: one whose commit failed may still be inside its transaction."""
    if connection is not None:
        with suppress(Exception):
            connection.close()


def _commit_group(connection: Connection, group: Sequence[_Call]) -> list[Any]:
    with connection.begin():
        return [result for calls in _together(group) for result in _run(connection, calls)]


def _together(group: Sequence[_Call]) -> Iterator[list[_Call]]:
    for each, calls in groupby(group, key=lambda call: call.fn if call.each else None):
        if each is not None:
            yield list(calls)
        else:
            yield from ([call] for call in calls)


def _run(connection: Connection, calls: list[_Call]) -> list[Any]:
    try:
        with savepoint(connection):
            if not calls[0].each:
                return [calls[0].fn(connection, *calls[0].args, **calls[0].kwargs)]
            results = list(calls[0].fn(connection, [call.args[0] for call in calls]))
            if len(results) != len(calls):
                raise ValueError(f"{len(calls)} items and {len(results)} results")
            return results
    except NotKept:
        raise
    except Exception as error:
        if len(calls) > 1:
            # One bad item must not take its neighbours along.
            return [result for call in calls for result in _run(connection, [call])]
        return [_Failed(error)]


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """Undo only what is done inside when it fails. Savepoints may stand inside each other.

    `NotKept` if the whole transaction failed with it; let that through: nothing done before it is kept either.
    """
    connection.exec_driver_sql("SAVEPOINT one")
    try:
        yield
        _make_sure_of(connection)
    except BaseException as error:
        if _is_full(error) or not _in_transaction(connection):
            raise _not_kept(error) from error
        connection.exec_driver_sql("ROLLBACK TO one")
        connection.exec_driver_sql("RELEASE one")
        raise
    connection.exec_driver_sql("RELEASE one")


def _make_sure_of(connection: Connection) -> None:
    # A full or failing disk makes SQLite undo the whole transaction by itself; the statements after it would each be
    # a transaction of their own (https://www.sqlite.org/lang_transaction.html, November 2026).
    if not _in_transaction(connection):
        raise NotKept("the transaction was undone")


def _in_transaction(connection: Connection) -> bool:
    raw: Any = connection.connection.driver_connection
    return bool(raw.in_transaction)


def _is_full(error: BaseException) -> bool:
    return isinstance(error, DBAPIError | sqlite3.Error) and "disk is full" in str(getattr(error, "orig", error))


def _not_kept(error: BaseException) -> NotKept:
    if isinstance(error, NotKept):
        return error
    failure = StorageFull() if _is_full(error) else NotKept(type(error).__name__)
    failure.__cause__ = error
    return failure


def _answer(group: Sequence[_Call], results: Sequence[Any]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for call, result in zip(group, results, strict=True):
        by_loop.setdefault(call.loop, []).append((call.future, result))
    for loop, answers in by_loop.items():
        with suppress(RuntimeError):  # a loop that is closed: nobody waits there any more
            loop.call_soon_threadsafe(_settle, answers)


def _settle(answers: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in answers:
        if future.done():
            continue
        if isinstance(result, _Failed):
            future.set_exception(result.error)
        else:
            future.set_result(result)
