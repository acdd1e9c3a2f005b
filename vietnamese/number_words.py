"""Numbers in words: hai triệu rưỡi, mười lăm, trăm rưỡi, hai mốt, vài chục. The accents typed decide what is one."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from vietnamese.fold import Aligned

_DIGIT = {
    "mot": 1, "hai": 2, "ba": 3, "bon": 4, "tu": 4, "nam": 5, "lam": 5, "nham": 5, "sau": 6, "bay": 7, "tam": 8,
    "chin": 9,
}  # fmt: skip
_UNITS = {"chuc": 10, "tram": 100, "tr": 10**6, "nghin": 1_000, "ngan": 1_000, "trieu": 10**6, "ty": 10**9, "ti": 10**9}
_FEW = frozenset({"vai", "may", "hang", "dam"})
_TYPED = {
    "mot": {"một", "mốt"}, "hai": {"hai"}, "ba": {"ba"}, "bon": {"bốn"}, "tu": {"tư"}, "nam": {"năm"},
    "lam": {"lăm"}, "nham": {"nhăm"}, "sau": {"sáu"}, "bay": {"bảy", "bẩy"}, "tam": {"tám"}, "chin": {"chín"},
    "muoi": {"mười", "mươi"}, "chuc": {"chục"}, "tram": {"trăm"}, "nghin": {"nghìn"}, "ngan": {"ngàn"},
    "trieu": {"triệu"}, "ty": {"tỷ"}, "ti": {"tỉ"}, "linh": {"linh"}, "le": {"lẻ"}, "ruoi": {"rưỡi", "rưởi"},
    "vai": {"vài"}, "may": {"mấy"}, "hang": {"hàng"}, "ham": {"hăm"}, "nua": {"nửa"}, "tr": {"tr"}, "dam": {"dăm"},
}  # fmt: skip
# Alone and without accents these are more often something else: nam (man, year), sau (after), tu (from), ba (Mrs) …
_UNSURE_ALONE = frozenset({"ba", "nam", "sau", "tu", "bay", "tam", "lam", "bon", "nham", "muoi", "chin"})
_RUN = re.compile(r"\b(?:" + "|".join(_TYPED) + r")(?: (?:" + "|".join(_TYPED) + r"))*\b")
# Typed bare, these are seldom "chục" and "trăm": tổ chức, công chức, viên chức, y tế trạm …
_PART_OF_A_WORD = re.compile(
    r"\b(?:to|cong|vien|chuc|chinh|ban) chuc$|\b(?:y te|cai) tram$|\bthiet hai$"
    r"|\b(?:cuoi|dau|giua|trong|ca|moi|hang|tron|het) nam$|\b(?:tuan|thang|quy|nam|lan|hom|ngay) sau$"
)
# "ba con bo" are three cows, any other "ba con" are bà con, people.
_BA_CON = re.compile(r" con (?!bo|heo|lon|de|ga|vit|trau|cho|giong|ngan|tho)")
_NEXT = re.compile(r" ?([a-z]+)")


@dataclass(frozen=True, slots=True)
class WordNumber:
    """A number in words at a place in the folded text; `value` is None for "a few", `round` marks a bare "chục"."""

    start: int
    end: int
    value: int | None
    money: bool
    scaled: bool
    doubt: str | None
    round: bool = False


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    word: str
    bare: bool


def read_words(text: Aligned, counted: Collection[str] = ()) -> list[WordNumber]:
    """Return the numbers in words. A single digit word counts only before one of `counted` or a scale."""
    found = []
    accented = not text.typed(0, len(text.text)).isascii()
    for run in _RUN.finditer(text.text):
        for words in _number_runs(_words_of(run, text, accented=accented)):
            if accented and len(words) == 1 and words[0].bare and words[0].word != "mot":
                continue  # among accents "nam" is no năm
            number = _number(words, text, counted)
            if number:
                found.append(number)
    return found


def _words_of(run: re.Match[str], text: Aligned, *, accented: bool) -> list[_Word | None]:
    """Return the words of a run, None for each whose accents make it another; who types accents means "ba" as it is."""
    words: list[_Word | None] = []
    for match in re.compile(r"[a-z]+").finditer(text.text, run.start(), run.end()):
        typed = text.typed(*match.span())
        fits = typed.isascii() or typed in _TYPED[match[0]]
        bare = typed.isascii() and not (accented and typed in _TYPED[match[0]])
        words.append(_Word(match.start(), match.end(), match[0], bare) if fits else None)
    return words


def _number_runs(words: list[_Word | None]) -> list[list[_Word]]:
    runs: list[list[_Word]] = [[]]
    for word in words:
        if word is None:
            runs.append([])
        else:
            runs[-1].append(word)
    return [led for run in runs if (led := _without_tail_words(run))]


def _without_tail_words(run: list[_Word]) -> list[_Word]:
    """Leave out lăm and nhăm at the head, which only follow tens: "lam mot cai nha" is làm một."""
    while len(run) > 1 and run[0].word in {"lam", "nham"}:
        run = run[1:]
    return run


def _number(words: list[_Word], text: Aligned, counted: Collection[str]) -> WordNumber | None:
    names = [word.word for word in words]
    if names[0] == "muoi" and len(names) == 1 and text.typed(words[0].start, words[0].end) == "mươi":
        after = _NEXT.match(text.text, words[0].end)
        about = bool(after and after[1] in counted)
        return WordNumber(words[0].start, words[0].end, None, False, True, "vague") if about else None
    follower = _NEXT.match(text.text, words[-1].end)
    before_counted = bool(follower and follower[1] in counted)
    start, end = words[0].start, words[-1].end
    money = any(name in {"trieu", "tr", "ty", "ti"} for name in names)
    if names[0] in _FEW:
        few = names[1:2] in [[unit] for unit in (*_UNITS, "muoi")] or (before_counted and names[0] == "vai")
        return WordNumber(start, end, None, money, True, "vague") if few else None
    part = words[0].bare or names == ["nam"]
    # "trồng năm cây" plants five; typed bare it may be in the year, which is asked.
    before = text.typed(max(0, start - len("trong ")), start)
    planted = before == "trồng" or (before == "trong" and before_counted)
    if len(words) == 1 and part and not planted and _PART_OF_A_WORD.search(text.text[max(0, start - 8) : end]):
        return None
    if names == ["nam"] and re.search(r"[\d\0] ?$", text.text[max(0, start - 3) : start]):
        # "2 năm chị ạ": years.
        return None
    if names in (["tu"], ["lam"], ["nham"]):
        # Only after tens are these numbers; "tư vấn" is none.
        return None
    if names == ["ba"] and words[0].bare and _BA_CON.match(text.text, end):
        return None
    value = _value(names)
    scaled = any(name in _UNITS for name in names)
    if value is None:
        return WordNumber(start, end, None, money, True, "words") if scaled and len(names) > 2 else None
    if len(words) == 1 and not before_counted:
        return None
    if _two_bare_digits(words, names) and not before_counted:
        return None
    unsure = len(words) == 1 and words[0].bare and names[0] in _UNSURE_ALONE and names[0] not in {"ba"}
    if unsure and names[0] in {"tu", "lam", "nham"}:
        return None
    shaky = (
        _shaky(words)
        or (names[0] == "nua" and words[0].bare)
        or (_two_bare_digits(words, names) and names[1] not in {"mot", "lam"})
    )
    doubt = "words" if unsure or shaky else None
    return WordNumber(start, end, value, money, scaled, doubt, round=names in (["chuc"], ["tram"]))


def _two_bare_digits(words: list[_Word], names: list[str]) -> bool:
    """Tell whether it is "hai nham", "hai sau": 25 and 26, or hái nhầm, hại sau …"""
    return len(words) == 2 and all(word.bare for word in words) and all(name in _DIGIT for name in names)


def _shaky(words: list[_Word]) -> bool:
    """Tell whether only two bare, ambiguous words make the number: "nam tu", "sau bay"."""
    return all(word.bare and word.word in _UNSURE_ALONE for word in words) and "muoi" not in {w.word for w in words}


def _value(names: list[str]) -> int | None:
    """Return the value of number words from the largest unit down; None where they make no number."""
    if names[0] == "nua":
        return _UNITS[names[1]] // 2 if len(names) == 2 and _UNITS.get(names[1], 0) >= 1_000 else None
    total, rest = 0, names
    for unit in (("ty", "ti"), ("trieu", "tr"), ("nghin", "ngan")):
        at = next((i for i, name in enumerate(rest) if name in unit), None)
        if at is None:
            continue
        head, rest = rest[:at], rest[at + 1 :]
        size = _UNITS[unit[0]]
        count = _hundreds(head) if head else 1
        if count is None:
            return None
        total += count * size
        if rest == ["ruoi"]:
            return total + size // 2
        if len(rest) == 1 and rest[0] in _DIGIT:
            return total + _DIGIT[rest[0]] * size // 10
    tail = _hundreds(rest) if rest else 0
    # "một triệu hai trăm" leaves the thousands out.
    short = 1_000 if "tram" in rest and total and total % 1_000_000 == 0 and not {"nghin", "ngan"} & {*names} else 1
    short = short * 1_000 if short > 1 and total % 10**9 == 0 else short
    return None if tail is None else total + tail * short


def _hundreds(names: list[str]) -> int | None:
    """Return the value of words below a thousand."""
    if "tram" not in names:
        return _tens(names)
    at = names.index("tram")
    head, rest = names[:at], names[at + 1 :]
    count = _DIGIT.get(head[0]) if len(head) == 1 else 1 if not head else None
    if count is None:
        return None
    if rest == ["ruoi"]:
        return count * 100 + 50
    if len(rest) == 1 and rest[0] in _DIGIT:
        return count * 100 + _DIGIT[rest[0]] * 10
    if rest and rest[0] in {"linh", "le"}:
        return count * 100 + _DIGIT[rest[1]] if len(rest) == 2 and rest[1] in _DIGIT else None
    tail = _tens(rest) if rest else 0
    return None if tail is None else count * 100 + tail


def _tens(names: list[str]) -> int | None:
    """Return the value of words below a hundred: mười lăm, hai mươi mốt, hai mốt, ba chục, hăm ba."""
    if not names:
        return None
    if len(names) == 1:
        return {"muoi": 10, "chuc": 10}.get(names[0], _DIGIT.get(names[0]))
    if names[0] in {"muoi", "ham"}:
        tens = 10 if names[0] == "muoi" else 20
        return tens + _DIGIT[names[1]] if len(names) == 2 and names[1] in _DIGIT else None
    if names[0] not in _DIGIT:
        return None
    tens = _DIGIT[names[0]] * 10
    rest = names[1:]
    if rest[0] in {"muoi", "chuc"}:
        rest = rest[1:]
        if rest == ["ruoi"]:
            return tens + 5
    if not rest:
        return tens
    return tens + _DIGIT[rest[0]] if len(rest) == 1 and rest[0] in _DIGIT else None
