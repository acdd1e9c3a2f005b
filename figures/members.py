"""Read a registration: "ket nap hv: Rơ Châm H'Bia sn 2003 dt 0162 345 6789 làng Bối". Nothing is kept from a guess."""

from __future__ import annotations

import re

from figures.intents import BORN, BORN_BARE, BORN_YEAR
from vietnamese.dates import birth
from vietnamese.fold import Aligned
from vietnamese.names import clean_name
from vietnamese.phones import find_numbers

_PHONE_WORD = re.compile(r"\b(?:dt|sdt|so dt|so dien thoai|dien thoai)\b[ .:]*$")
_CHAPTER = re.compile(
    r"\b(?:lang|thon|buon|bon|plei|xom|to dan pho|tdp|chi hoi(?! (?:lang|thon|buon|bon|plei|xom|to dan pho|tdp)\b))\b"
    r"(?: (?!(?:muon|xin|vao|dt|sdt|so|sinh|sn|dan|nha|nhe|a|chi|em|hom|tu|da)\b)\w+){1,4}"
)
_START = re.compile(
    r"\b(?:ho va ten|ho ten|ghi vao danh sach|ket nap|dang ky|dang ki|dk|them"
    r"|nhap|bo sung|xin|cho|moi|hoi vien|hv|ten la|ten|la|chi|em|minh|vao hoi|muon"
    r"|tham gia|gia nhap|hoi phu nu|giup|gium|dum|ho|duoc|dc|1|mot|nguoi|ho ten|ho va ten)\b[ :,.-]*"
)
# What may follow a name before the year of birth: her people, where she lives.
_AFTER_NAME = re.compile(r" ?(?:[,;(\n]|\b(?:nguoi|dan toc|dtoc|o|sinh|sn|vao hoi|muon)\b)")


def read_member(typed: str, text: Aligned) -> dict[str, str | int]:
    """Return what a registration tells: full_name, birth (ISO), birth_year, phone (0…), chapter; only what was told."""
    member: dict[str, str | int] = {}
    folded = text.text.replace("\n", " ")
    born = re.search(BORN, folded) or re.search(BORN_BARE, folded) or re.search(BORN_YEAR, folded)
    phones = find_numbers(folded)
    ends = [born.start()] if born else []
    ends += [_start_of_phone(folded, start) for start, _, _ in phones]
    name = _name(text, min(ends, default=0))
    if name:
        member["full_name"] = name
    if born:
        member.update(_birth(born[1]))
    if phones:
        member["phone"] = "0" + phones[0][2].removeprefix("+84")
    chapter = _CHAPTER.search(folded, max(ends, default=0)) or _CHAPTER.search(folded)
    if chapter:
        start, end = text.span(chapter.start(), chapter.end())
        member["chapter"] = typed[start:end].strip(" .,")
    return member


def _start_of_phone(folded: str, start: int) -> int:
    word = _PHONE_WORD.search(folded, max(0, start - 24), start)
    return word.start() if word else start


def _birth(told: str) -> dict[str, str | int]:
    try:
        day = birth(told)
    except ValueError:
        return {}
    return {"birth_year": int(day)} if len(day) == 4 else {"birth": day, "birth_year": int(day[:4])}


def _name(text: Aligned, end: int) -> str | None:
    """Return the words before the year of birth or phone, without the words of admission at their head."""
    if not end:
        return None
    start = text.text.rfind(":", 0, end) + 1
    while match := _START.match(text.text, start, end):
        start = match.end()
    after = _AFTER_NAME.search(text.text, start + 1, end) if start < end else None
    end = after.start() if after else end
    if start >= end:
        return None
    first, last = text.span(start, end)
    try:
        return clean_name(text.original[first:last].strip(" ,.;:-"))
    except ValueError:
        return None
