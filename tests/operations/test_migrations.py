"""Migrations end at the tables in `storage/schema.py`, each step whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from storage import migrations
from storage.schema import metadata
from storage.sites import Place, passing_engine
from tests.postgresql import new_server_database


@contextmanager
def connected(place: Place) -> Iterator[Connection]:
    with passing_engine(place) as engine, engine.connect() as connection:
        yield connection


@pytest.fixture
def migrated(tmp_path: Path) -> Path:
    with connected(tmp_path / "migrated.db") as connection:
        migrations.upgrade(connection)
    return tmp_path / "migrated.db"


def test_the_steps_end_at_the_tables_of_the_program(migrated: Path) -> None:
    with connected(migrated) as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_steps_make_the_same_statements_as_the_tables(migrated: Path, tmp_path: Path) -> None:
    with connected(tmp_path / "made.db") as made, made.begin():
        metadata.create_all(made)
    with connected(migrated) as one, connected(tmp_path / "made.db") as other:
        assert statements(one) == statements(other)


def statements(db: Connection) -> dict[str, list[str]]:
    """Return name → the parts of its statement in any order; a table made anew has its name quoted."""
    query = "select name, sql from sqlite_master where sql is not null and name <> 'alembic_version'"
    return {name: sorted(re.findall(r"[^,()\s\"]+", sql)) for name, sql in db.exec_driver_sql(query)}


@pytest.mark.postgresql
def test_on_a_server_the_steps_end_at_the_same_tables_as_in_the_program() -> None:
    with new_server_database(tables=False) as one, new_server_database() as other:
        with connected(one) as connection:
            migrations.upgrade(connection)
            assert migrations.known_revision(connection) == migrations.head()
            context = MigrationContext.configure(connection, opts={"compare_server_default": True})
            assert compare_metadata(context, metadata) == []
            stepped = parts(connection)
        with connected(other) as connection:
            assert stepped == parts(connection)


def parts(db: Connection) -> set[tuple[str, ...]]:
    """Return every column, constraint and index of a server's database as it describes them."""
    queries = (
        "select table_name, column_name, data_type, coalesce(character_maximum_length, 0)::text, is_nullable,"
        " coalesce(column_default, '') from information_schema.columns where table_schema = 'public'",
        "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint"
        " where connamespace = 'public'::regnamespace",
        "select indexname, indexdef from pg_indexes where schemaname = 'public'",
    )
    found = {tuple(row) for query in queries for row in db.exec_driver_sql(query)}
    return {row for row in found if not any("alembic_version" in part for part in row)}


def test_there_is_one_line_of_steps() -> None:
    steps = ScriptDirectory.from_config(migrations.alembic_config())
    assert len(steps.get_heads()) == 1
    assert len(steps.get_bases()) == 1


def test_running_them_again_changes_nothing(migrated: Path) -> None:
    before = migrated.read_bytes()
    with connected(migrated) as connection:
        migrations.upgrade(connection)
    assert migrated.read_bytes() == before


def test_a_step_cut_off_leaves_nothing_of_itself(tmp_path: Path) -> None:
    with connected(tmp_path / "cut.db") as connection:
        with connection.begin() as transaction:
            context = MigrationContext.configure(connection, opts={"transactional_ddl": True})
            metadata.tables["unit"].create(connection)
            assert context.get_current_revision() is None
            transaction.rollback()
        assert connection.exec_driver_sql("select count(*) from sqlite_master").scalar() == 0


def test_an_older_program_knows_that_it_does_not_know(migrated: Path) -> None:
    with connected(migrated) as connection:
        with connection.begin():
            connection.exec_driver_sql("update alembic_version set version_num = '9999'")
        with pytest.raises(migrations.NewerSchema):
            migrations.known_revision(connection)
