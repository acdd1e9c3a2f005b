"""Watch that every setting and every command is explained to the person who runs the program."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Iterator

import click
from pydantic import BaseModel

from bot.config import Config
from tests.checks.source import ROOT


def explained() -> str:
    return "\n".join((ROOT / place).read_text("utf-8") for place in ("README.md", "docs/operations.md"))


def setting_names(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Yield `section.key` for every key of the configuration, sections within sections included."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from setting_names(kind, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def command_names() -> list[str]:
    """Return `lantoa run` and its like, read from the program that pyproject.toml installs."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    return sorted(f"{name} {rest}" for name, target in scripts.items() for rest in subcommands(target))


def subcommands(target: str) -> Iterator[str]:
    program = importlib.import_module(target.partition(":")[0])
    for group in (value for value in vars(program).values() if isinstance(value, click.Group)):
        yield from (name for name, command in group.commands.items() if not command.hidden)


def test_every_setting_is_explained() -> None:
    text, names = explained(), list(setting_names(Config))
    assert "database.url" in names
    assert [name for name in names if f"`{name}`" not in text] == []


def test_every_command_is_explained() -> None:
    text, names = explained(), command_names()
    assert "lantoa run" in names
    assert [name for name in names if name not in text] == []
