"""Names of people, kept as their owners write them; compared by a key. Sex is never derived from a name."""

from __future__ import annotations

import re
import unicodedata

from vietnamese.fold import search_key

MAX_NAME_CHARS = 80
_CLEAR_MARKS = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")


def clean_name(text: str) -> str:
    """Return a full name as typed, in NFC with single spaces.

    `ValueError` for an empty name, digits, control characters, no letter at all, or more than 80 characters.
    """
    name = " ".join(unicodedata.normalize("NFC", _CLEAR_MARKS.sub("", text)).split())
    if not name or len(name) > MAX_NAME_CHARS:
        raise ValueError("a name has 1 to 80 characters")
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Cn", "Co", "Nd", "No", "Nl"} for letter in name):
        raise ValueError("a name has no digits or control characters")
    if not any(letter.isalpha() for letter in name):
        raise ValueError("a name has letters")
    return name


def name_key(text: str) -> str:
    """Return the key by which two spellings of a name are equal: accents, case, blanks and apostrophes do not count.

    H'Bia, H’Bia, HBia and H Bia have one key.
    """
    return re.sub(r"\b([hk]) (?=[a-z])", r"\1", search_key(text))
