"""Where a message's sentences and clauses end, and the tokens it is cut into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from figures.phrases import NUMBER

DATE = "\\d"
FIXED = "\\f"
STRONG = frozenset({";", "|", "\n", "•", "!", "?"})
WEAK = frozenset({",", "+", "&", "(", ")", "va", "nhung"})


@dataclass(frozen=True, slots=True)
class Token:
    """A word, sign, number (`#`), date or fixed phrase, with its place in the folded text."""

    start: int
    end: int
    text: str


def boundaries(tokens: Sequence[Token]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return for each token how many ends of sentences, and how many commas and their like, stand up to it."""
    texts = [token.text for token in tokens]
    dashes = _dashes(tokens)
    strong, weak = [], []
    strong_count = weak_count = 0
    for i, text in enumerate(texts):
        ends_sentence = text == "." and not (i + 1 < len(texts) and texts[i + 1].isdigit())
        strong_count += text in STRONG or ends_sentence
        weak_count += text in WEAK or i in dashes
        strong.append(strong_count)
        weak.append(weak_count)
    return tuple(strong), tuple(weak)


def _dashes(tokens: Sequence[Token]) -> frozenset[int]:
    """Return the dashes between blanks that part a list: "hv mới: 12 - thoát nghèo: 4"."""
    return frozenset(
        at
        for at in range(1, len(tokens) - 1)
        if tokens[at].text == "-"
        and tokens[at - 1].end < tokens[at].start
        and tokens[at].end < tokens[at + 1].start
        and tokens[at + 1].text not in {NUMBER, DATE}
        and tokens[at - 1].text != "\n"
    )
