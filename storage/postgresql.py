"""PostgreSQL: the same functions on a pool of connections, one of which writes in groups that share a commit.

Every function runs on a connection that looks like a blocking one, while the event loop goes on between its
statements. One process writes at a time: its writing connection holds a lock of the server, so a process that lost its
connection cannot write beside its successor.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Concatenate

from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from storage import blocking
from storage.database import (
    GROUP,
    Away,
    Call,
    CommitUnknown,
    Contended,
    Database,
    Failed,
    P,
    T,
    not_kept,
    run_group,
    settle,
    sqlstate,
    to_json,
)

READERS = 4
TRIES = 5
CONNECT_S, STATEMENT_S, LOCK_S = 5, 60, 10
ALONE_S = 3
"""The server needs a moment to notice that a connection is gone, and with it the lock."""

RESOLVE_S = 8
"""How long a commit without an answer is asked after before its callers are told that nobody knows."""

WRITER = 0x6C616E746F61
"""The number of the lock that whoever writes holds: "lantoa" in ASCII."""

_LOST = ("08", "57P")
"""Beginnings of the server's codes for a lost connection or a server that stops or starts."""


@dataclass(frozen=True, slots=True)
class Server:
    """A database on a PostgreSQL server, by its URL: `postgresql://name:password@host:port/database?sslmode=require`."""

    url: str = field(repr=False)

    def __str__(self) -> str:
        """Return the URL without the password."""
        return make_url(self.url).render_as_string(hide_password=True)


def postgresql_engine(server: Server, *, read_only: bool = False) -> Engine:
    """Return an engine for code that waits: commands, migrations, tests."""
    blocking.register()
    return create_engine(_url(server, "blocking"), **_settings(server, read_only=read_only))


def _async_engine(server: Server, *, read_only: bool = False, **pool: Any) -> AsyncEngine:
    return create_async_engine(_url(server, "asyncpg"), **_settings(server, read_only=read_only), **pool)


def _url(server: Server, driver: str) -> URL:
    return make_url(server.url).set(drivername=f"postgresql+{driver}").difference_update_query(["sslmode"])


def _settings(server: Server, *, read_only: bool) -> dict[str, Any]:
    session = {
        "application_name": "lantoa",
        "timezone": "UTC",
        "jit": "off",  # our statements are short; compiling one takes longer than running it
        "statement_timeout": f"{STATEMENT_S}s",
        "lock_timeout": f"{LOCK_S}s",
        "idle_in_transaction_session_timeout": f"{STATEMENT_S}s",
    }
    if read_only:
        # One snapshot for a whole read, as on SQLite.
        session |= {"default_transaction_read_only": "on", "default_transaction_isolation": "repeatable read"}
    arguments: dict[str, Any] = {"timeout": CONNECT_S, "command_timeout": STATEMENT_S + 5, "server_settings": session}
    ssl = make_url(server.url).query.get("sslmode")
    return {
        "connect_args": arguments | ({"ssl": ssl} if ssl else {}),
        "json_serializer": to_json,
        "hide_parameters": True,  # errors must not carry what people wrote
    }


def is_lost(error: BaseException) -> bool:
    """Tell whether an error means that there is no connection, or none any more."""
    if isinstance(error, OSError | TimeoutError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return (sqlstate(error) or "").startswith(_LOST) or "connection is closed" in str(error)


class _CommitLost(Exception):
    """The connection was lost in a commit. `transaction` is its number, None if it changed nothing."""

    def __init__(self, transaction: str | None, results: list[Any]) -> None:
        super().__init__()
        self.transaction = transaction
        self.results = results


class PostgresqlDatabase(Database):
    """A database on a server with one writing connection. It belongs to the event loop that uses it first."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._writing = _async_engine(server, poolclass=NullPool)
        self._reading = _async_engine(server, read_only=True, pool_size=READERS, max_overflow=0)
        self._calls: deque[Call] = deque()
        self._woken = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._connection: AsyncConnection | None = None
        self._since: str | None = None  # when the server we are connected to started

    async def read(self, fn: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(db, …)` on a reader's connection, which refuses writes, and return its result."""
        failure: Exception | None = None
        for _ in range(READERS + 1):
            # Each connection that rested while the server was away is found out when it is used.
            connection = await _connected(self._reading)
            try:
                return await connection.run_sync(fn, *args, **kwargs)
            except Exception as error:
                if not _is_closed(connection):
                    raise
                await connection.invalidate()
                failure = error
            finally:
                await connection.close()
        raise Away("every connection was lost") from failure

    async def close(self) -> None:
        """Finish the writes handed in, then close."""
        self._open = False
        self._woken.set()
        if self._writer is not None:
            await self._writer
        await self._drop()
        await self._writing.dispose()
        await self._reading.dispose()

    def _hand_over(self, call: Call) -> None:
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write_groups(), name="writer")
        self._calls.append(call)
        self._woken.set()

    async def _write_groups(self) -> None:
        while group := await self._next_group():
            # This task must outlive everything: while it is gone, whoever writes waits for ever.
            try:
                results = await self._commit(group)
            except Exception as error:
                results = [Failed(not_kept(error))] * len(group)
            settle([(call.future, result) for call, result in zip(group, results, strict=True)])

    async def _next_group(self) -> list[Call]:
        while not self._calls and self._open:
            self._woken.clear()
            await self._woken.wait()
        return [self._calls.popleft() for _ in range(min(GROUP, len(self._calls)))]

    async def _commit(self, group: Sequence[Call]) -> list[Any]:
        failure: Exception | None = None
        for attempt in range(TRIES):
            await asyncio.sleep(random.uniform(0, 0.02) * attempt)
            # A first loss may be of a connection that rested while the server was away and is back.
            connection = self._connection or await self._connected()
            try:
                return await connection.run_sync(_write, group)
            except _CommitLost as lost:
                await self._drop()
                if await self._is_there(lost):
                    return lost.results
                failure = Away("lost in a commit that did not happen")
            except Exception as error:
                is_gone = _is_gone(connection, error)
                await self._drop()
                if not (is_gone or isinstance(error, Contended)):
                    raise
                failure = error
        raise failure or Away("no try was left")

    async def _connected(self) -> AsyncConnection:
        """Connect to write, alone; `Away` where another process does."""
        connection = await _connected(self._writing)
        try:
            self._since = await _alone(connection)
        except Exception as error:
            await connection.close()
            raise Away(type(error).__name__) from error
        if self._since is None:
            await connection.close()
            raise Away("another process writes")
        self._connection = connection
        return connection

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                await connection.invalidate()
                await connection.close()

    async def _is_there(self, lost: _CommitLost) -> bool:
        """Find out what became of a commit without an answer; `CommitUnknown` where that cannot be known."""
        if lost.transaction is None:
            return True
        since, deadline = self._since, asyncio.get_running_loop().time() + RESOLVE_S
        while asyncio.get_running_loop().time() < deadline:
            with suppress(Away):
                state = await self._state(lost.transaction)
                if state == "aborted":
                    return False
                if state == "committed":
                    # A server that crashed may give the number of a lost transaction to another one.
                    if self._since == since:
                        return True
                    break
            await asyncio.sleep(0.1)
        raise CommitUnknown from lost

    async def _state(self, transaction: str) -> str | None:
        connection = self._connection or await self._connected()
        try:
            state: str | None = (await connection.exec_driver_sql(_STATE, (transaction,))).scalar()
            await connection.commit()
            return state
        except DBAPIError as error:
            await self._drop()
            if sqlstate(error) == _IN_THE_FUTURE:
                return "aborted"
            raise Away(type(error).__name__) from error


_ALONE = f"SELECT pg_try_advisory_lock({WRITER}) AS alone, pg_postmaster_start_time()::text AS since"


async def _alone(connection: AsyncConnection) -> str | None:
    """Take the lock of whoever writes and return since when the server runs; None if another process keeps it."""
    deadline = asyncio.get_running_loop().time() + ALONE_S
    while True:
        row = (await connection.exec_driver_sql(_ALONE)).one()
        await connection.commit()
        if row.alone:
            return str(row.since)
        if asyncio.get_running_loop().time() > deadline:
            return None
        await asyncio.sleep(0.05)


_NUMBER = "SELECT pg_current_xact_id_if_assigned()::text"
_STATE = "SELECT pg_xact_status($1::text::xid8)"
_IN_THE_FUTURE = "22023"
"""What the server says of a number that it has not given since it recovered from a crash."""


async def _connected(engine: AsyncEngine) -> AsyncConnection:
    try:
        return await engine.connect()
    except Exception as error:
        if isinstance(error, OSError | TimeoutError | DBAPIError):
            raise Away(type(error).__name__) from error
        raise


def _write(connection: Connection, group: Sequence[Call]) -> list[Any]:
    transaction = connection.begin()
    try:
        results = run_group(connection, group)
        number = connection.exec_driver_sql(_NUMBER).scalar()
    except BaseException:
        with suppress(Exception):
            transaction.rollback()
        raise
    try:
        transaction.commit()
    except Exception as error:
        if is_lost(error):
            raise _CommitLost(number, results) from error
        raise
    return results


def _is_gone(connection: AsyncConnection, error: BaseException) -> bool:
    cause = error.__cause__
    return is_lost(error) or (cause is not None and is_lost(cause)) or _is_closed(connection)


def _is_closed(connection: AsyncConnection) -> bool:
    inner = connection.sync_connection
    if inner is None or inner.closed or inner.invalidated:
        return True
    raw: Any = inner.connection.driver_connection
    return raw is None or bool(raw.is_closed())
