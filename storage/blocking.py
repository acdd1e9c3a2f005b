"""PostgreSQL for code that waits: the same driver, its loop in a thread of its own.

Commands, migrations and whatever else makes a few statements outside the running program use this; the program
itself goes through `storage/postgresql.py`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import pool
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql import asyncpg as driver
from sqlalchemy.util.concurrency import await_, greenlet_spawn, in_greenlet

NAME = "postgresql.blocking"
T = TypeVar("T")


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="postgresql", daemon=True).start()
    return loop


def _wait(fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run a part of the driver's adapter that awaits, in the thread of the loop, until it is done."""
    if in_greenlet():  # one such part calls another: we are in that thread already
        return fn(*args, **kwargs)
    return asyncio.run_coroutine_threadsafe(greenlet_spawn(fn, *args, **kwargs), _loop()).result()


class _Cursor(driver.AsyncAdapt_asyncpg_cursor):
    __slots__ = ()

    def execute(self, operation: Any, parameters: Any = None) -> Any:
        return _wait(super().execute, operation, parameters)

    def executemany(self, operation: Any, seq_of_parameters: Any) -> Any:
        return _wait(super().executemany, operation, seq_of_parameters)


class _StreamingCursor(driver.AsyncAdapt_asyncpg_ss_cursor):
    __slots__ = ()

    def execute(self, operation: Any, parameters: Any = None) -> Any:
        return _wait(super().execute, operation, parameters)

    def fetchone(self) -> Any:
        return _wait(super().fetchone)

    def fetchmany(self, size: Any = None) -> Any:
        return _wait(super().fetchmany, size)

    def fetchall(self) -> Any:
        return _wait(super().fetchall)


class _Connection(driver.AsyncAdapt_asyncpg_connection):
    __slots__ = ()
    _cursor_cls = _Cursor
    _ss_cursor_cls = _StreamingCursor

    def ping(self) -> Any:
        return _wait(super().ping)

    def rollback(self) -> None:
        _wait(super().rollback)

    def commit(self) -> None:
        _wait(super().commit)

    def close(self) -> None:
        _wait(super().close)

    def terminate(self) -> None:
        _wait(super().terminate)


class _Driver(driver.AsyncAdapt_asyncpg_dbapi):
    def connect(self, *args: Any, **kwargs: Any) -> Any:
        return _wait(lambda: await_(_Connection.create(self, self.asyncpg.connect(*args, **kwargs))))


class BlockingDialect(driver.PGDialect_asyncpg):
    """The dialect of asyncpg without the need to be awaited."""

    driver = "blocking"
    is_async = False
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return the driver."""
        return _Driver(__import__("asyncpg"))  # type: ignore[no-untyped-call]

    @classmethod
    def get_pool_class(cls, url: Any) -> type[pool.Pool]:
        """Return the pool of an engine for threads."""
        return pool.QueuePool

    def on_connect(self) -> Any:
        """Return what prepares a new connection."""
        prepare: Any = super().on_connect()  # type: ignore[no-untyped-call]
        return lambda connection: _wait(prepare, connection)


def register() -> None:
    """Let URLs name this dialect: `postgresql+blocking://…`."""
    registry.register(NAME, __name__, BlockingDialect.__name__)
