"""An installation on a PostgreSQL server: made whole or not at all, never two programs, plain words when it is away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config import Config
from storage import installation, opening
from storage.database import Connection, NotKept
from storage.opening import Files, Refused, open_database
from storage.postgresql import Server
from storage.sealing import Keys, create_key_file, load_key_file
from storage.sites import passing_engine
from tests.operations.conftest import NOW, Lantoa
from tests.postgresql import new_server_database, server_url

pytestmark = pytest.mark.postgresql


def real(db: Connection, _keys: Keys) -> None:
    installation.create(db, kind=installation.REAL, controller="x", at=NOW)


@pytest.fixture
def server() -> Iterator[Server]:
    with new_server_database(tables=False) as made:
        yield made


@pytest.fixture
def files(server: Server, tmp_path: Path) -> Files:
    return Files(server, tmp_path / "k" / "lantoa.key", tmp_path / "b")


def problem(files: Files, *, fill: opening.Fill | None = real) -> str:
    with pytest.raises(Refused) as caught:
        open_database(files, fill=fill)
    return caught.value.problem


def execute(server: Server, statement: str) -> None:
    with passing_engine(server) as engine, engine.begin() as db:
        db.exec_driver_sql(statement)


async def test_a_new_place_gets_schema_and_key_and_opens_again(files: Files) -> None:
    opened = open_database(files, fill=real)
    assert (await opened.db.read(installation.get)).kind == "real"
    await opened.close()
    assert files.key_file.stat().st_mode & 0o777 == 0o600
    await open_database(files).close()


def test_nothing_is_made_where_nothing_was_to_be_made(files: Files) -> None:
    assert problem(files, fill=None) == "absent"
    assert not opening.is_occupied(files)
    assert not files.key_file.exists()


def test_a_birth_that_fails_leaves_nothing(files: Files) -> None:
    def killed(db: Connection, keys: Keys) -> None:
        real(db, keys)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_database(files, fill=killed)
    assert not opening.is_occupied(files)
    assert not files.key_file.exists()


async def test_a_birth_cut_off_before_its_key_got_its_name_is_finished(files: Files) -> None:
    await open_database(files, fill=real).close()
    key = files.key_file.read_bytes()
    files.key_file.rename(files.key_file.with_name("lantoa.key.new"))
    await open_database(files).close()
    assert files.key_file.read_bytes() == key


def test_a_key_without_a_database_means_that_it_was_lost(files: Files) -> None:
    create_key_file(files.key_file)
    assert problem(files) == "lost"
    assert load_key_file(files.key_file)


def test_what_is_not_ours_is_left_alone(files: Files, server: Server) -> None:
    execute(server, "create table theirs (n integer)")
    assert problem(files) == "foreign"


async def test_a_newer_or_older_schema_is_told(files: Files, server: Server) -> None:
    await open_database(files, fill=real).close()
    execute(server, "update alembic_version set version_num = '0001'")
    with pytest.raises(Refused, match="older"), opening.beside(server):
        pass
    execute(server, "update alembic_version set version_num = '9999'")
    assert problem(files) == "newer"


async def test_two_programs_never_write_to_one_database(files: Files, server: Server) -> None:
    opened = open_database(files, fill=real)
    await opened.db.write(installation.set_hold, True)
    assert problem(files) == "in_use"
    with pytest.raises(Refused, match="in_use"), opening.take_lock(server):
        pass
    with opening.beside(server) as db:
        assert installation.set_hold(db, False)
    await opened.close()
    opening.take_lock(server).close()


async def test_who_lost_the_lock_cannot_write_beside_who_has_it(files: Files, server: Server) -> None:
    opened = open_database(files, fill=real)
    with opening.take_lock(server), pytest.raises(NotKept):
        await opened.db.write(installation.set_hold, True)
    assert await opened.db.write(installation.set_hold, True)
    await opened.close()


def test_commands_work_on_a_server(lantoa: Lantoa, config: Config, server: Server) -> None:
    url = {"LANTOA_DATABASE__URL": server.url}
    assert "chưa có" in lantoa("check", **url).stdout
    made = lantoa("setup", "--controller", "Hội", "--top-unit", "GIA_LAI", "--role", "can_bo_tinh", **url)
    assert (made.returncode, made.stderr) == (0, "")
    assert lantoa("setup", **url).returncode == 2
    for command in (["check"], ["migrate"], ["verify"], ["dead", "list"], ["release"]):
        said = lantoa(*command, **url)
        assert (said.returncode, said.stderr) == (0, ""), command
    invited = lantoa("invite", "--unit", "GIA_LAI", "--role", "can_bo_tinh", **url)
    assert invited.returncode == 0
    refused = lantoa("backup", **url)
    assert refused.returncode == 2
    assert "PostgreSQL" in refused.stderr
    assert not config.data.backups.exists()


@pytest.mark.parametrize("command", ["run", "check", "migrate", "invite", "setup"])
def test_a_server_that_is_away_is_told_in_plain_words(lantoa: Lantoa, config: Config, command: str) -> None:
    options = ("--unit", "GIA_LAI", "--role", "can_bo_tinh") if command == "invite" else ()
    said = lantoa(command, *options, LANTOA_DATABASE__URL="postgresql://lantoa:ghe-tre-7@127.0.0.1:9/lantoa")
    assert said.returncode == 2
    assert "postgresql://lantoa:***@127.0.0.1:9/lantoa" in said.stderr
    assert "ghe-tre" not in said.stderr + said.stdout
    assert "Traceback" not in said.stderr
    assert not config.data.key_file.exists()


def test_a_database_that_the_server_does_not_have_is_told(lantoa: Lantoa) -> None:
    said = lantoa("check", LANTOA_DATABASE__URL=server_url().replace("/lantoa?", "/not_there?"))
    assert said.returncode == 2
    assert "createdb" in said.stderr
