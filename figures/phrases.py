"""Find known phrases in a row of tokens, the longest at each place, in time linear in the text.

Tokens are compared without accents; accents that were typed must then agree: "quà" is a gift, "qua" may be one, "quá"
is not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from vietnamese.fold import Aligned, fold

NUMBER = "#"
ONE = "!"
NO_UNIT = "-"
_TOKEN = re.compile(r"[a-z]+|\d+|#|[^\sa-z\d]", re.ASCII)
_WORD = re.compile(r"[^\W\d_]+")
# Numbers and small words may stand inside a phrase: "kết nạp được 3 hội viên" is "kết nạp hội viên".
MAX_SKIPPED = 6


@dataclass(slots=True)
class Trie:
    """A tree of phrases by token. `ends` holds (code, accents of each token) of the phrases that end here."""

    edges: dict[str, Trie] = field(default_factory=dict)
    ends: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """Tokens in folded form with the accents typed on each; `strict` asks bare letters to be bare in the phrase too."""

    texts: Sequence[str]
    accents: Sequence[str]
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase found: the indexes of its own tokens (skipped ones left out) and the codes it may mean."""

    tokens: tuple[int, ...]
    codes: tuple[str, ...]


def build_trie(phrases: Iterable[tuple[str, str]]) -> Trie:
    """Build a tree of (phrase, code) pairs; phrases may be typed with accents."""
    root = Trie()
    for phrase, code in phrases:
        node = root
        tokens = split(phrase)
        for token in tokens:
            node = node.edges.setdefault(token, Trie())
        end = (code, _phrase_accents(phrase, tokens))
        if end not in node.ends:
            node.ends = (*node.ends, end)
    return root


def split(phrase: str) -> list[str]:
    """Return the tokens of a phrase: words, groups of digits, single other signs."""
    return _TOKEN.findall(fold(phrase))


@lru_cache(maxsize=8192)
def accents_of(word: str) -> str:
    """Return the marks of a word without regard to which letter carries them: hòa and hoà, mới and mơí are alike."""
    marks = [mark for mark in unicodedata.normalize("NFD", word.lower()) if unicodedata.combining(mark) or mark == "đ"]
    return "".join(sorted(marks))


def row_of(text: Aligned, spans: Iterable[tuple[str, int, int]]) -> Row:
    """Make a row of (folded token, start, end) of `text`."""
    tokens = list(spans)
    accents = [accents_of(text.typed(start, end)) if token.isalpha() else "" for token, start, end in tokens]
    return Row([token for token, _, _ in tokens], accents)


def find_phrases(row: Row, trie: Trie, skippable: frozenset[str] = frozenset()) -> list[Found]:
    """Return the longest phrase at each place, left to right, not overlapping; `skippable` tokens may stand inside."""
    found: list[Found] = []
    at = 0
    begins = trie.edges
    for start, token in enumerate(row.texts):
        if start < at or (token not in begins and not token.isdigit()):
            continue
        phrase = longest(row, start, trie, skippable)
        if phrase:
            found.append(phrase)
            at = phrase.tokens[-1] + 1
    return found


def longest(row: Row, start: int, trie: Trie, skippable: frozenset[str] = frozenset()) -> Found | None:
    """Return the longest phrase that begins at token `start`, or None.

    Where one phrase goes on with a certain digit and another with any number ("chi hội 3 sạch", "chi hội #"), both count.
    """
    certain = _walk(row, start, trie, skippable, any_number=False)
    if not _has_fork(row, start, trie):
        return certain
    other = _walk(row, start, trie, skippable, any_number=True)
    return max((found for found in (certain, other) if found), key=lambda found: len(found.tokens), default=None)


def _has_fork(row: Row, start: int, trie: Trie) -> bool:
    """Tell whether two phrases part at a digit within the first few tokens."""
    node = trie
    for token in row.texts[start : start + MAX_SKIPPED]:
        if token.isdigit() and token in node.edges and NUMBER in node.edges:
            return True
        following = node.edges.get(token)
        if following is None:
            return False
        node = following
    return False


def _walk(row: Row, start: int, trie: Trie, skippable: frozenset[str], *, any_number: bool) -> Found | None:
    node, used, best, skipped = trie, [], None, 0
    for at in range(start, len(row.texts)):
        token = row.texts[at]
        number = node.edges.get(NUMBER) if token.isdigit() else None
        following = (number if any_number else None) or node.edges.get(token) or number
        if following is not None:
            node, skipped = following, 0
            used.append(at)
            codes = _agreeing(row, used, node)
            best = Found(tuple(used), codes) if codes else best
        elif not used or not node.edges or skipped >= MAX_SKIPPED or not _may_skip(token, skippable):
            break
        else:
            skipped += 1
    return best


def unit_at(row: Row, at: int, units: Trie) -> Found | None:
    """Return the unit of measure whose words begin at token `at`; "tổ chức" and its like are none."""
    found = longest(row, at, units)
    return None if found is None or NO_UNIT in found.codes else found


def _agreeing(row: Row, used: list[int], node: Trie) -> tuple[str, ...]:
    if not node.ends:
        return ()
    typed = [row.accents[at] for at in used]
    agreeing = [code for code, accents in node.ends if all(map(_agree, typed, accents)) or typed == list(accents)]
    if row.strict:
        agreeing = [code for code, accents in node.ends if typed == list(accents)]
    return tuple(dict.fromkeys(agreeing))


def _agree(typed: str, wanted: str) -> bool:
    return not typed or typed == wanted


def _may_skip(token: str, skippable: frozenset[str]) -> bool:
    return bool(skippable) and (token in skippable or token == NUMBER or token.isdigit())


def _phrase_accents(phrase: str, tokens: list[str]) -> tuple[str, ...]:
    """Return the accents of each token; a phrase typed without any is one that has none to compare."""
    words = iter(_WORD.findall(unicodedata.normalize("NFC", phrase.lower())))
    return tuple(accents_of(next(words, "")) if token.isalpha() else "" for token in tokens)
