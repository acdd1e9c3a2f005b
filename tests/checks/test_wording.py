"""Watch the sentences: every language says the same, every used key has words, none is left over."""

from __future__ import annotations

import ast
import re
from collections import Counter

import pytest

from tests.checks.source import PACKAGES, sources
from tests.checks.wording import (
    FOLLOWERS,
    LOCALES,
    built,
    keys_of,
    languages,
    mentioned,
    messages,
    name_of,
    pattern_of,
    placeholders,
    sentences,
    uses,
    written,
)

REFERENCE = "vi"
OTHERS = [language for language in languages() if language != REFERENCE]


def test_vietnamese_and_english_are_there() -> None:
    assert {"en", REFERENCE} <= set(languages())


@pytest.mark.parametrize("language", languages())
def test_every_key_stands_once_with_words_that_are_final(language: str) -> None:
    text = (LOCALES / f"{language}.po").read_text("utf-8")
    counted = Counter(re.findall(r'^msgid "(.+)"$', text, re.MULTILINE))
    assert [key for key, count in counted.items() if count > 1] == []
    assert [key for key, sentence in sentences(language).items() if not sentence.strip()] == []
    assert [message.id for message in messages(language) if message.fuzzy] == []


@pytest.mark.parametrize("language", languages())
def test_braces_stand_only_round_placeholders(language: str) -> None:
    said = sentences(language)
    assert {key: text for key, text in said.items() if re.search(r"[{}]", re.sub(r"\{\w+\}", "", text))} == {}


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_keys(language: str) -> None:
    assert set(sentences(REFERENCE)) ^ set(sentences(language)) == set()


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_placeholders(language: str) -> None:
    other = sentences(language)
    wrong = {
        key: (placeholders(text), placeholders(other[key]))
        for key, text in sentences(REFERENCE).items()
        if key in other and placeholders(text) != placeholders(other[key])
    }
    assert wrong == {}


def test_every_key_that_code_uses_has_words() -> None:
    known = sentences(REFERENCE)
    assert [f"{use.place} {use.key}" for use in uses() if use.key not in known] == []


def test_no_placeholder_is_left_unfilled() -> None:
    known = sentences(REFERENCE)
    wrong = [
        f"{use.place} {use.key} lacks {', '.join(sorted(placeholders(known[use.key]) - use.given))}"
        for use in uses()
        if use.key in known and use.given is not None and not placeholders(known[use.key]) <= use.given
    ]
    assert wrong == []


def test_no_key_is_left_over() -> None:
    words, patterns = mentioned(), built()
    unused = [
        key
        for key in sentences(REFERENCE)
        if not {key, root_of(key)} & words and not any(pattern.match(key) for pattern in patterns)
    ]
    assert unused == []


def test_no_button_carries_words_written_in_code() -> None:
    labels = [
        f"{source.path}:{call.lineno} {text!r}"
        for source in sources(*PACKAGES)
        for call in ast.walk(source.tree)
        if isinstance(call, ast.Call) and name_of(call.func) in {"Choice", "opening"}
        for label in [
            *call.args[1:2],
            *(keyword.value for keyword in call.keywords if keyword.arg == "label"),
        ]
        for text in written(label)
        if any(character.isalpha() for character in text)
    ]
    assert labels == []


def root_of(key: str) -> str:
    """Return the question a `.retry` or `.help` belongs to, else the key itself."""
    root, _, last = key.rpartition(".")
    return root if root and last in FOLLOWERS else key


def test_a_key_is_found_however_a_call_names_it() -> None:
    calls = [
        'Say("a.b")',
        'reply("a.b", count=1)',
        'Say("a.b" if ok else "a.c")',
        'Conversation("a", ask=f, words="a.words")',
    ]
    found = [keys_of(node) for call in calls for node in ast.walk(ast.parse(call)) if isinstance(node, ast.Call)]
    assert found == [["a.b"], ["a.b"], ["a.b", "a.c"], ["a.words"]]


def test_a_built_key_stands_for_one_word_and_what_follows_a_question() -> None:
    pattern = pattern_of(ast.parse('f"unit.{code}"', mode="eval").body)
    assert pattern.match("unit.household")
    assert pattern.match("unit.household.retry")
    assert not pattern.match("unit.household.other")
    assert root_of("report.held_on.retry") == "report.held_on"
