"""Statements of the hot path: compiled once, and one step of the database for many rows.

What SQLAlchemy does anew for each call costs more than such a statement, and SQLite's driver lets go of the
interpreter and takes it back for every row it returns or is given: with a busy event loop beside it, that costs more
than both. So many rows go in as one JSON text and come out as one. PostgreSQL's driver gives all rows at once by itself
and takes them column by column. Statements run on the driver's cursor, inside the connection's transaction. Lists
inside a statement are of `literal`s: how many there are is part of it.
"""

from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ARRAY, Connection, Dialect, Select, String, Text, bindparam, cast, column, func, select
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import CompilerElement
from sqlalchemy.types import NullType, TypeEngine

Process = Callable[[Any], Any] | None

SQLITE = "sqlite"


@dataclass(frozen=True, slots=True)
class _Compiled:
    """SQL with, for each parameter of the driver, the index of its value (or a constant) and its type's processor."""

    sql: str
    places: tuple[tuple[int | None, Any, Process], ...]

    def run(self, db: Connection, values: Sequence[Any]) -> Sequence[Any]:
        given = tuple(
            constant if index is None else values[index] if process is None else process(values[index])
            for index, constant, process in self.places
        )
        with closing(db.connection.cursor()) as cursor:
            cursor.execute(self.sql, given)
            return cursor.fetchall() if cursor.description is not None else ()


def _compiled(statement: CompilerElement, dialect: Dialect, names: Sequence[str]) -> _Compiled:
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    assert compiled.positiontup is not None, "the driver takes parameters by position"
    places = [_place(compiled, dialect, name, names) for name in compiled.positiontup]
    return _Compiled(str(compiled), tuple(places))


def _place(compiled: SQLCompiler, dialect: Dialect, name: str, names: Sequence[str]) -> tuple[int | None, Any, Process]:
    process = _processor(compiled.binds[name].type, dialect)
    if name in names:
        return names.index(name), None, process
    constant = compiled.params[name]
    return None, process(constant) if process is not None else constant, None


def _processor(kind: TypeEngine[Any], dialect: Dialect) -> Process:
    return kind.dialect_impl(dialect).bind_processor(dialect)


@dataclass(frozen=True)
class Reading:
    """A query whose bound parameters are `names`, in the order in which calls give their values.

    Its rows come as the driver keeps them: numbers and texts, truth as something equal to 0 or 1, JSON as its text or
    as what it says. No column may be an instant.
    """

    query: Select[Any]
    names: tuple[str, ...] = ()
    _known: dict[str, tuple[_Compiled, Callable[[Iterable[Any]], Any]]] = field(default_factory=dict, compare=False)

    def rows(self, db: Connection, *values: Any) -> list[Any]:
        """Return all rows, as tuples with the names of the columns."""
        if db.dialect.name not in self._known:
            self._known[db.dialect.name] = self._compile(db.dialect)
        compiled, make = self._known[db.dialect.name]
        found = compiled.run(db, values)
        return [make(row) for row in (json.loads(found[0][0]) if db.dialect.name == SQLITE else found)]

    def _compile(self, dialect: Dialect) -> tuple[_Compiled, Callable[[Iterable[Any]], Any]]:
        inner = self.query.subquery("found")
        selected: Any = namedtuple("selected", inner.c.keys())  # type: ignore[misc]
        whole: CompilerElement = self.query
        if dialect.name == SQLITE:
            whole = select(func.json_group_array(func.json_array(*inner.c))).select_from(inner)
        return _compiled(whole, dialect, self.names), selected._make


@dataclass(frozen=True)
class Writing:
    """A change of many rows at once: `make(given)` returns it, from the rows `given` with the columns `kinds`."""

    kinds: Mapping[str, TypeEngine[Any]]
    make: Callable[[Any], CompilerElement]
    _known: dict[str, tuple[_Compiled, tuple[Process, ...]]] = field(default_factory=dict, compare=False)

    def rows(self, db: Connection, rows: Iterable[Sequence[Any]]) -> None:
        """Make the change for all rows, given in the order of `kinds`."""
        if db.dialect.name not in self._known:
            self._known[db.dialect.name] = self._compile(db.dialect)
        compiled, processes = self._known[db.dialect.name]
        plain = [_plain(row, processes) for row in rows]
        compiled.run(db, [_as_json(plain)] if db.dialect.name == SQLITE else list(zip(*plain, strict=True)))

    def _compile(self, dialect: Dialect) -> tuple[_Compiled, tuple[Process, ...]]:
        given = (self._out_of_json if dialect.name == SQLITE else self._out_of_columns)().subquery("given")
        names = ["rows"] if dialect.name == SQLITE else list(self.kinds)
        processes = tuple(_processor(kind, dialect) for kind in self.kinds.values())
        return _compiled(self.make(given), dialect, names), processes

    def _out_of_json(self) -> Select[Any]:
        each = func.json_each(bindparam("rows", type_=Text())).table_valued("value")
        columns = [
            func.json_extract(each.c.value, f"$[{index}]", type_=kind).label(name)
            for index, (name, kind) in enumerate(self.kinds.items())
        ]
        return select(*columns).select_from(each)

    def _out_of_columns(self) -> Select[Any]:
        lists = [cast(bindparam(name, type_=_AsGiven()), ARRAY(_whole(kind))) for name, kind in self.kinds.items()]
        columns: list[Any] = [column(name, kind) for name, kind in self.kinds.items()]
        return select(func.unnest(*lists).table_valued(*columns).render_derived(name="each"))


def _whole(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    # A cast to a text of limited length cuts what is longer without a word.
    return Text() if isinstance(kind, String) else kind


class _AsGiven(NullType):
    """A value that the driver gets as it is: what it holds was made ready before, item by item."""

    def bind_processor(self, dialect: Dialect) -> None:
        return None


_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _plain(row: Sequence[Any], processes: Sequence[Process]) -> list[Any]:
    return [value if process is None else process(value) for value, process in zip(row, processes, strict=True)]
