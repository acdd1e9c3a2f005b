"""Bring a database to the tables of this program, forwards only; each step is one transaction.

`versions/` holds the steps, made by `python -m storage.migrations "what changes"` and then read by a person.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

HERE = Path(__file__).parent


class NewerSchema(Exception):
    """The database was written by a newer program; this one would not understand it."""


class NotOurs(Exception):
    """The database holds no revision: it was made by another program, or never finished."""


def alembic_config(connection: Connection | None = None) -> Config:
    """Return the settings that Alembic needs; there is no ini file."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def head() -> str | None:
    """Return the revision of this program's tables."""
    return _steps().get_current_head()


@cache
def _steps() -> ScriptDirectory:
    return ScriptDirectory.from_config(alembic_config())


def revision(db: Connection) -> str | None:
    """Return the revision of a database, None where it has none."""
    return MigrationContext.configure(db).get_current_revision()


def known_revision(db: Connection) -> str:
    """Return the revision of a database; `NewerSchema` if this program does not know it, `NotOurs` if it has none."""
    current = revision(db)
    if current is None:
        raise NotOurs
    try:
        _steps().get_revision(current)
    except CommandError as error:
        raise NewerSchema(current) from error
    return current


def upgrade(connection: Connection) -> None:
    """Run the missing steps, each in a transaction of its own: a kill leaves the state between two steps.

    Inside a transaction that is open already they are all part of it.
    """
    if connection.dialect.name == "postgresql":
        _upgrade_server(connection)
        return
    raw = connection.connection.driver_connection
    assert raw is not None
    # Steps that rebuild a table need this off, and it cannot be changed inside a transaction.
    raw.execute("PRAGMA foreign_keys=OFF")
    command.upgrade(alembic_config(connection), "head")
    raw.execute("PRAGMA foreign_keys=ON")


def _upgrade_server(connection: Connection) -> None:
    own = not connection.in_transaction()
    # A step over many rows takes as long as it takes; the limit is for the statements of the running program.
    connection.exec_driver_sql("SET statement_timeout = 0")
    if own:
        connection.commit()
    command.upgrade(alembic_config(connection), "head")
