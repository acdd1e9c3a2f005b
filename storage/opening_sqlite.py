"""Open the SQLite file with all due suspicion: never two processes on it, never an empty one in a lost one's place.

A file is made once, with its schema, its key and its first rows, under another name; it gets its own name when it
is whole. So what carries the name is always a database, and a key without one means that it was lost.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError, OperationalError

from storage import migrations
from storage.migrations import NewerSchema, NotOurs
from storage.sealing import Keys, create_key_file, load_key_file
from storage.sites import Files, Fill, Refused, passing_engine

HEADER = b"SQLite format 3\0"
HEADER_BYTES = 100
CHECKED_ALWAYS_BYTES = 64 * 1024 * 1024
"""Up to this size a full check takes a fraction of a second and is made at every start."""


def take_lock(database: Path) -> ExitStack:
    """Return the open lock file of a database; `Refused` (in_use) while another process holds it."""
    database.parent.mkdir(parents=True, exist_ok=True)
    # By its real name: two configurations may reach one file in two ways.
    lock = _named(database.resolve(), ".lock").open("ab")
    try:
        # The system lets go of it when the process ends, however it ends.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise Refused("in_use", database) from error
    held = ExitStack()
    held.enter_context(lock)
    return held


def is_there(files: Files) -> bool:
    """Tell whether there is a database, after finishing or undoing a birth that was cut off."""
    _settle_birth(files)
    if files.path.exists():
        return True
    if files.has_traces():
        raise Refused("lost", files.path)
    return False


def give_birth(files: Files, fill: Fill) -> None:
    """Make database and key file where there is neither, whole or not at all."""
    if is_there(files):
        raise Refused("occupied", files.path)
    new_key, new_database = newborn(files.key_file), newborn(files.path)
    keys = create_key_file(new_key)
    with _refusing(files.path), passing_engine(new_database) as engine, engine.connect() as connection:
        migrations.upgrade(connection)
        with connection.begin():
            fill(connection, keys)
    # The key goes first: a key with a whole newborn beside it means that only the last step is missing.
    put_in_place(new_key, files.key_file)
    put_in_place(new_database, files.path)


def put_in_place(made: Path, name: Path) -> None:
    """Give a finished file its name, on the disk before this returns."""
    name.parent.mkdir(parents=True, exist_ok=True)
    with made.open("rb") as file:
        os.fsync(file.fileno())
    made.replace(name)
    folder = os.open(name.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _settle_birth(files: Files) -> None:
    new_key, new_database = newborn(files.key_file), newborn(files.path)
    if files.key_file.exists() and new_database.exists() and not files.path.exists():
        put_in_place(new_database, files.path)
    new_key.unlink(missing_ok=True)
    for part in (new_database, _named(new_database, "-wal"), _named(new_database, "-shm")):
        part.unlink(missing_ok=True)


def check_and_migrate(files: Files) -> Keys:
    """Look the file over, run the missing migrations and return the keys; `Refused` or `KeyFileWrong` if not ours."""
    if not is_there(files):
        raise Refused("absent", files.path)
    check_file(files.path)
    keys = load_key_file(files.key_file)
    with _refusing(files.path), passing_engine(files.path) as engine, engine.connect() as connection:
        known = migrations.known_revision(connection)
        connection.rollback()
        if known != migrations.head():
            migrations.upgrade(connection)
    return keys


def check_file(database: Path) -> None:
    """Raise `Refused` (corrupt) unless the file is a whole SQLite database."""
    wal = _named(database, "-wal")
    closed_cleanly = not wal.exists() or wal.stat().st_size == 0
    size = database.stat().st_size
    if size < _size_by_header(database) and closed_cleanly:
        raise Refused("corrupt", database)
    if size > CHECKED_ALWAYS_BYTES and closed_cleanly:
        return
    with _refusing(database), passing_engine(database) as engine, engine.connect() as connection:
        if connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() != "ok":
            raise Refused("corrupt", database)


def _size_by_header(database: Path) -> int:
    """Return the bytes a file must have by its own header (https://www.sqlite.org/fileformat.html, November 2026).

    0 where the header does not tell; `Refused` where it is not one of SQLite.
    """
    with database.open("rb") as file:
        head = file.read(HEADER_BYTES)
    if len(head) < HEADER_BYTES or not head.startswith(HEADER):
        raise Refused("corrupt", database)
    (page_bytes,) = struct.unpack_from(">H", head, 16)
    changes, pages = struct.unpack_from(">II", head, 24)
    (changes_at_size,) = struct.unpack_from(">I", head, 92)
    return pages * (65536 if page_bytes == 1 else page_bytes) if changes == changes_at_size else 0


@contextmanager
def beside(database: Path, *, writing: bool = True, older_too: bool = False) -> Iterator[Connection]:
    """Yield a short transaction on a database that a running program may have open.

    Safe without the lock: SQLite keeps transactions of several processes apart, a writing one begins IMMEDIATE and
    waits its turn like a group of the running writer, and it makes no file and runs no migration. Keep it to a few
    rows. Raises `Refused` where the file is missing, corrupt, or of another program, or (unless `older_too`) where
    migrations are missing.
    """
    if not database.exists():
        raise Refused("absent", database)
    _size_by_header(database)
    with _refusing(database), passing_engine(database, read_only=not writing) as engine, engine.begin() as connection:
        if migrations.known_revision(connection) != migrations.head() and not older_too:
            raise Refused("older", database)
        yield connection


@contextmanager
def _refusing(database: Path) -> Iterator[None]:
    try:
        yield
    except NewerSchema as error:
        raise Refused("newer", database) from error
    except NotOurs as error:
        raise Refused("foreign", database) from error
    except DatabaseError as error:
        problem = _problem(error)
        if problem is None:
            raise
        raise Refused(problem, database) from error


def _problem(error: DatabaseError) -> str | None:
    said = str(error.orig)
    if "not a database" in said or "malformed" in said:
        return "corrupt"
    if "disk is full" in said:
        return "full"
    if isinstance(error, OperationalError) and "locked" in said:
        return "in_use"
    return None


def newborn(path: Path) -> Path:
    """Return the name of a file that is not whole yet."""
    return _named(path, ".new")


def _named(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
