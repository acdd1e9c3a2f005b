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
from itertools import accumulate

from vietnamese.fold import Aligned, fold

NUMBER = "#"
ONE = "!"
NO_UNIT = "-"
_TOKEN = re.compile(r"[a-z]+|\d+|#|[^\sa-z\d]", re.ASCII)
_WORD = re.compile(r"[^\W\d_]+")
# Numbers and small words may stand inside a phrase: "kết nạp được 3 hội viên" is "kết nạp hội viên".
MAX_SKIPPED = 6
_NEAR = 4


@dataclass(slots=True)
class Trie:
    """A tree of phrases by token. `ends` holds (code, accents of each token) of the phrases that end here."""

    edges: dict[str, Trie] = field(default_factory=dict)
    ends: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """Tokens in folded form with the accents typed on each.

    `strict` tells of each token whether it stands among words typed with accents: then bare letters must be bare in the
    phrase too. Empty where that is not asked.
    """

    texts: Sequence[str]
    accents: Sequence[str]
    strict: tuple[bool, ...] = ()


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


def strict_places(accents: Sequence[str]) -> tuple[bool, ...]:
    """Tell of each token whether accents were typed on it or near it; people mix both ways in one message."""
    marked = [0, *accumulate(bool(typed) for typed in accents)]
    last = len(accents)
    return tuple(marked[min(last, at + _NEAR + 1)] > marked[max(0, at - _NEAR)] for at in range(last))


def find_phrases(row: Row, trie: Trie, skippable: frozenset[str] = frozenset()) -> list[Found]:
    """Return the longest phrase at each place, left to right; of two that overlap the one with more words.

    `skippable` tokens may stand inside.
    """
    found: list[Found] = []
    at = 0
    for start in range(len(row.texts)):
        phrase = longest(row, start, trie, skippable) if start >= at else None
        if phrase:
            other = _longer_inside(row, phrase, trie, skippable)
            if other:
                phrase = longest(row, start, trie, skippable, end=other.tokens[0])
            found += [one for one in (phrase, other) if one]
            at = found[-1].tokens[-1] + 1
    return found


def _longer_inside(row: Row, phrase: Found, trie: Trie, skippable: frozenset[str]) -> Found | None:
    """Return a phrase with more words that begins inside this one and ends after it."""
    for start in phrase.tokens[1:]:
        other = longest(row, start, trie, skippable)
        if other and len(other.tokens) > len(phrase.tokens) and other.tokens[-1] > phrase.tokens[-1]:
            return other
    return None


def longest(
    row: Row, start: int, trie: Trie, skippable: frozenset[str] = frozenset(), *, end: int | None = None
) -> Found | None:
    """Return the phrase of most words that begins at token `start` and ends before `end`, or None."""
    token = row.texts[start] if start < len(row.texts) else ""
    if token not in trie.edges and not (token.isdigit() and NUMBER in trie.edges):
        return None
    stop = len(row.texts) if end is None else end
    best: Found | None = None
    paths: list[tuple[int, Trie, tuple[int, ...], int]] = [(start, trie, (), 0)]
    while paths:
        at, node, used, skipped = paths.pop()
        codes = _agreeing(row, used, node)
        if codes and (best is None or (len(used), used[-1]) > (len(best.tokens), best.tokens[-1])):
            best = Found(used, codes)
        if at == stop or not node.edges:
            continue
        token = row.texts[at]
        after_comma = bool(used) and row.texts[used[-1]] == ","
        if used and skipped < MAX_SKIPPED and not after_comma and _may_skip(token, skippable):
            paths.append((at + 1, node, used, skipped + 1))
        # A certain digit and any number may both go on: "chi hội 3 sạch", "chi hội #".
        for edge in {token, NUMBER} if token.isdigit() else {token}:
            if edge in node.edges:
                paths.append((at + 1, node.edges[edge], (*used, at), skipped))
    return best


def unit_at(row: Row, at: int, units: Trie) -> Found | None:
    """Return the unit of measure whose words begin at token `at`; "tổ chức" and its like are none."""
    found = longest(row, at, units)
    return None if found is None or NO_UNIT in found.codes else found


def _agreeing(row: Row, used: Sequence[int], node: Trie) -> tuple[str, ...]:
    if not node.ends:
        return ()
    typed = [row.accents[at] for at in used]
    # Among words with accents a bare one is meant bare; a phrase of several bare words is hardly another.
    strict = bool(row.strict) and len(used) == 1 and row.strict[used[0]]
    agreeing = [code for code, accents in node.ends if _agree(typed, accents, strict=strict)]
    return tuple(dict.fromkeys(agreeing))


def _agree(typed: Sequence[str], wanted: Sequence[str], *, strict: bool) -> bool:
    if strict:
        return list(typed) == list(wanted)
    return all(not one or one == other for one, other in zip(typed, wanted, strict=True))


def _may_skip(token: str, skippable: frozenset[str]) -> bool:
    return bool(skippable) and (token in skippable or token == NUMBER or token.isdigit())


def _phrase_accents(phrase: str, tokens: list[str]) -> tuple[str, ...]:
    """Return the accents of each token; a phrase typed without any is one that has none to compare."""
    words = iter(_WORD.findall(unicodedata.normalize("NFC", phrase.lower())))
    return tuple(accents_of(next(words, "")) if token.isalpha() else "" for token in tokens)
