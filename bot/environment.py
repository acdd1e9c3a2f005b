"""Read the `LANTOA_…` variables: which setting each names, and secrets that lie in files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

PREFIX = "LANTOA_"
FOR_TESTS = "LANTOA_TEST_"
"""Variables with this beginning belong to the tests and are no settings."""

FILE = "_file"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A variable that names a file which cannot be read."""

    name: str
    file: str


@dataclass(frozen=True, slots=True)
class Environment:
    """Settings by their path (`web.port`) as written, and the variable each came from."""

    values: Mapping[str, str]
    names: Mapping[str, str]
    unreadable: tuple[Unreadable, ...] = ()

    def behind(self, path: str) -> list[str]:
        """Return the names of the variables that set `path` or something inside it."""
        return [name for set_path, name in self.names.items() if f"{set_path}.".startswith(f"{path}.")]


def read_environment(environ: Mapping[str, str], model: type[BaseModel]) -> Environment:
    """Return the settings that `environ` holds for `model`; empty variables count as not set.

    `LANTOA_A__B_FILE` means the content of a file for `a.b`, unless `a.b_file` is a setting itself; it wins
    over `LANTOA_A__B`. Unknown paths are kept: they are mistakes that `model` reports.
    """
    values: dict[str, str] = {}
    names: dict[str, str] = {}
    unreadable: list[Unreadable] = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name.startswith(FOR_TESTS) or not environ[name]:
            continue
        path = name.removeprefix(PREFIX).lower().replace("__", ".")
        value = environ[name]
        if path.endswith(FILE) and not knows(model, path):
            path = path.removesuffix(FILE)
            content = _content(value)
            if content is None:
                unreadable.append(Unreadable(name, value))
                continue
            value = content
        values[path], names[path] = value, name
    return Environment(values, names, tuple(unreadable))


def variable_of(path: str) -> str:
    """Return the variable that sets `path`."""
    return PREFIX + path.upper().replace(".", "__")


def knows(model: type[BaseModel], path: str) -> bool:
    """Tell whether `path` is a setting of `model`."""
    head, _, rest = path.partition(".")
    field = model.model_fields.get(head)
    if field is None:
        return False
    inner = field.annotation
    if not rest:
        return True
    return isinstance(inner, type) and issubclass(inner, BaseModel) and knows(inner, rest)


def overlaid(settings: Mapping[str, Any], environment: Environment) -> dict[str, Any]:
    """Return nested `settings` with the values of the environment put in their places."""
    result = dict(settings)
    for path, value in environment.values.items():
        head, _, rest = path.partition(".")
        result[head] = _put(result.get(head), rest, value) if rest else value
    return result


def with_sections(settings: Any, model: type[BaseModel]) -> Any:
    """Return `settings` with an empty section for each that is missing or left blank, so that its defaults are read."""
    if not isinstance(settings, Mapping):
        return settings
    result = dict(settings)
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            section = result.get(name)
            result[name] = with_sections({} if section is None else section, inner)
    return result


def _put(section: Any, path: str, value: str) -> Any:
    if section is not None and not isinstance(section, Mapping):
        return section  # a mistake of the file, reported where it stands
    head, _, rest = path.partition(".")
    inner = dict(section or {})
    inner[head] = _put(inner.get(head), rest, value) if rest else value
    return inner


def _content(file: str) -> str | None:
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError, ValueError):
        return None
