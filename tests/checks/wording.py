"""Read the wording files, and how code and content use their keys."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import IO, cast

from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from tests.checks.source import PACKAGES, ROOT, said, sources, texts

LOCALES = ROOT / "content" / "locales"
PLACEHOLDER = re.compile(r"\{(\w+)\}")
KEY = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*")
TAKES_KEY = {"Ask", "Invalid", "Say", "reply", "say", "sentence", "words"}
KEY_KEYWORDS = {"words"}
FOLLOWERS = ("help", "none", "retry", "words")
"""What a question may have beside its sentence: `report.held_on.retry`."""

DYNAMIC_PREFIXES: tuple[str, ...] = ()
"""Beginnings of keys that code builds other than by an f-string, which is found by itself."""


@dataclass(frozen=True)
class Use:
    """A key used at a place in code; `given` names the values filled in, None where code builds them."""

    place: str
    key: str
    given: frozenset[str] | None


def languages() -> list[str]:
    """Return the codes of the languages that have a wording file, in alphabetical order."""
    return sorted(path.stem for path in LOCALES.glob("*.po"))


@cache
def messages(language: str) -> tuple[Message, ...]:
    """Return the sentences of a language; `BabelError` where the file cannot be read."""
    with (LOCALES / f"{language}.po").open("rb") as file:
        return tuple(message for message in read_po(cast(IO[bytes], file), abort_invalid=True) if message.id)


def sentences(language: str) -> dict[str, str]:
    """Return key → sentence."""
    return {str(message.id): str(message.string) for message in messages(language)}


def placeholders(sentence: str) -> frozenset[str]:
    return frozenset(PLACEHOLDER.findall(sentence))


def uses() -> Iterator[Use]:
    """Yield every key that code outside the tests names where a sentence is wanted.

    `figures` names doubts of a reading, which handlers put into words of their own.
    """
    for source in sources(*(package for package in PACKAGES if package != "figures")):
        for call in ast.walk(source.tree):
            if isinstance(call, ast.Call):
                yield from (Use(f"{source.path}:{call.lineno}", key, given(call)) for key in keys_of(call))


def keys_of(call: ast.Call) -> list[str]:
    """Return the keys a call names, both of `a if … else b`."""
    wanted = [keyword.value for keyword in call.keywords if keyword.arg in KEY_KEYWORDS]
    if name_of(call.func) in TAKES_KEY:
        wanted += call.args[:1]
    return [key for node in wanted for key in written(node)]


def name_of(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def written(node: ast.expr) -> list[str]:
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=one, orelse=other):
            return written(one) + written(other)
        case _:
            return []


def given(call: ast.Call) -> frozenset[str] | None:
    """Return the names of the values a call fills in, None where the code does not write them out."""
    name = name_of(call.func)
    if name in {"Invalid", "reply"}:
        names = [keyword.arg for keyword in call.keywords]
        return None if None in names else frozenset(filter(None, names))
    if name != "Say":
        return None
    values = [*call.args[1:], *(keyword.value for keyword in call.keywords)]
    return frozenset() if not values else names_in(values[0])


def names_in(values: ast.expr) -> frozenset[str] | None:
    if not isinstance(values, ast.Dict):
        return None
    names = [key.value for key in values.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    return frozenset(names) if len(names) == len(values.keys) else None


def mentioned() -> set[str]:
    """Return every word of code, content and pages that could be a key."""
    words = {text for source in sources(*PACKAGES) for _, text in said(source.tree)}
    for path, text in texts():
        if path.startswith(("bot/", "console/", "content/")) and not path.endswith((".po", ".py")):
            words.update(KEY.findall(text))
    return words


def built() -> list[re.Pattern[str]]:
    """Return a pattern per f-string that builds keys: `f"unit.{code}"` stands for `unit.` and one word."""
    found = [re.compile(re.escape(prefix)) for prefix in DYNAMIC_PREFIXES]
    for source in sources(*PACKAGES):
        found += [pattern_of(node) for node in ast.walk(source.tree) if is_key_template(node)]
    return found


def is_key_template(node: ast.AST) -> bool:
    match node:
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), *_]):
            return re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z0-9_.]*", start) is not None
        case _:
            return False


def pattern_of(template: ast.AST) -> re.Pattern[str]:
    assert isinstance(template, ast.JoinedStr)
    parts = [
        re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[A-Za-z0-9_]+" for part in template.values
    ]
    followers = "|".join(FOLLOWERS)
    return re.compile(rf"{''.join(parts)}(\.({followers}))?$")
