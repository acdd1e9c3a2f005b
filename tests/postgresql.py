"""A PostgreSQL server for a run of the tests, shared by all its processes; each test gets a database of its own.

`LANTOA_TEST_POSTGRES` may name a server, by the URL of a role that may create databases. Else the first test that needs
one starts the server programs of this machine on a temporary folder, reached through a socket in it.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, make_url
from sqlalchemy.exc import DBAPIError

from storage.postgresql import Server, postgresql_engine
from storage.schema import metadata

GIVEN = "LANTOA_TEST_POSTGRES"
FOLDER = "LANTOA_TEST_POSTGRES_FOLDER"
"""Where the server of this run is or will be; the first process of the run sets it for those it starts."""

CHOSEN_BY = "LANTOA_TEST_POSTGRES_CHOSEN_BY"

DEBIAN = Path("/usr/lib/postgresql")
FAST = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    # Tests of behaviour need no disk: nothing of this outlives the run.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}
_numbers = count(1)
_free: list[str] = []
"""Databases with empty tables that this process made and no test uses."""


def programs(debian: Path = DEBIAN) -> Path | None:
    """Return the folder of the server programs, the newest where there are several; None where there are none."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = [path.parent for path in debian.glob("*/bin/initdb")]
    return max(versions, key=lambda path: float(path.parent.name), default=None)


def needed_programs(debian: Path = DEBIAN) -> Path:
    """Return the folder of the server programs; where a machine of the checks has none it fails, elsewhere it skips."""
    found = programs(debian)
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("PostgreSQL is not installed, and nothing is tested on it without it")
    if found is None:
        pytest.skip("PostgreSQL is not installed: nothing is tested on it here")
    return found


def choose_folder() -> None:
    """Decide where the server of this run will be, if it is needed; the process that decides stops it."""
    if FOLDER not in os.environ and GIVEN not in os.environ:
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="lantoa-postgresql-", dir="/tmp")
        os.environ[CHOSEN_BY] = str(os.getpid())


def leave() -> None:
    """Stop the server of this run, or leave no database on one that was given."""
    while GIVEN in os.environ and _free:
        _drop(_free.pop())
    if os.environ.get(CHOSEN_BY) != str(os.getpid()):
        return
    folder = Path(os.environ[FOLDER])
    if (folder / "data" / "postmaster.pid").exists():
        stop(folder)
    shutil.rmtree(folder, ignore_errors=True)


@cache
def server_url() -> str:
    """Return the URL of the server's own database, starting the server if nobody did before."""
    if GIVEN in os.environ:
        return os.environ[GIVEN]
    needed_programs()
    choose_folder()
    folder = Path(os.environ[FOLDER])
    with (folder / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "data").exists():
            _make_cluster(folder, FAST)
    return _url(folder)


def _url(folder: Path, *, role: str = "lantoa", database: str = "lantoa") -> str:
    return f"postgresql://{role}@/{database}?host={folder}"


def _make_cluster(folder: Path, settings: Mapping[str, str]) -> None:
    account = _account()
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    _program("initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    with (folder / "data" / "postgresql.conf").open("a") as written:
        written.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        written.write(f"unix_socket_directories = '{folder}'\n")
    start(folder)
    # As the manual says: an ordinary role that owns its database.
    for statement in ("CREATE ROLE lantoa LOGIN CREATEDB", "CREATE DATABASE lantoa OWNER lantoa TEMPLATE template0"):
        _run(statement, _url(folder, role="postgres", database="postgres"))


def start(folder: Path) -> None:
    """Start the server of a folder and wait until it answers."""
    _program("pg_ctl", "start", "-w", "-D", folder / "data", "-l", folder / "log")


def stop(folder: Path) -> None:
    """Stop the server of a folder as a crash would: no connection is closed, nothing is written out."""
    _program("pg_ctl", "stop", "-w", "-D", folder / "data", "-m", "immediate")


@contextmanager
def durable_server() -> Iterator[tuple[Path, Server]]:
    """Yield a server of one's own that keeps what it commits, by its folder and an empty database: to `stop`."""
    with tempfile.TemporaryDirectory(prefix="lantoa-postgresql-", dir="/tmp") as name:
        folder = Path(name)
        # Without fsync it survives a crash of its own, though not of the machine; that is what is tried here.
        _make_cluster(folder, {"listen_addresses": "", "shared_buffers": "16MB", "fsync": "off"})
        try:
            yield folder, Server(_url(folder))
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                stop(folder)


def _program(name: str, *arguments: Any) -> None:
    """Run a program of the server; it refuses to be root, so root becomes somebody else for it."""
    account, folder = _account(), needed_programs()
    who: dict[str, Any] = {}
    if account is not None:
        who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    done = subprocess.run(
        [folder / name, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if name == "initdb" else subprocess.DEVNULL,
        stderr=subprocess.STDOUT if name == "initdb" else subprocess.DEVNULL,
        timeout=60,
        cwd="/tmp",
        check=False,
        **who,
    )
    assert done.returncode == 0, f"{name}: {done.stdout!r}"


def _account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    accounts = {each.pw_name: each for each in pwd.getpwall()}
    return accounts.get("postgres") or accounts["nobody"]


@contextmanager
def new_server_database(*, tables: bool = True) -> Iterator[Server]:
    """Yield a database with all tables and no rows, or with nothing at all."""
    name = _free.pop() if tables and _free else _made(tables=tables)
    try:
        yield _on(name)
    finally:
        if tables and _wiped(name):
            _free.append(name)
        else:
            _drop(name)


@contextmanager
def copied_database(original: Server) -> Iterator[Server]:
    """Yield a copy of a database that nobody uses, and drop it at the end."""
    name = _made(tables=False, template=str(make_url(original.url).database))
    try:
        yield _on(name)
    finally:
        _drop(name)


def _made(*, tables: bool, template: str = "template0") -> str:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    _run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    if tables:
        engine = postgresql_engine(_on(name))
        metadata.create_all(engine)
        engine.dispose()
    return name


def _wiped(name: str) -> bool:
    """Empty a database for the next test, in a tenth of the time that a new one takes; False if it is in use still."""
    engine = postgresql_engine(_on(name))
    try:
        with engine.begin() as db:
            db.exec_driver_sql(_WIPE)
            return True
    except DBAPIError:
        return False
    finally:
        engine.dispose()


_OURS = ", ".join(f"'{name}'" for name in metadata.tables)
_WIPE = "".join(
    (
        "DO $$ DECLARE made text; BEGIN SET LOCAL lock_timeout = '2s'; ",
        f"FOR made IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ({_OURS}) ",
        "LOOP EXECUTE format('DROP TABLE %I CASCADE', made); END LOOP; ",
        *(
            f'IF EXISTS (SELECT 1 FROM "{table.name}") THEN DELETE FROM "{table.name}"; END IF; '
            for table in reversed(metadata.sorted_tables)
        ),
        *(
            f"PERFORM setval('{table.name}_id_seq', 1, false); "
            for table in metadata.sorted_tables
            if table.autoincrement_column is not None
        ),
        "END $$",
    )
)


def _on(name: str) -> Server:
    return Server(make_url(server_url()).set(database=name).render_as_string(hide_password=False))


def _run(statement: str, url: str | None = None) -> None:
    with _admin(url or server_url()).connect() as connection:
        connection.exec_driver_sql(statement)


@cache
def _admin(url: str) -> Engine:
    return postgresql_engine(Server(url)).execution_options(isolation_level="AUTOCOMMIT")


def _drop(name: str) -> None:
    _run(f'DROP DATABASE "{name}" WITH (FORCE)')
