"""Backups: sealed, complete, restored on hold, and nothing damaged passes for whole."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from pathlib import Path

import pytest

from bot.backup import check_backup, make_backup, restore, verify
from bot.config import Config, Wrong
from bot.start import files_of, open_installation
from handlers.content import Content
from storage import attachments, audit, audit_chain, contacts, installation, opening
from storage.database import Connection
from storage.opening import Refused
from storage.sealing import KeyFileWrong, create_key_file, load_key_file
from tests.operations.conftest import NOW

PHOTO = os.urandom(3_000_000)  # more than two sealed pieces
PHOTO_NAME = hashlib.sha256(PHOTO).hexdigest()


@pytest.fixture
def filled(demo: Config) -> Config:
    """A demonstration with one kept photo, one still to be made safe, and a chained audit row."""
    keys = load_key_file(demo.data.key_file)

    def fill(db: Connection) -> None:
        who = contacts.create(db, at=NOW, language="vi")
        kept, _ = attachments.receive(db, ["a" * 64, PHOTO_NAME], contact_id=who, at=NOW)
        attachments.keep(db, attachments.Kept(kept, PHOTO_NAME, 1, 1, len(PHOTO)))
        audit.record(db, at=NOW, actor_id=who, channel="x", act="a.b", subject="s:1", key=keys.digest)
        audit_chain.seal(db, keys.digest)

    with opening.beside(demo.database.path) as db:
        fill(db)
    for folder, name in ((demo.data.attachments, f"{PHOTO_NAME}.jpg"), (demo.data.folder / "received", PHOTO_NAME)):
        folder.mkdir(parents=True)
        (folder / name).write_bytes(PHOTO)
    return demo


def emptied(config: Config) -> Config:
    """Lose everything but key and backups."""
    for path in sorted(config.data.folder.rglob("*"), reverse=True):
        if path.is_file() and path != config.data.key_file and config.data.backups not in path.parents:
            path.unlink()
    return config


def keys_of(mistakes: Wrong) -> list[str]:
    return [said.key for said in mistakes.mistakes]


async def test_a_backup_made_while_it_runs_brings_everything_back_on_hold(filled: Config, content: Content) -> None:
    running = await open_installation(filled, content, now=NOW)
    path, made = make_backup(filled, now=NOW)
    await running.close()
    assert made.kind == "demo"
    assert made.files == 3
    restored = restore(emptied(filled), path)
    assert restored == made
    assert verify(filled) == []
    assert (filled.data.attachments / f"{PHOTO_NAME}.jpg").read_bytes() == PHOTO
    again = await open_installation(filled, content, now=NOW)
    assert (await again.db.read(installation.get)).hold
    await again.close()


async def test_a_backup_shows_nothing_to_who_has_no_key(filled: Config) -> None:
    path, _ = make_backup(filled, now=NOW)
    content = path.read_bytes()
    assert PHOTO[:64] not in content
    assert b"SQLite" not in content
    assert b"CHI_HOI" not in content
    assert path.stat().st_mode & 0o077 == 0


async def test_only_the_backup_is_left_in_its_folder(filled: Config) -> None:
    path, _ = make_backup(filled, now=NOW)
    assert list(filled.data.backups.iterdir()) == [path]


@pytest.mark.parametrize("place", [0, 20, 5000, 2_000_000, -1])
async def test_a_changed_backup_is_refused_and_nothing_put_in_place(filled: Config, place: int) -> None:
    path, _ = make_backup(filled, now=NOW)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(Wrong) as caught:
        restore(emptied(filled), path)
    assert keys_of(caught.value) == ["backup.unreadable"]
    assert not filled.database.path.exists()


@pytest.mark.parametrize("kept_pieces", [0, 1, 2])
async def test_a_backup_cut_off_between_pieces_is_refused(filled: Config, kept_pieces: int) -> None:
    path, _ = make_backup(filled, now=NOW)
    path.write_bytes(path.read_bytes()[: 33 + kept_pieces * (1024 * 1024 + 16)])
    with pytest.raises(Wrong):
        check_backup(filled, path)


async def test_the_key_of_another_place_does_not_open_it(filled: Config) -> None:
    path, _ = make_backup(filled, now=NOW)
    filled.data.key_file.unlink()
    with pytest.raises(KeyFileWrong):
        check_backup(filled, path)
    create_key_file(filled.data.key_file)
    with pytest.raises(Wrong) as caught:
        check_backup(filled, path)
    assert keys_of(caught.value) == ["backup.unreadable"]


async def test_a_database_is_never_overwritten(filled: Config) -> None:
    path, _ = make_backup(filled, now=NOW)
    with pytest.raises(Refused, match="occupied"):
        restore(filled, path)


async def test_nothing_is_restored_under_a_running_program(filled: Config, content: Content) -> None:
    path, _ = make_backup(filled, now=NOW)
    running = await open_installation(filled, content, now=NOW)
    with pytest.raises(Refused, match="in_use"):
        restore(filled, path)
    await running.close()


async def test_a_good_backup_is_told_to_be_whole_and_leaves_no_trace(filled: Config) -> None:
    path, made = make_backup(filled, now=NOW)
    assert check_backup(filled, path) == made
    assert list(filled.data.backups.iterdir()) == [path]


async def test_backups_age_out_after_35_days(filled: Config) -> None:
    old, _ = make_backup(filled, now=NOW - timedelta(days=36))
    recent, _ = make_backup(filled, now=NOW - timedelta(days=34))
    for path, days in ((old, 36), (recent, 34)):
        then = (NOW - timedelta(days=days)).timestamp()
        os.utime(path, (then, then))
    newest, _ = make_backup(filled, now=NOW)
    assert sorted(filled.data.backups.iterdir()) == sorted([recent, newest])


async def test_a_whole_place_has_nothing_wrong(filled: Config) -> None:
    assert verify(filled) == []


async def test_a_missing_and_a_changed_file_are_found(filled: Config) -> None:
    (filled.data.attachments / f"{PHOTO_NAME}.jpg").unlink()
    (filled.data.folder / "received" / PHOTO_NAME).write_bytes(b"other")
    assert sorted(said.key for said in verify(filled)) == ["verify.file_changed", "verify.file_changed"]
    (filled.data.folder / "received" / PHOTO_NAME).unlink()
    assert sorted(said.key for said in verify(filled)) == ["verify.file_missing", "verify.file_missing"]


async def test_a_broken_reference_is_found(filled: Config) -> None:
    files = files_of(filled)
    sql(files.path, "pragma foreign_keys=off", "update report set author_id = 999999 where id = 5")
    assert [said.key for said in verify(filled)] == ["verify.database"]


async def test_a_changed_audit_row_is_found(filled: Config) -> None:
    sql(filled.database.path, "update audit set act = 'c.d'")
    assert [said.key for said in verify(filled)] == ["verify.audit"]


def sql(database: Path, *statements: str) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(database)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()
