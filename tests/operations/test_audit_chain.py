"""The chain of the audit trail shows every change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from storage import audit, audit_chain
from storage.schema import metadata
from storage.sqlite import sqlite_engine
from tests.operations.conftest import NOW

KEY = b"k" * 32


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    engine = sqlite_engine(tmp_path / "x.db")
    with engine.connect() as connection, connection.begin():
        metadata.create_all(connection)
        yield connection
    engine.dispose()


def act(db: Connection, name: str) -> None:
    audit.record(db, at=NOW, actor_id=None, channel=None, act=name, subject="s:1", after=[name], key=KEY)


@pytest.fixture
def chained(db: Connection) -> Connection:
    for name in "abcde":
        act(db, name)
    assert audit_chain.seal(db, KEY, most=3) == 3
    assert audit_chain.seal(db, KEY) == 2
    return db


def test_a_chain_sealed_in_pieces_is_whole(chained: Connection) -> None:
    assert audit_chain.broken_at(chained, KEY) is None
    assert audit_chain.seal(chained, KEY) == 0


def test_rows_not_sealed_yet_are_no_break(chained: Connection) -> None:
    act(chained, "f")
    assert audit_chain.broken_at(chained, KEY) is None


@pytest.mark.parametrize(
    "change",
    [
        "update audit set act = 'x' where id = 3",
        "update audit set subject = 's:2' where id = 3",
        "update audit set at = '2020-01-01 00:00:00.000000' where id = 3",
        "update audit set after_digest = x'00' where id = 3",
        "update audit set after_digest = null where id = 3",
        "update audit set chain = null where id = 3",
        "update audit set chain = x'00' where id = 3",
    ],
)
def test_a_changed_row_is_found(chained: Connection, change: str) -> None:
    chained.exec_driver_sql(change)
    assert audit_chain.broken_at(chained, KEY) in {3, 4}


def test_a_removed_row_is_found_at_the_next(chained: Connection) -> None:
    chained.exec_driver_sql("delete from audit where id = 2")
    assert audit_chain.broken_at(chained, KEY) == 3


def test_a_row_put_in_with_its_own_link_is_found(chained: Connection) -> None:
    act(chained, "f")
    chained.exec_driver_sql("update audit set chain = (select chain from audit where id = 5) where id = 6")
    assert audit_chain.broken_at(chained, KEY) == 6


def test_another_key_does_not_fit(chained: Connection) -> None:
    assert audit_chain.broken_at(chained, b"x" * 32) == 1


def test_the_head_moves_with_every_row(chained: Connection) -> None:
    before = audit_chain.head(chained)
    act(chained, "f")
    audit_chain.seal(chained, KEY)
    assert audit_chain.head(chained) not in {before, None}
