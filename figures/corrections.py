"""Tell the right numbers of a correction from the wrong: "5 chứ không phải 3", "3 nhầm, 5 mới đúng", "sửa 3 thành 5".

Works on the tokens of a scan joined to one line, where a number is `#` and a day or period `@`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from figures.draft import Draft
from figures.reading_types import Ask, Reading, Record
from figures.scan import Quantity, Scan

_NO = r"(?:khong|ko|k|kg|hong|hok|hem|chua|chang|kh|hk|hg)"
_NOT = rf"(?:chu )?(?:{_NO} phai|dau phai)(?: la)?|chu {_NO}|thay vi|thay cho"
_WROTE = r"(?:bao cao|bao|bc|ghi|go|danh may|danh|nhap|bam|viet|nhan|gui|dem|tinh|doc)"
_WRONGLY = r"(?:nham|lon|sai|thieu|sot|lo|bay|trat|nguoc)"
_ME = r"(?:chi hoi em|chi hoi|em|e|minh|xa|to|chi em|con) "
_THING = r"(?:(?!nhung|nma|ma|dung|thanh|la|con)[a-z]+ )"
_EARLIER = r"(?:(?:hoi|luc|ban|khi) (?:nay|sang|trua|chieu|toi|dau|na|nong|hom|som)|truoc do|lan truoc|truoc|ban dau|@)"
# Each pattern ends right before the wrong number, or begins with it.
_BEFORE = (
    re.compile(rf"\b(?:{_NOT}) {_THING}{{0,3}}(?=#)"),
    re.compile(
        rf"(?<![a-z]){_EARLIER} (?:{_ME})?(?:co |da |lo |dem |thieu )*{_WROTE} (?:cho chi |thieu |du "
        rf"|la |co |toi )*{_THING}{{0,3}}(?=#)"
    ),
    re.compile(
        rf"\b(?:tu|sua|doi|truoc la|truoc ghi"
        rf"|truoc bao) {_THING}{{0,4}}(?=# (?:{_THING}{{0,3}})(?:xuong|len|thanh|sang|qua|con)\b)"
    ),
)
# "12 hộ -> 11 hộ"
_TOLD_ONCE = re.compile(
    rf"\b{_ME}(?:co |da |lo )*{_WROTE} (?:la |co )?{_THING}{{0,3}}(?=#[^.;]{{0,40}}\b(?:thuc te|thuc ra"
    rf"|that ra|dem lai|ra lai)\b)"
    rf"|\( (?:da |{_ME})?(?:bao|ghi|gui) (?:la )?(?=#)"
)
_ARROW = re.compile(rf"(?=# {_THING}{{0,4}}(?:- >|= >|→) #)")
_RIGHT = re.compile(
    rf"\b(?:dung(?: ra)?(?: la)?|phai la|{_ME}(?:bi )?(?:nham|lon) ,) (?:chi |co |la ){{0,2}}(?=#)"
    rf"|(?=# {_THING}{{0,3}}moi dung)"
)
_WRONG_BEFORE = re.compile(
    rf"\b(?:{_WROTE} {_WRONGLY}|nham|lon)(?: (?:thanh|la|co|so|mat|roi|ra|toi|den|len|qua))* {_THING}{{0,3}}(?=#)"
)
# "báo thiếu 2 chị" tells by how much it was wrong.
_BY_HOW_MUCH = re.compile(r"\b(?:bao|ghi|dem|nhap|gui|tinh|dien) (?:thieu|sot|lo|du|thua) (?:mat |mot )?(?=#)")
_WRONG_AFTER = re.compile(
    rf"#(?: (?:{_THING}|@ ){{0,4}}(?:la )?(?:bi )?(?:{_ME})?(?:{_WROTE} )?(?:nham|lon|sai|nguoc)\b"
    rf"| (?:la )?(?:so |ban )?(?:cu|sai)\b)"
    r"(?! (?:(?:thanh|la|so|co|mat) )*#)"
)
_OLD_DATE = re.compile(
    rf"\b(?:{_NOT}) (?:(?:ngay|hom|vao|thang|la|nham) )*(?=@)"
    rf"|\b(?:lo {_WROTE}|{_WROTE} {_WRONGLY})(?: (?:thanh|la|ngay|hom|co))* (?=@)"
)
_TOLD_THEN = re.compile(rf"@ (?:{_ME})(?:co |da |lo )*{_WROTE}\b|\bnhu (?:{_THING}){{0,3}}@")
_NOT_THAT = re.compile(rf"\b(?:{_NOT})(?= )")
_REACH = 5
_LIKE = {"nguoi": ("luot_nguoi",), "ho": ("nha",), "nha": ("ho",), "tre": ("nguoi", "luot_nguoi")}


@dataclass(frozen=True, slots=True)
class _Line:
    """The tokens as one line; `starts[i]` is where token i begins in it."""

    text: str
    starts: tuple[int, ...]

    def token(self, place: int) -> int:
        """Return the token at a place of the line."""
        return bisect_left(self.starts, place)


def correction(found: Scan, build: Callable[[Scan], Draft]) -> Reading:
    """Read a correction: wrong numbers and days are taken out; the figures built from the rest say what they replace.

    `build` makes the records of a scan. Where no figure can be told, the reading asks which is meant.
    """
    line = _line(found)
    wrong = _wrong_numbers(found, line)
    gaps = frozenset(line.token(match.end()) for match in _BY_HOW_MUCH.finditer(line.text)) - {0}
    left = _without(found, line, wrong | gaps)
    draft = build(left)
    if not draft.rows:
        draft = _built_across_clauses(left, build) or draft
    records = _told(draft, wrong)
    old = [(quantity, _value(quantity)) for quantity in found.quantities if quantity.at in wrong - gaps]
    records, unplaced = _replacing(records, old, found)
    asks = {str(ask): ask for ask in draft.asks}
    said = [(record.indicator, record.date, str(record.by)) for record in records]
    if not records or unplaced or len(set(said)) < len(said):
        asks["which_figure"] = Ask("which_figure")
    return Reading("correct", tuple(records), bool(asks), tuple(asks.values()), draft.derived)


def _line(found: Scan) -> _Line:
    numbers = {quantity.at for quantity in found.quantities}
    days = {at for at, _ in found.dates}
    parts = ["#" if at in numbers else "@" if at in days else token.text for at, token in enumerate(found.tokens)]
    parts = ["," if part in {"#", "@"} and at not in numbers | days else part for at, part in enumerate(parts)]
    starts, place = [], 0
    for part in parts:
        starts.append(place)
        place += len(part) + 1
    return _Line(" ".join(parts), tuple(starts))


def _wrong_numbers(found: Scan, line: _Line) -> frozenset[int]:
    """Return the tokens of the numbers said to be wrong. Where that would be all, only those said to be "not" are."""
    said_not = {line.token(match.end()) for pattern in _BEFORE for match in pattern.finditer(line.text)}
    wrong = said_not | {line.token(match.end()) for match in _WRONG_BEFORE.finditer(line.text)}
    wrong |= {line.token(match.start()) for match in _WRONG_AFTER.finditer(line.text)}
    for pattern in (_ARROW, _TOLD_ONCE):
        wrong |= {line.token(match.end()) for match in pattern.finditer(line.text)}
    numbers = {quantity.at for quantity in found.quantities}
    if not wrong & numbers:
        wrong = _beside_the_right(found, {line.token(match.end()) for match in _RIGHT.finditer(line.text)})
    return frozenset((said_not if said_not and wrong >= numbers else wrong) & numbers)


def _beside_the_right(found: Scan, right: set[int]) -> set[int]:
    """Return the one other number of the same things, where one is said to be right: "20 suất …, đúng là 200 suất"."""
    said = [quantity for quantity in found.quantities if quantity.at in right]
    if len(said) != 1:
        return set()
    others = [
        q for q in found.quantities if q.at not in right and q.units == said[0].units and q.money == said[0].money
    ]
    return {others[0].at} if len(others) == 1 else set()


def _without(found: Scan, line: _Line, wrong: frozenset[int]) -> Scan:
    """Return the scan without wrong numbers, days said to be wrong or of the message corrected, and what it is not."""
    days = {line.token(match.end()) for match in _OLD_DATE.finditer(line.text)}
    several = len(found.dates) > len(days)
    for match in _TOLD_THEN.finditer(line.text):
        days.add(line.token(match.start() + match[0].index("@")))
    dates = tuple((at, said) for at, said in found.dates if at not in days or (said.label and len(said.label) < 10))
    if not several:
        dates = tuple((at, said) for at, said in found.dates if at not in days)
    not_that = [line.token(match.end() + 1) for match in _NOT_THAT.finditer(line.text)]
    quantities = tuple(quantity for quantity in found.quantities if quantity.at not in wrong)
    mentions = tuple(m for m in found.mentions if not any(_is_denied(found, at, m.first, wrong) for at in not_that))
    ambiguous = tuple(at for at in found.ambiguous if at not in wrong)
    # "từ 14 xuống còn 11": what is left is the figure itself.
    cues = tuple(cue for cue in found.cues if cue[2] != "left")
    return replace(found, quantities=quantities, dates=dates, mentions=mentions, ambiguous=ambiguous, cues=cues)


def _is_denied(found: Scan, at: int, first: int, wrong: frozenset[int]) -> bool:
    """Tell whether the words of an indicator stand right after "không phải", with no number of their own."""
    if not at <= first < at + _REACH or found.weak[at] != found.weak[first]:
        return False
    return not any(at <= number <= first + _REACH for number in wrong)


def _built_across_clauses(found: Scan, build: Callable[[Scan], Draft]) -> Draft | None:
    """Pair over commas and stops where that is the only way: "số suất quà em ghi sai rồi, sửa thành 40"."""
    none = (0,) * len(found.tokens)
    draft = build(replace(found, weak=none, strong=none))
    return draft if draft.rows else None


def _told(draft: Draft, wrong: frozenset[int]) -> list[Record]:
    """Return the records; the one activity that people imply is not what a correction of their number is about."""
    records = [record for _, record in draft.rows]
    counted = {chosen.code for chosen in draft.pairs}
    implied = {draft.catalogue[record.indicator].links.activity for record in records} - counted
    return [record for record in records if not wrong or record.indicator not in implied]


def _replacing(
    records: list[Record], old: Iterable[tuple[Quantity, int | float | None]], found: Scan
) -> tuple[list[Record], bool]:
    """Give each wrong number to the record nearest to it that counts the same things; tell whether one found none."""
    unplaced = False
    for quantity, value in old:
        free = [i for i, record in enumerate(records) if record.replaces is None and _alike(quantity, record)]
        place = found.text.span(found.tokens[quantity.at].start, found.tokens[quantity.at].end)[0]
        if not free or value is None:
            unplaced = True
            continue
        # What is corrected is said before what it was, or, where nothing is, after it.
        nearest = min(free, key=lambda i: (records[i].span[0] > place, _distance(records[i], place)))
        if records[nearest].value != value:
            records[nearest] = replace(records[nearest], replaces=value)
    return records, unplaced


def _alike(quantity: Quantity, record: Record) -> bool:
    if quantity.money or record.unit == "vnd":
        return record.unit == "vnd"
    return (
        not quantity.units
        or quantity.loose
        or record.unit in quantity.units
        or record.unit in _LIKE.get(quantity.units[0], ())
    )


def _distance(record: Record, place: int) -> int:
    start, end = record.span
    return 0 if start <= place < end else min(abs(start - place), abs(end - place))


def _value(quantity: Quantity) -> int | float | None:
    if quantity.number.value is None:
        return None
    value = quantity.number.value * quantity.size
    return int(value) if value == int(value) else float(value)
