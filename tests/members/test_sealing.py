"""Sealed values open only where they were sealed, with the keys of a file only its owner may read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.members import NewMember, add, of_contact, seal_anew, with_phone
from storage.sealing import (
    CannotOpen,
    KeyFileWrong,
    Keys,
    Place,
    Sealer,
    add_key,
    create_key_file,
    load_key_file,
)
from tests.members.stage import NOON, TODAY, Stage

PHONE = Place("member", "phone_sealed", "aaaa")
KEYS = Keys({1: b"1" * 32}, index=b"2" * 32, digest=b"3" * 32)
SEALER = Sealer(KEYS)


@given(st.text())
def test_what_is_sealed_opens_in_its_place(text: str) -> None:
    assert SEALER.open(SEALER.seal(text, PHONE), PHONE) == text


def test_sealing_twice_gives_different_bytes() -> None:
    assert SEALER.seal("+84323456789", PHONE) != SEALER.seal("+84323456789", PHONE)


@pytest.mark.parametrize(
    "place",
    [
        Place("application", "phone_sealed", "aaaa"),
        Place("member", "birth_sealed", "aaaa"),
        Place("member", "phone_sealed", "bbbb"),
    ],
)
def test_a_value_moved_elsewhere_does_not_open(place: Place) -> None:
    with pytest.raises(CannotOpen) as caught:
        SEALER.open(SEALER.seal("1990", PHONE), place)
    assert caught.value.place == place


def test_every_changed_byte_is_noticed() -> None:
    sealed = SEALER.seal("1990-05-12", PHONE)
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(CannotOpen):
            SEALER.open(bytes(changed), PHONE)


@pytest.mark.parametrize("length", range(14))
def test_a_value_cut_short_is_noticed(length: int) -> None:
    with pytest.raises(CannotOpen):
        SEALER.open(SEALER.seal("1990", PHONE)[:length], PHONE)


def test_the_index_needs_the_key_and_is_equal_for_equal_phones() -> None:
    other = Sealer(Keys({1: b"1" * 32}, index=b"9" * 32, digest=b"3" * 32))
    assert SEALER.index("+84323456789") == SEALER.index("+84323456789") != SEALER.index("+84323456780")
    assert other.index("+84323456789") != SEALER.index("+84323456789")


def test_no_key_shows_in_what_is_printed() -> None:
    assert "1111" not in repr(SEALER)
    assert "2222" not in repr(SEALER)


def test_a_key_file_is_for_its_owner_alone_and_loads_again(tmp_path: Path) -> None:
    path = tmp_path / "var" / "lantoa.key"
    made = create_key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    sealed = Sealer(made).seal("1990", PHONE)
    assert Sealer(load_key_file(path)).open(sealed, PHONE) == "1990"


def test_the_keys_differ_from_each_other_and_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    keys = create_key_file(path)
    assert len({keys.seal[1], keys.index, keys.digest}) == 3
    assert keys.seal[1] not in path.read_bytes()


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key"
    create_key_file(path)
    before = path.read_bytes()
    with pytest.raises(KeyFileWrong) as caught:
        create_key_file(path)
    assert (caught.value.problem, path.read_bytes()) == ("exists", before)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_file_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    create_key_file(path)
    path.chmod(mode)
    with pytest.raises(KeyFileWrong) as caught:
        load_key_file(path)
    assert (caught.value.problem, caught.value.path) == ("open_mode", path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"format":"lantoa-key-1","keys":[]}',
        b'{"format":"lantoa-key-1","keys":["YQ=="]}',
        b'{"format":"lantoa-key-1","keys":"AAAA"}',
        json.dumps({"format": "other", "keys": ["A" * 43 + "="]}).encode(),
    ],
)
def test_a_file_that_is_no_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileWrong) as caught:
        load_key_file(path)
    assert caught.value.problem == "content"


def test_a_missing_key_file_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(KeyFileWrong) as caught:
        load_key_file(tmp_path / "key")
    assert caught.value.problem == "missing"


def test_a_new_key_seals_what_is_new_and_the_old_ones_still_open(tmp_path: Path) -> None:
    path = tmp_path / "key"
    old = Sealer(create_key_file(path))
    sealed = old.seal("1990", PHONE)
    new = Sealer(add_key(path))
    assert new.open(sealed, PHONE) == "1990"
    assert (new.is_current(sealed), new.is_current(new.seal("1990", PHONE))) == (False, True)
    assert (new.index("x"), new.digest("x")) == (old.index("x"), old.digest("x"))
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CannotOpen):
        old.open(new.seal("1990", PHONE), PHONE)


def test_sealing_anew_can_be_cut_off_and_goes_on(stage: Stage, tmp_path: Path) -> None:
    owner = stage.person()
    with stage.db() as db:
        for number in range(5):
            new = NewMember(owner.contact_id, f"Hội viên {'ABCDE'[number]}", "1990", f"+8432345678{number}")
            add(db, stage.sealer, new, at=NOON)
    sealer = Sealer(add_key(tmp_path / "test.key"))
    with stage.db() as db:
        assert seal_anew(db, sealer, most=2) == 2
    with stage.db() as db:
        assert [each.birth for each in of_contact(db, sealer, owner.contact_id, TODAY)] == ["1990"] * 5
        assert [seal_anew(db, sealer, most=2) for _ in range(3)] == [2, 1, 0]
        assert len(with_phone(db, sealer, "+84323456783")) == 1
    only_new = Sealer(Keys({2: sealer.keys.seal[2]}, sealer.keys.index, sealer.keys.digest))
    with stage.db() as db:
        assert len(of_contact(db, only_new, owner.contact_id, TODAY)) == 5
