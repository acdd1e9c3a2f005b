"""What all tables share: the metadata, ids, references, partial indexes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKey, Index, MetaData, text

from storage.types import RowId

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def row_id() -> Column[Any]:
    """Return the key of a table: a number given by the database."""
    return Column("id", RowId, primary_key=True, autoincrement=True)


def reference(name: str, target: str, *, nullable: bool = False) -> Column[Any]:
    """Return a column that points to a row of the table `target`."""
    return Column(name, RowId, ForeignKey(f"{target}.id"), nullable=nullable)


def partial_index(name: str, *columns: str, where: str) -> Index:
    """Return an index over the rows that satisfy `where` only; queries must repeat it word for word."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))
