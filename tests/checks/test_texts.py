"""Watch every file of the project for what must not travel with it."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from tests.checks.source import ROOT, texts

# Written in pieces, or this file would find itself.
HOSTS = re.compile(
    "|".join([r"pypi\.", r"python" + "hosted", r"registry\.np" + "m", "index" + "[-_]url", r"://\S+/simp" + "le/"])
)
MARKS = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
HOMES = re.compile(r"(?<![\w.])(/home/\w|/Users/\w|/ro" + r"ot/\w|[A-Z]:\\Users)")
HERE = tuple(str(place) + "/" for place in (ROOT, Path.home()) if place != Path(place.root))


def found(pattern: re.Pattern[str]) -> list[str]:
    """Return `path:line text` of each line that matches."""
    return [
        f"{path}:{number} {line.strip()[:120]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_package_registry() -> None:
    assert found(HOSTS) == []


def test_no_file_names_a_place_on_one_machine() -> None:
    assert found(HOMES) + found(re.compile("|".join(map(re.escape, HERE)))) == []


def test_nothing_is_left_for_later_in_a_mark() -> None:
    assert found(MARKS) == []


def test_text_is_composed_unicode_with_plain_line_ends() -> None:
    wrong = [path for path, text in texts() if "\r" in text or not unicodedata.is_normalized("NFC", text)]
    assert wrong == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (HOSTS, "--extra-index" + "-url=x"),
        (HOSTS, "from files.python" + "hosted.org"),
        (HOMES, "open /home" + "/mai/lantoa"),
        (HOMES, r"C:" + r"\Users\mai"),
        (MARKS, "# TO" + "DO later"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)
