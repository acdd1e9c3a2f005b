"""Watch the limits of `CONTRIBUTING.md`: short functions, short files, few parameters, shallow nesting."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.checks.source import ROOT, Source, sources

Function = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)

MAX_FUNCTION_LINES = 60
MAX_FILE_LINES = 450
MAX_POSITIONAL = 5
MAX_NESTING = 4
VAGUE_NAMES = {"common", "helper", "helpers", "manager", "misc", "service", "services", "util", "utils"}


MIGRATIONS = "storage/migrations/versions/"
"""Written by a program, one straight list of tables; cutting it up would only hide what it does."""


def functions() -> Iterator[tuple[Source, Function]]:
    return ((source, function) for source in by_hand() for function in defined(source.tree))


def by_hand() -> Iterator[Source]:
    return (source for source in sources() if not source.path.startswith(MIGRATIONS))


def test_no_file_is_longer_than_450_lines() -> None:
    sizes = {source.path: source.text.count("\n") for source in by_hand()}
    assert {path: size for path, size in sizes.items() if size > MAX_FILE_LINES} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    sizes = {named(*found): length(found[1]) for found in functions()}
    assert {name: size for name, size in sizes.items() if size > MAX_FUNCTION_LINES} == {}


def test_no_function_takes_more_than_five_arguments_by_position() -> None:
    counts = {named(*found): positional(found[1]) for found in functions()}
    assert {name: count for name, count in counts.items() if count > MAX_POSITIONAL} == {}


def test_no_function_nests_deeper_than_four_blocks() -> None:
    depths = {named(*found): nesting(found[1].body) for found in functions()}
    assert {name: depth for name, depth in depths.items() if depth > MAX_NESTING} == {}


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [source.path for source in sources() if Path(source.path).stem in VAGUE_NAMES] == []


def test_the_project_is_read_where_it_lies() -> None:
    paths = {source.path for source in sources()}
    assert "tests/checks/test_shape.py" in paths
    assert not [path for path in paths if path.startswith((".", "var/"))]
    assert (ROOT / "pyproject.toml").is_file()


FLAT = """
def flat(x):
    if x == 1:
        pass
    elif x == 2:
        pass
    elif x == 3:
        pass
"""
DEEP = """
def deep(x):
    for y in x:
        try:
            pass
        except OSError:
            if y:
                pass
"""


def test_nesting_counts_blocks_and_takes_elif_for_the_same_level() -> None:
    assert nesting(ast.parse(FLAT).body) == 0
    assert [nesting(node.body) for code in (FLAT, DEEP) for node in defined(ast.parse(code))] == [1, 3]


def defined(tree: ast.AST) -> list[Function]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def named(source: Source, function: Function) -> str:
    return f"{source.path}:{function.lineno} {function.name}"


def length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def positional(function: Function) -> int:
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return len(names[1:] if names[:1] in (["self"], ["cls"]) else names)


def nesting(body: list[ast.stmt]) -> int:
    """Return how deep blocks lie in each other; a function inside a function is counted by itself."""
    return max((1 + max(map(nesting, inner(node))) for node in body if isinstance(node, BLOCKS)), default=0)


def inner(block: ast.stmt) -> list[list[ast.stmt]]:
    bodies = [getattr(block, name, []) for name in ("body", "finalbody")]
    bodies += [part.body for name in ("handlers", "cases") for part in getattr(block, name, [])]
    other = getattr(block, "orelse", [])
    is_elif = isinstance(block, ast.If) and len(other) == 1 and isinstance(other[0], ast.If)
    return [*bodies, *(inner(other[0]) if is_elif else [other])]
