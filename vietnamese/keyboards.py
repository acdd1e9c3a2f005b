"""Text typed with the input method left in Telex or VNI: hooij vieen, Hoi65 vie6n. Taken back to plain letters."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace

from vietnamese.fold import Aligned

# No Vietnamese word written in plain letters has these; one such word may still be a name (Ksor), so two are asked for.
_TELEX = re.compile(r"(?<![a-z\d])(?=[a-z]*[aeiouy])[a-z]*(?:aa|ee|oo|dd|[aou]w|(?<=[aeiouy])[jf])[a-z]*(?![a-z\d])")
_TELEX_WORD = re.compile(r"(?<![a-z\d])[a-z]*[aeiouy][a-z]*(?![a-z\d])")
_VNI = re.compile(
    r"(?<![a-z\d])[a-z]{0,3}(?:[aeiouy]+[1-9]{1,2}[a-z]{0,3}[1-5]?|[aeiouy]+[a-z]{1,3}[1-9]{1,2}"
    r"|d9[a-z]+\d{0,2})(?![a-z\d])"
)
# "thon3" and "to2" are a place each; a digit inside a word, or two at its end, is a sign of the keyboard.
_SURE_VNI = re.compile(
    r"(?<![a-z\d])(?:[a-z]{0,4}[aeiouy][6-9][1-5]?[a-z]{1,3}[1-5]?"
    r"|[a-z]{0,5}[aeiouy][a-z]{0,2}[6-8][1-5]|d9[a-z]{1,6}\d{0,2}|"
    r"[a-z]{1,4}[aeiouy][1-5][a-z]{1,2})(?![a-z\d])"
)
# A doubled vowel, an end of ours and a tone in one word: "troongf", not "trees". Names like it ("Koongs") are rare.
_SURE_TELEX = re.compile(
    r"(?<![a-z\d])[a-z]{1,3}(?:aa|ee|oo|[aou]w)(?:(?:ng|nh|ch|[cmnptuiyo])?[fxj]"
    r"|(?:ng|nh|ch)[sr])(?![a-z\d])"
)
_DOUBLED = re.compile(r"(?<![a-z\d])(?![ivx]+(?![a-z]))[a-z]{0,5}[aeiouy][a-z]{0,4}?([a-z])\1{1,5}(?![a-z\d])")
_ROUND_ZERO = re.compile(r"(?<=\d)o{1,4}(?![a-z])")
_ENOUGH = 2


def plain_letters(text: Aligned) -> tuple[Aligned, bool]:
    """Return `text` without left-over Telex or VNI signs, and whether there were any."""
    if len(_TELEX.findall(text.text)) >= _ENOUGH or _SURE_TELEX.search(text.text):
        return _rewritten(text, _TELEX_WORD, _from_telex), True
    if len(_VNI.findall(text.text)) >= _ENOUGH and _SURE_VNI.search(text.text):
        return _rewritten(text, _VNI, _from_vni), True
    return text, False


def single_letters(text: Aligned, known: Collection[str] = ()) -> Aligned:
    """Return `text` with letters doubled at the end of a word once ("kết nạpp") and o after a digit as zero ("5O cây").

    `known` words stay ("matt").
    """
    once = _rewritten(text, _DOUBLED, lambda word: word if word in known else _from_doubled(word))
    return _rewritten(once, _ROUND_ZERO, _from_round_zero)


def _from_round_zero(letters: str) -> str:
    return "0" * len(letters)


def _from_doubled(word: str) -> str:
    return word.rstrip(word[-1]) + word[-1]


def _from_telex(word: str) -> str:
    word = re.sub(r"(?<=[aeiouyw])([a-z]*?)[sfrxj]$", r"\1", word)
    word = re.sub(r"([aeo])\1|(d)d", lambda match: match[1] or match[2], word)
    return re.sub(r"(?<=[aou])w", "", word)


def _from_vni(word: str) -> str:
    return re.sub(r"\d", "", word)


def _rewritten(text: Aligned, words: re.Pattern[str], decode: Callable[[str], str]) -> Aligned:
    letters: list[str] = []
    origins: list[int] = []
    done = 0
    for match in words.finditer(text.text):
        plain = decode(match[0])
        letters.append(text.text[done : match.start()] + plain)
        origins.extend(text.origins[done : match.start()])
        origins.extend(text.origins[match.start() : match.start() + len(plain)])
        done = match.end()
    letters.append(text.text[done:])
    origins.extend(text.origins[done:])
    return replace(text, text="".join(letters), origins=tuple(origins))
