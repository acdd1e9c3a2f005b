"""Open an installation's database: never two programs on it, never an empty one in a lost one's place.

A database is made once, whole or not at all, with its schema, its key and its first rows. A key without a database
means that it was lost.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from storage import opening_server, opening_sqlite
from storage.database import Database
from storage.opening_sqlite import put_in_place as put_in_place
from storage.postgresql import Server
from storage.sealing import Keys
from storage.sites import BACKUP_SUFFIX as BACKUP_SUFFIX
from storage.sites import Files as Files
from storage.sites import Fill as Fill
from storage.sites import Place, database_at
from storage.sites import Refused as Refused


@dataclass(frozen=True)
class Opened:
    """An open database, its keys, and the lock that keeps other programs away."""

    db: Database
    keys: Keys
    lock: ExitStack

    async def close(self) -> None:
        """Finish the writes handed in, close the database, let others have it."""
        await self.db.close()
        self.lock.close()


def open_database(files: Files, *, fill: Fill | None = None) -> Opened:
    """Return the database with all migrations run; with `fill`, make one first where nothing was ever made.

    `fill(db, keys)` writes the first rows. Raises `Refused`, and `KeyFileWrong` of `storage.sealing`.
    """
    lock = take_lock(files.database)
    try:
        if fill is not None and not is_there(files):
            give_birth(files, fill)
        keys = check_and_migrate(files)
    except BaseException:
        lock.close()
        raise
    if isinstance(files.database, Server):
        lock.close()  # from here on it is the writing connection that has it
    return Opened(database_at(files.database), keys, lock)


def take_lock(place: Place) -> ExitStack:
    """Keep other programs from writing until what this returns is closed; `Refused` (in_use) while another does."""
    if isinstance(place, Server):
        return opening_server.take_lock(place)
    return opening_sqlite.take_lock(place)


def is_there(files: Files) -> bool:
    """Tell whether there is a database, after finishing or undoing a birth that was cut off.

    `Refused` (lost) where only its key or its backups are left. Call it with the lock held.
    """
    return _way(files.database).is_there(files)


def is_occupied(files: Files) -> bool:
    """Tell whether there is anything, ours or not, by a look that changes nothing; `Refused` if a server is away."""
    return opening_server.is_occupied(files) if isinstance(files.database, Server) else files.path.exists()


def give_birth(files: Files, fill: Fill) -> None:
    """Make database and key file where there is neither, whole or not at all."""
    _way(files.database).give_birth(files, fill)


def check_and_migrate(files: Files) -> Keys:
    """Look it over, run the missing migrations and return the keys; `Refused` or `KeyFileWrong` if it is not ours."""
    return _way(files.database).check_and_migrate(files)


def beside(place: Place, *, writing: bool = True, older_too: bool = False) -> AbstractContextManager[Connection]:
    """Yield a short transaction on a database that a running program may have open.

    Safe without the lock: transactions of several processes are kept apart, and it makes no database and runs no
    migration. Keep it to a few rows. Raises `Refused` where the database is missing, corrupt, away, or of another
    program, or (unless `older_too`) where migrations are missing.
    """
    if isinstance(place, Server):
        return opening_server.beside(place, writing=writing, older_too=older_too)
    return opening_sqlite.beside(place, writing=writing, older_too=older_too)


class _Way(Protocol):
    def is_there(self, files: Files) -> bool: ...
    def give_birth(self, files: Files, fill: Fill) -> None: ...
    def check_and_migrate(self, files: Files) -> Keys: ...


def _way(place: Place) -> _Way:
    return opening_server if isinstance(place, Server) else opening_sqlite
