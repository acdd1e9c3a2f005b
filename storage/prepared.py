"""Statements of the hot path: compiled once, and one step of the database for many rows.

What SQLAlchemy does anew for each call costs more than such a statement, and SQLite's driver lets go of the
interpreter and takes it back for every row it returns or is given: with a busy event loop beside it, that costs more
than both. So many rows go in as one JSON text and come out as one. They run on the driver's cursor, inside the
connection's transaction. Lists inside a statement are of `literal`s: how many there are is part of it.
"""

from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Dialect, Select, Text, bindparam, func, select
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import CompilerElement
from sqlalchemy.types import TypeEngine

Process = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class _Compiled:
    """SQL with, for each parameter of the driver, the index of its value (or a constant) and its type's processor."""

    sql: str
    places: tuple[tuple[int | None, Any, Process], ...]

    def run(self, db: Connection, values: Sequence[Any]) -> Any:
        given = [
            constant if index is None else values[index] if process is None else process(values[index])
            for index, constant, process in self.places
        ]
        with closing(db.connection.cursor()) as cursor:
            cursor.execute(self.sql, given)
            return cursor.fetchone() if cursor.description is not None else None


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

    Its rows come as the driver keeps them: numbers, texts, truth as 0 and 1.
    """

    query: Select[Any]
    names: tuple[str, ...] = ()
    _known: dict[str, tuple[_Compiled, Callable[[Iterable[Any]], Any]]] = field(default_factory=dict, compare=False)

    def rows(self, db: Connection, *values: Any) -> list[Any]:
        """Return all rows, as tuples with the names of the columns."""
        if db.dialect.name not in self._known:
            self._known[db.dialect.name] = self._compile(db.dialect)
        compiled, make = self._known[db.dialect.name]
        return [make(row) for row in json.loads(compiled.run(db, values)[0])]

    def _compile(self, dialect: Dialect) -> tuple[_Compiled, Callable[[Iterable[Any]], Any]]:
        inner = self.query.subquery("found")
        row = func.json_array(*inner.c)
        whole = select(func.json_group_array(row)).select_from(inner)
        selected: Any = namedtuple("selected", inner.c.keys())  # type: ignore[misc]
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
        compiled.run(db, [_as_json([_plain(row, processes) for row in rows])])

    def _compile(self, dialect: Dialect) -> tuple[_Compiled, tuple[Process, ...]]:
        each = func.json_each(bindparam("rows", type_=Text())).table_valued("value")
        columns = [
            func.json_extract(each.c.value, f"$[{index}]", type_=kind).label(name)
            for index, (name, kind) in enumerate(self.kinds.items())
        ]
        statement = self.make(select(*columns).select_from(each).subquery("given"))
        return _compiled(statement, dialect, ["rows"]), tuple(_processor(kind, dialect) for kind in self.kinds.values())


_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _plain(row: Sequence[Any], processes: Sequence[Process]) -> list[Any]:
    return [value if process is None else process(value) for value, process in zip(row, processes, strict=True)]
