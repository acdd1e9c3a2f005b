"""Find what is said to the reader at the end of a clause: "3 triệu nha chị", "40 chị ạ"."""

from __future__ import annotations

import re

from vietnamese.fold import Aligned

# "3 triệu nha chị": said to the reader at the end of a clause, no house (nhà).
_CLOSING = re.compile(
    r"\b(?:nha|nhe|nghe|nghen|hen|ha|ne|oi|a|ah|ak|hihi|haha|hehe)(?: (?:chi|em|co|ba|bac|cac chi"
    r"|may chi|chi em))?(?: (?:a|oi|nhe|nha))?"
    r"(?=\s*(?:[.,;!?\n]|$))"
)


def closings_of(text: Aligned) -> list[tuple[int, int]]:
    """Return the places of words said to the reader; typed "nghề may chị" and "nhà chị" are none."""
    found = list(_CLOSING.finditer(text.text))
    return [match.span() for match in found if _particle(text.typed(match.start(), match.end()))]


def _particle(typed: str) -> bool:
    first = typed.split(" ")[0]
    return first.isascii() or first in {"nhé", "nhá", "ạ", "à", "ơi", "hả", "hén", "nè", "né", "há"}
