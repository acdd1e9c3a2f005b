"""Open a database on a PostgreSQL server with the same suspicion as a file.

It is made in one transaction: schema and first rows, or nothing. The key file is written before under another name and
gets its own when the database is there, so a key without a database means that the database was lost.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from storage import migrations
from storage.database import is_full, sqlstate
from storage.migrations import NewerSchema, NotOurs
from storage.opening_sqlite import newborn, put_in_place
from storage.postgresql import ALONE_S, WRITER, Server, is_lost
from storage.sealing import Keys, create_key_file, load_key_file
from storage.sites import Files, Fill, Refused, passing_engine

_NO_DATABASE = "3D000"
_DENIED = ("28", "42501")
"""Beginnings of the server's codes for a wrong name or password, and for a role that may not do this."""


def take_lock(server: Server) -> ExitStack:
    """Hold the lock of whoever writes, on a connection of its own; `Refused` (in_use) while another process does."""
    with ExitStack() as held:
        engine = held.enter_context(passing_engine(server))
        with _refusing(server):
            connection = held.enter_context(engine.connect())
            if not _locked(connection):
                raise Refused("in_use", server)
        held.callback(_unlock, connection)
        return held.pop_all()


def _locked(connection: Connection) -> bool:
    """Take the lock; False if another process keeps it. A killed one may seem to for a moment."""
    deadline = time.monotonic() + ALONE_S
    while True:
        locked = bool(connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({WRITER})").scalar())
        connection.commit()
        if locked or time.monotonic() > deadline:
            return locked
        time.sleep(0.05)


def _unlock(connection: Connection) -> None:
    # The server notices a closed connection in its own time; the next who writes should not have to wait for that.
    with suppress(DBAPIError):
        connection.exec_driver_sql(f"SELECT pg_advisory_unlock({WRITER})")


def is_occupied(files: Files) -> bool:
    """Tell whether there are tables, of ours or not."""
    with _connected(files.server, read_only=True) as connection:
        return bool(connection.exec_driver_sql(_TABLES).scalar())


def is_there(files: Files) -> bool:
    """Tell whether there is a database of ours, after finishing or undoing a birth that was cut off."""
    with _connected(files.server) as connection:
        there = migrations.revision(connection) is not None
        tables = connection.exec_driver_sql(_TABLES).scalar()
    new_key = newborn(files.key_file)
    if there and new_key.exists() and not files.key_file.exists():
        put_in_place(new_key, files.key_file)
    new_key.unlink(missing_ok=True)
    if there:
        return True
    if tables:
        raise Refused("foreign", files.server)
    if files.has_traces():
        raise Refused("lost", files.server)
    return False


_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"


def give_birth(files: Files, fill: Fill) -> None:
    """Make schema, first rows and key file where there are none, whole or not at all."""
    if is_there(files):
        raise Refused("occupied", files.server)
    new_key = newborn(files.key_file)
    keys = create_key_file(new_key)
    with _connected(files.server) as connection, connection.begin():
        migrations.upgrade(connection)
        fill(connection, keys)
    put_in_place(new_key, files.key_file)


def check_and_migrate(files: Files) -> Keys:
    """Run the missing migrations and return the keys; `Refused` or `KeyFileWrong` if it is not ours."""
    if not is_there(files):
        raise Refused("absent", files.server)
    keys = load_key_file(files.key_file)
    with _connected(files.server) as connection:
        known = migrations.known_revision(connection)
        connection.rollback()
        if known != migrations.head():
            migrations.upgrade(connection)
    return keys


@contextmanager
def beside(server: Server, *, writing: bool = True, older_too: bool = False) -> Iterator[Connection]:
    """Yield a short transaction beside a running program; it makes nothing and runs no migration."""
    with _connected(server, read_only=not writing) as connection, connection.begin():
        if migrations.revision(connection) is None and not connection.exec_driver_sql(_TABLES).scalar():
            raise Refused("absent", server)
        if migrations.known_revision(connection) != migrations.head() and not older_too:
            raise Refused("older", server)
        yield connection


@contextmanager
def _connected(server: Server, *, read_only: bool = False) -> Iterator[Connection]:
    with _refusing(server), passing_engine(server, read_only=read_only) as engine, engine.connect() as connection:
        yield connection


@contextmanager
def _refusing(server: Server) -> Iterator[None]:
    try:
        yield
    except NewerSchema as error:
        raise Refused("newer", server) from error
    except NotOurs as error:
        raise Refused("foreign", server) from error
    except (DBAPIError, OSError, TimeoutError) as error:
        problem = _problem(error)
        if problem is None:
            raise
        raise Refused(problem, server) from error


def _problem(error: Exception) -> str | None:
    code = sqlstate(error) or ""
    if code == _NO_DATABASE:
        return "no_database"
    if code.startswith(_DENIED):
        return "denied"
    if is_full(error):
        return "full"
    return "away" if is_lost(error) else None
