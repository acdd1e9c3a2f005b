"""One database, whichever it is: writes in groups that share a commit, and readers beside them.

Storage functions are plain functions on a connection, called as `await db.write(fn, …)` and
`await db.read(fn, …)`. No network wait of ours can sit inside a transaction. `storage/sqlite.py` and
`storage/postgresql.py` keep these promises.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection as Connection
from sqlalchemy.exc import DBAPIError

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")

GROUP = 64
"""Writes that share one commit at most: enough to hide its cost, few enough to answer soon."""


class NotKept(Exception):
    """The write could not be made and nothing of it is there; the same write may be tried again later."""


class StorageFull(NotKept):
    """The disk is full; nothing of this write was kept."""


class Closed(NotKept):
    """The database is closed; the write was not made."""


class Away(NotKept):
    """The database cannot be reached; nothing of this write was kept, or nothing could be read."""


class Contended(NotKept):
    """Others wanted the same rows at the same time; the transaction was undone and may be run again at once."""


class CommitUnknown(NotKept):
    """The database was lost while it committed and did not come back in time to say what became of the write.

    It is there as a whole or not at all: look for it by its key before repeating what would count twice.
    """


def to_json(value: Any) -> str:
    """Return the text of a JSON column: letters as they are, no spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Call:
    """One write. `each` calls take a list of items and give a list of results, so that many share a statement."""

    fn: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    each: bool
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


@dataclass(frozen=True, slots=True)
class Failed:
    """What became of a call instead of a result."""

    error: BaseException


class Database(ABC):
    """What every database does. `close` finishes what was begun."""

    _open = True

    async def write(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(db, …)` in a transaction of the writer and return its result after the commit.

        It may run more than once, where a transaction has to be repeated. An exception of `fn` undoes only its own
        changes. `NotKept` if the database cannot write now: `StorageFull` if the disk is full, `Away` if it cannot be
        reached, `CommitUnknown` if it was lost at the wrong moment, `Closed` after `close`.
        """
        result: T = await self._submit(fn, args, kwargs, each=False)
        return result

    async def write_each(self, fn: Callable[[Connection, Sequence[Item]], Sequence[T]], item: Item) -> T:
        """Like `write` for one item of many: items waiting together go to one call `fn(db, items)`."""
        result: T = await self._submit(fn, (item,), {}, each=True)
        return result

    @abstractmethod
    async def read(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(db, …)` on a reader's connection, which refuses writes, and return its result.

        `Away` if the database cannot be reached.
        """

    @abstractmethod
    async def close(self) -> None:
        """Finish the writes handed in, then close."""

    @abstractmethod
    def _hand_over(self, call: Call) -> None:
        """Let the writer have a call."""

    def _submit(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], *, each: bool) -> Any:
        if not self._open:
            raise Closed
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._hand_over(Call(fn, args, kwargs, each, future, loop))
        return future


def run_group(connection: Connection, group: Sequence[Call]) -> list[Any]:
    """Run the calls of a group inside a transaction that is open; return a result or a `Failed` for each.

    `NotKept` if the transaction itself failed.
    """
    return [result for calls in _together(group) for result in _run(connection, calls)]


def _together(group: Sequence[Call]) -> Iterator[list[Call]]:
    for each, calls in groupby(group, key=lambda call: call.fn if call.each else None):
        if each is not None:
            yield list(calls)
        else:
            yield from ([call] for call in calls)


def _run(connection: Connection, calls: list[Call]) -> list[Any]:
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
        return [Failed(error)]


def settle(answers: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    """Give results or failures to whoever still waits for them; to be called in their loop."""
    for future, result in answers:
        if future.done():
            continue
        if isinstance(result, Failed):
            future.set_exception(result.error)
        else:
            future.set_result(result)


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
        if _ends_transaction(error) or not _in_transaction(connection):
            raise not_kept(error) from error
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
    if connection.invalidated:
        return False
    raw: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        return not raw.is_closed() and bool(raw.is_in_transaction())
    return bool(raw.in_transaction)


# https://www.postgresql.org/docs/15/errcodes-appendix.html, November 2026
_CONTENDED = {"40001", "40P01", "55P03"}
_FULL = "53100"


def _ends_transaction(error: BaseException) -> bool:
    return is_full(error) or sqlstate(error) in _CONTENDED


def sqlstate(error: BaseException) -> str | None:
    """Return PostgreSQL's code of an error, None where it is no error of that server."""
    code: str | None = getattr(getattr(error, "orig", error), "sqlstate", None)
    return code


def is_full(error: BaseException) -> bool:
    """Tell whether an error means that the disk of the database is full."""
    if sqlstate(error) == _FULL:
        return True
    return isinstance(error, DBAPIError | sqlite3.Error) and "disk is full" in str(getattr(error, "orig", error))


def not_kept(error: BaseException) -> NotKept:
    """Return the failure of a whole transaction as what callers are told."""
    if isinstance(error, NotKept):
        return error
    contended = sqlstate(error) in _CONTENDED
    failure = StorageFull() if is_full(error) else (Contended if contended else NotKept)(type(error).__name__)
    failure.__cause__ = error
    return failure
