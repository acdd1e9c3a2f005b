"""Watch that the pure packages stay pure: what they need of the world is an argument."""

from __future__ import annotations

import ast

import pytest

from tests.checks.source import sources

PURE = ("dialogue", "figures", "vietnamese")
READS_THE_WORLD = {
    "input",
    "now",
    "open",
    "print",
    "read_bytes",
    "read_text",
    "today",
    "utcnow",
    "write_bytes",
    "write_text",
}


def test_pure_packages_read_no_clock_and_no_file() -> None:
    assert [f"{source.path}:{call}" for source in sources(*PURE) for call in worldly_calls(source.tree)] == []


@pytest.mark.parametrize("code", ["datetime.now(UTC)", "date.today()", "open(path)", "path.read_text()"])
def test_reading_the_world_is_seen(code: str) -> None:
    assert len(worldly_calls(ast.parse(code))) == 1


def worldly_calls(tree: ast.AST) -> list[str]:
    """Return `line name` of each call that asks the clock, a file or the terminal."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [f"{call.lineno} {called(call)}" for call in calls if called(call) in READS_THE_WORLD]


def called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
