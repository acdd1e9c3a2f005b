"""Read the files of the project for the checks: which there are, their text, their syntax trees."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "console", "handlers", "storage", "dialogue", "figures", "vietnamese")
LEFT_BY_TOOLS = {"__pycache__", "build", "dist", "node_modules", "var"}
KEPT_HIDDEN = {".ci", ".github", ".gitattributes", ".gitignore"}


@dataclass(frozen=True)
class Source:
    """A Python file: its path from the root, its text and its tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The top-level folder the file lies in."""
        return self.path.partition("/")[0]


def files() -> Iterator[Path]:
    """Yield every file that belongs to the project, without asking git: a copy without it is checked too."""
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(name for name in subfolders if _is_ours(Path(folder, name)))
        yield from (Path(folder, name) for name in sorted(names) if _is_ours(Path(folder, name)))


def _is_ours(path: Path) -> bool:
    if path.name.startswith("."):
        return path.name in KEPT_HIDDEN
    return path.name not in LEFT_BY_TOOLS and path.suffix != ".egg-info" and not (path / "pyvenv.cfg").exists()


def texts() -> Iterator[tuple[str, str]]:
    """Yield (path from the root, text) of every file that is UTF-8 text."""
    for path in files():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


def sources(*packages: str) -> Iterator[Source]:
    """Yield the Python files of `packages`, or of the whole project where none is named."""
    for path in files():
        place = path.relative_to(ROOT).as_posix()
        if path.suffix == ".py" and (not packages or place.partition("/")[0] in packages):
            text = path.read_text("utf-8")
            yield Source(place, text, ast.parse(text, place))


def said(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of every string literal that the program uses: not docstrings."""
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.lineno, node.value
