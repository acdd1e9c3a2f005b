"""Fold Vietnamese text to plain small letters, so that accents, case and ways of typing do not matter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

# U+0027, U+2019, U+02BC and their look-alikes: H'Bia, H’Bia and HBia are one name.
APOSTROPHES = "'’‘ʼʹ`´′＇"
_UNSEEN = frozenset({"Cf", "Cc", "Cs", "Mn", "Me"})
_LETTERS = {"đ": "d", "ð": "d", "ɖ": "d", "ƀ": "b", "–": "-", "—": "-", "−": "-", "\n": "\n", "\r": "\n"}
_LETTER_RUN = re.compile(r"[a-z]+")
_SHORT = re.compile(r"(?<![a-z\d./])[a-z]{1,2}(?![a-z\d])")
_SPACES = re.compile(r"\s+")


def fold(text: str) -> str:
    """Return `text` in small letters without accents or apostrophes, every run of blanks one space.

    Composed and decomposed text, zero-width marks, no-break spaces and full-width digits come out alike.
    """
    return _SPACES.sub(" ", "".join(map(fold_letter, text))).strip()


def is_another_word(typed: str, meant: str) -> bool:
    """Tell whether a word of `typed` carries accents where that of `meant` has none: "quà" is not "qua".

    Wrong accents do not matter: hỏi and ngã are mixed up too often.
    """
    pairs = zip(typed.split(), meant.split(), strict=False)
    return any(fold(word) != word.lower() and fold(other) == other.lower() for word, other in pairs)


def search_key(text: str) -> str:
    """Return the folded text for look-ups: besides `fold`, y is i (Mỹ = Mĩ) and only letters and digits stay."""
    return " ".join(re.findall(r"[^\W_]+", fold(text).replace("y", "i")))


@lru_cache(maxsize=4096)
def fold_letter(letter: str) -> str:
    """Return one character folded: often one, sometimes no character. A line break stays one."""
    if letter in APOSTROPHES:
        return ""
    small = letter.lower()
    if small in _LETTERS:
        return _LETTERS[small]
    if small.isspace():
        return " "
    if "\uff01" <= small <= "\uff5e":
        return fold_letter(chr(ord(small) - 0xFEE0))
    parts = unicodedata.normalize("NFD", small)
    return "".join(_LETTERS.get(part, part) for part in parts if unicodedata.category(part) not in _UNSEEN)


@dataclass(frozen=True, slots=True)
class Aligned:
    """Folded text that knows where each of its characters came from.

    `origins[i]` is the offset in `original` of folded character i; one more entry holds the length of the original.
    """

    original: str
    text: str
    origins: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the offsets in the original of the folded characters `start` to `end` (exclusive, not empty)."""
        return self.origins[start], self.origins[end - 1] + 1

    def typed(self, start: int, end: int) -> str:
        """Return what stands in the original for the folded characters `start` to `end`, in NFC and small letters."""
        return unicodedata.normalize("NFC", self.original[self.origins[start] : self.origins[end]]).lower().strip()

    def blanked(self, spans: Iterable[tuple[int, int]]) -> Aligned:
        """Return a copy in which the folded characters of `spans` read as nothing: each is a NUL."""
        letters = list(self.text)
        for start, end in spans:
            letters[start:end] = "\0" * (end - start)
        return replace(self, text="".join(letters))


def align(text: str) -> Aligned:
    """Fold `text` character by character: runs of blanks become one space, line breaks stay, every place is kept."""
    folded: list[str] = []
    origins: list[int] = []
    for offset, letter in enumerate(text):
        for part in fold_letter(letter):
            if part == " " and folded and folded[-1] == " ":
                continue
            folded.append(part)
            origins.append(offset)
    return Aligned(text, "".join(folded), (*origins, len(text)))


def one_line(text: Aligned) -> Aligned:
    """Return `text` with every run of blanks and line breaks one space, none at its ends; places are kept."""
    letters: list[str] = []
    origins: list[int] = []
    for letter, origin in zip(text.text, text.origins, strict=False):
        blank = letter in " \n"
        if blank and (not letters or letters[-1] == " "):
            continue
        letters.append(" " if blank else letter)
        origins.append(origin)
    if letters and letters[-1] == " ":
        letters.pop()
        origins.pop()
    return replace(text, text="".join(letters), origins=(*origins, text.origins[-1]))


def parted(text: Aligned, joined: Mapping[str, int]) -> Aligned:
    """Return `text` with a space inside words typed as one; `joined` is word → where it parts."""
    letters: list[str] = []
    origins: list[int] = []
    done = 0
    for match in _LETTER_RUN.finditer(text.text):
        place = joined.get(match[0])
        if place is not None:
            cut = match.start() + place
            letters += [text.text[done:cut], " "]
            origins += [*text.origins[done:cut], text.origins[cut]]
            done = cut
    return replace(text, text="".join((*letters, text.text[done:])), origins=(*origins, *text.origins[done:]))


def written_out(text: Aligned, short: Mapping[str, str]) -> Aligned:
    """Return `text` with short words written out: "c" is chị, "ch" chi hội; they point to the same place."""
    letters: list[str] = []
    origins: list[int] = []
    done = 0
    for match in _SHORT.finditer(text.text):
        full = short.get(match[0])
        if full is not None:
            letters += [text.text[done : match.start()], full]
            places = text.origins[match.start() : match.end()]
            origins += [*text.origins[done : match.start()], *places, *[places[-1]] * (len(full) - len(places))]
            done = match.end()
    return replace(text, text="".join((*letters, text.text[done:])), origins=(*origins, *text.origins[done:]))
