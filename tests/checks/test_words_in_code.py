"""Watch what code may name: no provider outside its channel, no level of the tree, no sentence for people."""

from __future__ import annotations

import ast
import re
import unicodedata

import pytest

from tests.checks.source import PACKAGES, said, sources

PROVIDER = re.compile("telegram|zalo", re.IGNORECASE)
WITHOUT_PROVIDERS = ("dialogue", "figures", "handlers", "storage", "vietnamese")
WITHOUT_SENTENCES = ("bot", "console", "dialogue", "handlers", "storage")
# `vietnamese` reads the language, where "xa" is a word like any other; it knows nothing of the tree.
WITHOUT_LEVELS = tuple(package for package in PACKAGES if package != "vietnamese")
LEVELS = {
    "chi_hoi",
    "co_so",
    "commune",
    "district",
    "huyen",
    "phuong",
    "province",
    "tinh",
    "trung_uong",
    "xa",
}
CHANNEL = {"channel", "channel_name"}
VIETNAMESE_MARKS = set("\u0300\u0301\u0302\u0303\u0306\u0309\u031b\u0323")


def test_only_a_channel_names_its_provider() -> None:
    found = [
        f"{source.path}:{number} {line.strip()}"
        for source in sources(*WITHOUT_PROVIDERS)
        for number, line in enumerate(source.text.splitlines(), 1)
        if PROVIDER.search(line)
    ]
    assert found == []


def test_no_code_asks_which_channel_it_is() -> None:
    assert [f"{source.path}:{line}" for source in sources(*PACKAGES) for line in channel_tests(source.tree)] == []


def test_no_level_of_the_tree_is_named() -> None:
    found = [
        f"{source.path}:{line} {text!r}"
        for source in sources(*WITHOUT_LEVELS)
        for line, text in said(source.tree)
        if text.lower() in LEVELS
    ]
    assert found == []


MARKS = (
    "[ảnh]",
    "[sửa]",
    "trên web",
    "[giọng nói]",
    "[tệp]",
    "[nhãn dán]",
    "[vị trí]",
    "[danh thiếp]",
    "[ảnh quá lớn]",
)
NOTATION = {("bot/transcript.py", mark) for mark in MARKS}
"""Marks of our own file formats, read by a program and never shown in a chat."""


def test_no_sentence_for_people_stands_in_code() -> None:
    found = [
        f"{source.path}:{line} {text!r}"
        for source in sources(*WITHOUT_SENTENCES)
        for line, text in said(source.tree)
        if is_vietnamese(text) and (source.path, text) not in NOTATION
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        'channel == "web_chat"',
        '"web_chat" != address.channel',
        'inbound.channel.name in ("terminal", "web_chat")',
        'row["channel"] == "terminal"',
        'match contact.channel:\n    case "terminal":\n        pass',
    ],
)
def test_a_question_for_the_channel_is_seen(code: str) -> None:
    assert channel_tests(ast.parse(code)) != []


@pytest.mark.parametrize("code", ["address.c.channel == channel", 'kind == "terminal"', "channel in channels"])
def test_passing_a_channel_on_is_allowed(code: str) -> None:
    assert channel_tests(ast.parse(code)) == []


@pytest.mark.parametrize("text", ["Đồng ý", "Bao nhieu cay ạ?", "xã", "đ"])
def test_vietnamese_is_known_by_its_marks(text: str) -> None:
    assert is_vietnamese(text)
    assert not is_vietnamese("The report was kept · 5 – 7 →")


def is_vietnamese(text: str) -> bool:
    parts = unicodedata.normalize("NFD", text)
    return any(character in "đĐ" or character in VIETNAMESE_MARKS for character in parts)


def channel_tests(tree: ast.AST) -> list[int]:
    """Return the lines where a channel is compared with a name written in the code."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(map(is_channel, sides)) and any(map(is_name, sides)):
                lines.append(node.lineno)
        elif isinstance(node, ast.Match) and is_channel(node.subject):
            lines.append(node.lineno)
    return lines


def is_channel(node: ast.expr) -> bool:
    match node:
        case ast.Name(id=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return name in CHANNEL
        case ast.Attribute(value=owner, attr=name):
            return name in CHANNEL or (name == "name" and is_channel(owner))
        case _:
            return False


def is_name(node: ast.expr) -> bool:
    parts = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    return any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in parts)
