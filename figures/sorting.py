"""Sort the numbers of a message: values, rates ("300k/suất"), parts of a breakdown, and what is no figure at all."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

from figures.catalogue import Catalogue
from figures.phrases import NUMBER, longest, unit_at
from figures.scan import Quantity, Scan

_CLOSE = 3
_TIMES = frozenset({"thang", "tuan", "nam", "ngay", "quy"})
_LAST_YEAR = re.compile(r"nam (?:ngoai|truoc|roi)")
_PRODUCT = frozenset({"x", "*", "×"})
_SKIPPED_IN_PARTS = frozenset(
    {"chi", "nguoi", "ho", "hv", "hoi", "vien", "la", "em", ":", "co", "phu", "nu", "hoi_vien"}
)


@dataclass(frozen=True, slots=True)
class Rate:
    """A price or amount for each of something: `per` holds units of measure, `times` words such as thang."""

    quantity: Quantity
    per: frozenset[str]
    times: frozenset[str]
    product: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A number of a breakdown: the part named (`nguon.cum`) and the token of the number it belongs to."""

    quantity: Quantity
    name: str
    parent: int


@dataclass(frozen=True, slots=True)
class Sorted:
    """The numbers of a message by what they are.

    `left` may still be stock figures ("còn 2 chi hội dưới 60%"); `silent` are the tokens of clauses about plans, last
    year or what is not done; `bare` is true where no accent was typed in the whole message.
    """

    values: tuple[Quantity, ...]
    left: tuple[Quantity, ...]
    rates: tuple[Rate, ...]
    parts: tuple[Part, ...]
    doubtful: tuple[Quantity, ...]
    silent: frozenset[int]
    bare: bool


def sort_numbers(found: Scan, catalogue: Catalogue) -> Sorted:
    """Sort every number of the scan into exactly one kind; numbers that are no figure are dropped."""
    parts = _parts(found, catalogue)
    part_tokens = {part.quantity.at for part in parts}
    silent = _silent(found)
    bare = not any(found.row.accents)
    rates: list[Rate] = []
    kinds: dict[str, list[Quantity]] = {"value": [], "left": [], "doubtful": [], "none": []}
    for quantity in found.quantities:
        if quantity.at in part_tokens or _is_no_count(found, quantity, catalogue):
            continue
        kind = _kind(found, quantity, silent, bare=bare)
        rate = _rate(found, quantity, catalogue) if kind == "value" else None
        if rate:
            rates.append(rate)
        else:
            kinds[kind].append(quantity)
    return Sorted(
        tuple(kinds["value"]), tuple(kinds["left"]), tuple(rates), tuple(parts), tuple(kinds["doubtful"]), silent, bare
    )


def _kind(found: Scan, quantity: Quantity, silent: frozenset[int], *, bare: bool) -> str:
    """Return value, left, doubtful or none. Typed bare, "chua" may be chưa or chùa: what it would silence is asked."""
    before = {
        name
        for _, last, name in _cues_before(found, quantity.at)
        if 0 < quantity.at - last <= _CLOSE and found.weak[last] == found.weak[quantity.at]
    }
    if quantity.at in silent or before & {"price", "target"}:
        return "doubtful" if bare else "none"
    if quantity.number.value is None or quantity.number.doubt:
        return "doubtful"
    return "left" if "left" in before else "value"


def _is_no_count(found: Scan, quantity: Quantity, catalogue: Catalogue) -> bool:
    following = _text(found, quantity.at + 1)
    return not quantity.units and not quantity.money and following in catalogue.vocabulary.not_counted


def _text(found: Scan, at: int) -> str:
    return found.tokens[at].text if 0 <= at < len(found.tokens) else ""


def _silent(found: Scan) -> frozenset[int]:
    """Return the clauses (by count of boundaries) and sentences that speak of plans, last year or what is not done."""
    clauses: set[int] = set()
    for first, _, name in found.cues:
        if name == "future":
            clauses.update(_sentence(found, first))
        elif name in {"not_yet", "before"} and not _is_mentioned(found, first):
            clauses.update(_clause(found, first))
    for at, said in found.dates:
        if _LAST_YEAR.search(found.text.text[said.start : said.end]):
            clauses.update(_clause(found, at))
    return frozenset(clauses)


def _sentence(found: Scan, at: int) -> range:
    first = bisect_left(found.strong, found.strong[at])
    return range(first, bisect_left(found.strong, found.strong[at] + 1))


def _clause(found: Scan, at: int) -> range:
    sentence = _sentence(found, at)
    first = bisect_left(found.weak, found.weak[at])
    last = bisect_left(found.weak, found.weak[at] + 1)
    return range(max(first, sentence.start), min(last, sentence.stop))


def _cues_before(found: Scan, at: int) -> list[tuple[int, int, str]]:
    """Return the last few cues before token `at` that are not part of the words of an indicator."""
    end = bisect_left(found.cues, (at, -1, ""))
    near = found.cues[max(0, end - 4) : end]
    return [cue for cue in near if not _is_mentioned(found, cue[0])]


def _is_mentioned(found: Scan, at: int) -> bool:
    before = bisect_left(found.mentions, at + 1, key=lambda mention: mention.first)
    return before > 0 and found.mentions[before - 1].last >= at


def _rate(found: Scan, quantity: Quantity, catalogue: Catalogue) -> Rate | None:
    per, times = _after_slash(found, quantity, catalogue)
    each_per, each_times = _after_each(found, quantity, catalogue)
    if _text(found, quantity.at - 1) in _PRODUCT:
        return Rate(quantity, per | each_per, times | each_times, product=True)
    if per or times or each_per or each_times:
        return Rate(quantity, per | each_per, times | each_times)
    return None


def _after_slash(found: Scan, quantity: Quantity, catalogue: Catalogue) -> tuple[frozenset[str], frozenset[str]]:
    per: frozenset[str] = frozenset()
    times: frozenset[str] = frozenset()
    at = quantity.ends + 1
    while _text(found, at) in {"/", "moi"}:
        unit = unit_at(found.row, at + 1, catalogue.vocabulary.units) if _text(found, at) == "/" else None
        if _text(found, at + 1) in _TIMES:
            times |= {_text(found, at + 1)}
            at += 2
        elif unit:
            per |= set(unit.codes)
            at = unit.tokens[-1] + 1
        else:
            break
    return per, times


def _after_each(found: Scan, quantity: Quantity, catalogue: Catalogue) -> tuple[frozenset[str], frozenset[str]]:
    """Read "mỗi suất 300k", "mỗi tháng 500k"; cues already agree with the accents typed, so "mới" is not "mỗi"."""
    for _, last, name in _cues_before(found, quantity.at):
        between = [token.text for token in found.tokens[last + 1 : quantity.at]]
        if name != "each" or len(between) > _CLOSE + 1 or NUMBER in between:
            continue
        if found.weak[last] != found.weak[quantity.at]:
            continue
        if _text(found, last + 1) in _TIMES:
            return frozenset(), frozenset({_text(found, last + 1)})
        unit = unit_at(found.row, last + 1, catalogue.vocabulary.units)
        if unit and unit.tokens[-1] < quantity.at:
            return frozenset(unit.codes), frozenset()
    return frozenset(), frozenset()


def _parts(found: Scan, catalogue: Catalogue) -> list[Part]:
    parts: list[Part] = []
    for first, last in _areas(found):
        inside = [quantity for quantity in found.quantities if first < quantity.at <= last]
        parent = max((quantity.at for quantity in found.quantities if quantity.at < first), default=None)
        named = [(quantity, _part_name(found, quantity, first, last, catalogue=catalogue)) for quantity in inside]
        if parent is not None and named and all(name and _is_told(quantity) for quantity, name in named):
            parts.extend(Part(quantity, name, parent) for quantity, name in named if name)
    return parts


def _is_told(quantity: Quantity) -> bool:
    return quantity.number.value is not None and not quantity.number.doubt


def _areas(found: Scan) -> list[tuple[int, int]]:
    """Return the token ranges of parentheses and of what follows "trong đó", up to the end of the sentence."""
    areas = []
    opened: int | None = None
    for at, token in enumerate(found.tokens):
        if token.text == "(":
            opened = at
        elif token.text == ")" and opened is not None:
            areas.append((opened, at))
            opened = None
    for first, last, name in found.cues:
        if name == "part" and not any(a <= first <= b for a, b in areas):
            areas.append((last, _sentence(found, last).stop - 1))
    return areas[:8]


def _part_name(found: Scan, quantity: Quantity, first: int, last: int, *, catalogue: Catalogue) -> str | None:
    names = catalogue.vocabulary.parts
    wanted = "nguon." if quantity.money or quantity.number.scaled else "doi_tuong."
    at = quantity.at + 1
    while at <= last and _text(found, at) in _SKIPPED_IN_PARTS:
        at += 1
    for start in (*range(quantity.at + 1, at + 1), *range(quantity.at - 1, max(first, quantity.at - 5), -1)):
        match = longest(found.row, start, names) if start <= last else None
        code = next((code for code in match.codes if code.startswith(wanted)), None) if match else None
        if code:
            return code.partition(".")[2]
    return None
