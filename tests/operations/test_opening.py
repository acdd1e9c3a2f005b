"""Opening the file: one process, never an empty one in a lost one's place, whole or not at all."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command

from bot.config import Config, Wrong
from bot.start import files_of, open_installation
from handlers.content import Content
from storage import installation, migrations, opening
from storage.database import Connection
from storage.opening import Files, Refused, open_database
from storage.sealing import KeyFileWrong, Keys, load_key_file
from storage.sqlite import sqlite_engine
from tests.operations.conftest import NOW, ROOT


def real(db: Connection, _keys: Keys) -> None:
    installation.create(db, kind=installation.REAL, controller="x", at=NOW)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "d" / "lantoa.db", tmp_path / "k" / "lantoa.key", tmp_path / "b")


async def made(files: Files) -> None:
    await open_database(files, fill=real).close()


def another_process(code: str, database: Path) -> str:
    """Run `code` in a process of its own with the path of a database, and return its complaints."""
    command = [sys.executable, "-c", code, str(database)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stderr


def problem(files: Files, *, fill: opening.Fill | None = real) -> str:
    with pytest.raises(Refused) as caught:
        open_database(files, fill=fill)
    return caught.value.problem


async def test_a_new_place_gets_database_and_key(files: Files) -> None:
    await made(files)
    assert files.key_file.stat().st_mode & 0o777 == 0o600
    opened = open_database(files)
    assert (await opened.db.read(installation.get)).kind == "real"
    await opened.close()
    assert not list(files.path.parent.glob("*.new*"))


async def test_nothing_is_made_where_nothing_was_to_be_made(files: Files) -> None:
    assert problem(files, fill=None) == "absent"
    assert not files.path.exists()


async def test_a_lost_database_is_not_replaced_by_an_empty_one(files: Files) -> None:
    await made(files)
    files.path.unlink()
    assert problem(files) == "lost"
    assert not files.path.exists()


async def test_a_backup_without_a_database_is_a_lost_one(files: Files) -> None:
    files.backups.mkdir()
    (files.backups / "lantoa-x.backup").touch()
    assert problem(files) == "lost"


@pytest.mark.parametrize("content", [b"", b"SQLite", b"x" * 4096, b"SQLite format 3\0" + b"\xff" * 4080])
async def test_a_file_that_is_no_database_is_refused_and_kept(files: Files, content: bytes) -> None:
    await made(files)
    files.path.write_bytes(content)
    assert problem(files) == "corrupt"
    assert files.path.read_bytes() == content


async def test_a_cut_off_database_is_refused(files: Files) -> None:
    await made(files)
    whole = files.path.read_bytes()
    files.path.write_bytes(whole[: len(whole) // 2])
    assert problem(files) == "corrupt"


async def test_damage_inside_is_seen(files: Files) -> None:
    await made(files)
    content = bytearray(files.path.read_bytes())
    content[4096:12288] = b"\x5a" * 8192
    files.path.write_bytes(content)
    assert problem(files) == "corrupt"


async def test_a_newer_database_is_refused(files: Files) -> None:
    await made(files)
    with closing(sqlite3.connect(files.path)) as db:
        db.execute("update alembic_version set version_num = '9999'")
        db.commit()
    assert problem(files) == "newer"


async def test_a_database_of_another_program_is_refused(files: Files) -> None:
    await made(files)
    files.path.unlink()
    with closing(sqlite3.connect(files.path)) as db:
        db.execute("create table theirs (x)")
        db.commit()
    assert problem(files) == "foreign"


async def test_a_database_without_its_key_is_refused(files: Files) -> None:
    await made(files)
    files.key_file.unlink()
    with pytest.raises(KeyFileWrong):
        open_database(files, fill=real)
    assert not files.key_file.exists()


async def test_a_second_opening_is_refused(files: Files) -> None:
    opened = open_database(files, fill=real)
    assert problem(files) == "in_use"
    await opened.close()
    await open_database(files).close()


async def test_another_process_is_refused_until_ours_is_gone(files: Files) -> None:
    opened = open_database(files, fill=real)
    code = "import sys; from pathlib import Path; from storage.opening import take_lock; take_lock(Path(sys.argv[1]))"
    assert "in_use" in another_process(code, files.path)
    await opened.close()
    assert another_process(code, files.path) == ""


async def test_a_birth_cut_off_before_its_key_begins_anew(files: Files) -> None:
    def killed(db: Connection, keys: Keys) -> None:
        real(db, keys)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_database(files, fill=killed)
    assert not files.path.exists()
    assert not files.key_file.exists()
    await made(files)


async def test_a_process_killed_in_a_birth_leaves_room_for_the_next(files: Files) -> None:
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from storage.opening import Files, open_database\n"
        "d = Path(sys.argv[1])\n"
        "open_database(Files(d, d.parent.parent / 'k' / 'lantoa.key', d.parent / 'b'), fill=lambda *_: os._exit(9))\n"
    )
    assert another_process(code, files.path) == ""
    assert files.path.with_name("lantoa.db.new").exists()
    assert not files.path.exists()
    await made(files)
    assert not list(files.path.parent.glob("*.new*"))


async def test_a_birth_cut_off_between_key_and_database_is_finished(files: Files) -> None:
    await made(files)
    files.path.rename(files.path.with_name("lantoa.db.new"))
    opened = open_database(files)
    assert (await opened.db.read(installation.get)).kind == "real"
    await opened.close()


async def test_a_file_left_open_by_a_dead_process_is_checked_and_opened(files: Files) -> None:
    await made(files)
    code = (
        "import os, sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1])\n"
        "db.execute('update installation set hold = 1')\n"
        "db.commit()\n"
        "os._exit(9)\n"
    )
    another_process(code, files.path)
    assert files.path.with_name("lantoa.db-wal").stat().st_size > 0
    opened = open_database(files)
    assert (await opened.db.read(installation.get)).hold
    await opened.close()


async def test_a_short_write_goes_beside_the_running_program(files: Files) -> None:
    opened = open_database(files, fill=real)
    with opening.beside(files.path) as db:
        assert installation.set_hold(db, True)
    assert (await opened.db.read(installation.get)).hold
    assert await opened.db.write(installation.set_hold, False)
    await opened.close()


async def test_beside_makes_no_file(files: Files) -> None:
    with pytest.raises(Refused, match="absent"), opening.beside(files.path):
        raise AssertionError
    assert not files.path.exists()


async def test_beside_changes_nothing_where_a_migration_is_missing(files: Files) -> None:
    await made(files)
    with closing(sqlite3.connect(files.path)) as db:
        db.execute("delete from alembic_version")
        db.commit()
    with pytest.raises(Refused, match="foreign"), opening.beside(files.path):
        raise AssertionError


async def test_a_database_of_an_older_program_is_refused_beside_it_and_migrated_when_opened(files: Files) -> None:
    await made(files)
    files.path.unlink()
    engine = sqlite_engine(files.path)
    with engine.connect() as connection:
        command.upgrade(migrations.alembic_config(connection), "0001")
    engine.dispose()
    with pytest.raises(Refused, match="older"), opening.beside(files.path):
        raise AssertionError
    opened = open_database(files)
    assert await opened.db.read(migrations.revision) == migrations.head()
    await opened.close()


async def test_keys_are_those_of_the_file(files: Files) -> None:
    opened = open_database(files, fill=real)
    assert opened.keys == load_key_file(files.key_file)
    assert migrations.head() is not None
    await opened.close()


def changed(config: Config, setting: dict[str, object]) -> Config:
    return Config.model_validate({**config.model_dump(), **setting})


@pytest.mark.parametrize("setting", [{"web": {"host": "0.0.0.0"}}, {"web": {"public_url": "https://x.vn"}}])
async def test_a_demonstration_is_not_opened_to_others(
    demo: Config, content: Content, setting: dict[str, object]
) -> None:
    public = changed(demo, setting)
    with pytest.raises(Wrong):
        await open_installation(public, content, now=NOW)
    allowed = public.model_copy(update={"channels": public.channels.model_copy(update={"allow_demo": True})})
    await (await open_installation(allowed, content, now=NOW)).close()


async def test_no_demonstration_is_made_where_it_could_not_run(config: Config, content: Content) -> None:
    public = changed(config, {"web": {"host": "0.0.0.0"}})
    with pytest.raises(Wrong):
        await open_installation(public, content, now=NOW)
    assert not files_of(public).path.exists()
    assert not files_of(public).key_file.exists()
