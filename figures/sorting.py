"""Sort the numbers of a message: values, rates ("300k/suất"), parts of a breakdown, and what is no figure at all."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from figures.catalogue import Catalogue
from figures.phrases import NO_UNIT, NUMBER, accents_of, longest, unit_at
from figures.scan import Quantity, Scan
from figures.silence import Silence, clause_of, cues_before, is_said_none, is_sure, sentence_of, silence, text_at

_CLOSE = 3
_MOST_AREAS = 8
# Typed bare, these measures of time and the like are seldom anything else.
_TIME = frozenset({"thang", "tuan", "nam", "ngay", "gio", "phut", "tieng", "tuoi", "quy", "diem", "lit", "ha", "sao"})
_TIMES = frozenset({"thang", "tuan", "nam", "ngay", "quy"})
_YEARS = frozenset({*range(1990, 2000), *range(2001, 2036)})
_PRODUCT = frozenset({"x", "*", "×"})
_EACH_ACCENTS = frozenset({"", accents_of("mỗi"), accents_of("một")})
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

    `left` may still be stock figures ("còn 2 chi hội dưới 60%"), `unsure_left` are those that only a bare word makes
    one; `sums` stand after "="; `silent` are the tokens of clauses about plans, last year or what is not done.
    """

    values: tuple[Quantity, ...]
    left: tuple[Quantity, ...]
    sums: tuple[Quantity, ...]
    rates: tuple[Rate, ...]
    parts: tuple[Part, ...]
    doubtful: tuple[Quantity, ...]
    silent: frozenset[int]
    unsure_left: frozenset[int]


def sort_numbers(found: Scan, catalogue: Catalogue) -> Sorted:
    """Sort every number of the scan into exactly one kind; numbers that are no figure are dropped."""
    parts = _parts(found, catalogue)
    part_tokens = {part.quantity.at for part in parts}
    silent = silence(found)
    contents = _contents(found, catalogue)
    rates: list[Rate] = []
    kinds: dict[str, list[Quantity]] = {"value": [], "left": [], "doubtful": [], "none": [], "sum": []}
    for quantity in found.quantities:
        if quantity.at in part_tokens or _is_no_count(found, quantity, catalogue):
            continue
        kind = "sum" if _is_sum(found, quantity) and _is_told(quantity) else _kind(found, quantity, silent, contents)
        rate = _rate(found, quantity, catalogue) if kind == "value" else None
        if rate:
            rates.append(rate)
        else:
            kinds[kind].append(quantity)
    unsure_left = frozenset(quantity.at for quantity in kinds["left"] if not _is_surely_left(found, quantity))
    return Sorted(
        values=tuple(kinds["value"]),
        left=tuple(kinds["left"]),
        sums=tuple(kinds["sum"]),
        rates=tuple(rates),
        parts=tuple(parts),
        doubtful=tuple(kinds["doubtful"]),
        silent=silent.all,
        unsure_left=unsure_left,
    )


def _is_of_goods(found: Scan, at: int) -> bool:
    index = bisect_left(found.quantities, at, key=lambda one: one.at)
    return index < len(found.quantities) and found.quantities[index].at == at and _is_weighed(found.quantities[index])


def _is_weighed(quantity: Quantity) -> bool:
    return bool({"kg", "thung", "cai"} & set(quantity.units))


def _before_next_deed(found: Scan, at: int) -> int:
    """Return the end of the sentence, or the begin of the next clause in which something is done."""
    stop = sentence_of(found, at).stop
    begin = bisect_left(found.cues, (at, -1, ""))
    for first, _, name in found.cues[begin : begin + _MOST_AREAS]:
        if name == "deed" and first < stop and found.weak[first] > found.weak[at]:
            return clause_of(found, first).start
    return stop


def _contents(found: Scan, catalogue: Catalogue) -> frozenset[int]:
    """Return the tokens that tell what one of many holds: "mỗi suất gồm 10kg gạo, 1 thùng mì"."""
    inside: set[int] = set()
    for first, last, name in found.cues:
        unit = unit_at(found.row, first + 1, catalogue.vocabulary.units) if name == "each" else None
        if unit is None:
            continue
        at = unit.tokens[-1] + 1
        if text_at(found, at) in {"gom", "co", "bao"}:
            inside.update(range(at, sentence_of(found, last).stop))
        elif "suat" in unit.codes and _is_of_goods(found, at):
            inside.update(range(at, _before_next_deed(found, at)))
    return frozenset(inside)


def _is_sum(found: Scan, quantity: Quantity) -> bool:
    """Tell whether a number is what others make: "62 chị x 6.000 = 372.000"; "hv mới=2" makes none."""
    if text_at(found, quantity.at - 1) != "=":
        return False
    index = bisect_left(found.quantities, quantity.at, key=lambda other: other.at)
    before = found.quantities[index - 1] if index else None
    return (
        before is not None and before.ends >= quantity.at - _CLOSE and found.weak[before.at] == found.weak[quantity.at]
    )


def _kind(found: Scan, quantity: Quantity, silent: Silence, contents: frozenset[int]) -> str:
    """Return value, left, doubtful or none. Typed bare, "chua" may be chưa or chùa: what it would silence is asked."""
    if is_said_none(found, quantity):
        return "value"
    before = dict(_near_cues(found, quantity))
    if quantity.at in silent.sure or quantity.at in contents or any(before.get(name) for name in ("price", "target")):
        return "none"
    if quantity.at in silent.unsure and "left" in before:
        return "none"
    if quantity.at in silent.unsure or before.keys() & {"price", "target"}:
        return "doubtful"
    if quantity.number.value is None or (quantity.number.doubt and quantity.number.doubt != "thousands"):
        return "doubtful"
    return "left" if "left" in before else "value"


def _is_year(found: Scan, quantity: Quantity) -> bool:
    """Tell whether a number after a word is a year: "Luật Phòng, chống bạo lực gia đình 2022"."""
    value = quantity.number.value
    if quantity.units or quantity.number.scaled or value not in _YEARS or not text_at(found, quantity.at - 1).isalpha():
        return False
    return not any(mention.last == quantity.at - 1 or mention.first == quantity.at + 1 for mention in found.mentions)


def _is_group(found: Scan, quantity: Quantity) -> bool:
    """Tell whether a number names a group of people: "sinh hoạt tổ 3 được 15 chị"."""
    at = quantity.at
    if quantity.units or quantity.number.scaled or text_at(found, at - 1) != "to":
        return False
    return found.row.accents[at - 1] in {"", accents_of("tổ")} and text_at(found, at - 2) in {"hop", "hoat", "sh"}


def _near_cues(found: Scan, quantity: Quantity) -> list[tuple[str, bool]]:
    """Return the cues closely before a number with whether they are sure; "gia 4k" can only be a price."""
    near = []
    for first, last, name in cues_before(found, quantity.at):
        if 0 < quantity.at - last <= _CLOSE and found.weak[last] == found.weak[quantity.at]:
            priced = name == "price" and quantity.at == last + 1 and quantity.number.scaled
            near.append((name, priced or is_sure(found, first, last)))
    return near


def _is_surely_left(found: Scan, quantity: Quantity) -> bool:
    """Tell whether what is left is sure; "con 3 ho" at the head of a clause is no animal either."""
    before = quantity.at - 1
    heads = before == 0 or text_at(found, before - 1) in {",", ";", "\n", "-", "."}
    return ("left", True) in _near_cues(found, quantity) or (text_at(found, before) == "con" and heads)


def _is_no_count(found: Scan, quantity: Quantity, catalogue: Catalogue) -> bool:
    """Tell whether what is counted is no figure of ours ("120 tờ rơi", "3 xe rác", "5 tuổi")."""
    if quantity.money or "percent" in quantity.units or is_said_none(found, quantity):
        return False
    if _is_year(found, quantity) or _is_group(found, quantity):
        return True
    # A single word typed bare may be another: "12 to" tổ as well as tờ, "6 doan vien" đoàn as well as đoạn.
    row = found.row if text_at(found, quantity.at + 1) in _TIME else found.careful
    words = longest(row, quantity.at + 1, catalogue.vocabulary.not_counted)
    if words is None or words.tokens[-1] < quantity.ends:
        return False
    several = len(words.tokens) > 1 or bool(found.row.accents[words.tokens[0]])
    return several or not (quantity.units or quantity.number.scaled)


def _rate(found: Scan, quantity: Quantity, catalogue: Catalogue) -> Rate | None:
    per, times = _after_slash(found, quantity, catalogue)
    each_per, each_times = _after_each(found, quantity, catalogue)
    if text_at(found, quantity.at - 1) in _PRODUCT:
        return Rate(quantity, per | each_per, times | each_times, product=True)
    if per or times or each_per or each_times:
        return Rate(quantity, per | each_per, times | each_times)
    return None


def _after_slash(found: Scan, quantity: Quantity, catalogue: Catalogue) -> tuple[frozenset[str], frozenset[str]]:
    per: frozenset[str] = frozenset()
    times: frozenset[str] = frozenset()
    at = quantity.ends + 1
    while text_at(found, at) in {"/", "moi", "mot"} or _is_one_time(found, at):
        each = text_at(found, at) == "/" or (quantity.number.scaled and found.row.accents[at] in _EACH_ACCENTS)
        unit = unit_at(found.row, at + 1, catalogue.vocabulary.units) if each else None
        if text_at(found, at + 1) in _TIMES:
            times |= {text_at(found, at + 1)}
            at += 2
        elif unit:
            per |= set(unit.codes)
            at = unit.tokens[-1] + 1
        else:
            break
    return per, times


def _is_one_time(found: Scan, at: int) -> bool:
    """Tell whether "1 tháng" follows a price."""
    if text_at(found, at) != NUMBER or text_at(found, at + 1) not in _TIMES:
        return False
    index = bisect_left(found.quantities, at, key=lambda one: one.at)
    # A typed "#" looks like a number and is none.
    one = found.quantities[index] if index < len(found.quantities) else None
    return one is not None and one.at == at and one.number.value == 1


def _after_each(found: Scan, quantity: Quantity, catalogue: Catalogue) -> tuple[frozenset[str], frozenset[str]]:
    """Read "mỗi suất 300k", "mỗi tháng 500k"; cues already agree with the accents typed, so "mới" is not "mỗi"."""
    for first, last, name in cues_before(found, quantity.at):
        between = [token.text for token in found.tokens[first + 1 : quantity.at]]
        if (
            name != "each"
            or len(between) > 2 * _CLOSE
            or (NUMBER in between and not _is_one_each(found, first, quantity))
        ):
            continue
        if found.weak[last] != found.weak[quantity.at]:
            continue
        if text_at(found, first + 1) in _TIMES:
            return frozenset(), frozenset({text_at(found, first + 1)})
        unit = unit_at(found.row, first + 1, catalogue.vocabulary.units)
        if unit is None and last > first:
            # "mỗi nhà" is told by the words, though "nha" alone may only be a particle.
            unit = longest(found.row, first + 1, catalogue.vocabulary.units)
        if unit and unit.tokens[-1] < quantity.at:
            return frozenset(unit.codes) - {NO_UNIT}, frozenset()
    return frozenset(), frozenset()


def _is_one_each(found: Scan, first: int, quantity: Quantity) -> bool:
    """Tell whether only a one stands between: "mỗi hộ 1 suất 300k"."""
    begin = bisect_left(found.quantities, first, key=lambda one: one.at)
    end = bisect_left(found.quantities, quantity.at, key=lambda one: one.at)
    return [one.number.value for one in found.quantities[begin:end]] == [1] and quantity.number.scaled


def _parts(found: Scan, catalogue: Catalogue) -> list[Part]:
    """Return the named numbers that lead each area of parts; the first number of another kind ends them."""
    parts: list[Part] = []
    for first, last in _areas(found):
        begin = bisect_left(found.quantities, first, key=lambda quantity: quantity.at)
        parent = found.quantities[begin - 1] if begin else None
        for quantity in found.quantities[begin:] if parent else ():
            name = None
            if parent and quantity.units and parent.units and not set(quantity.units) & set(parent.units):
                break
            if quantity.at <= last and _is_told(quantity) and quantity.money <= _may_be_money(parent):
                name = _part_name(found, quantity, first, last, catalogue=catalogue)
                name = name or _unnamed_money(found, quantity, parent, first)
            if not name or not parent or any(part.quantity.at == quantity.at for part in parts):
                break
            parts.append(Part(quantity, name, parent.at))
    return parts


def _unnamed_money(found: Scan, quantity: Quantity, parent: Quantity | None, first: int) -> str | None:
    """Return a name for money from a giver we do not know: "trong đó Quỹ Tấm lòng vàng 50 triệu"."""
    if not (parent and parent.money and quantity.money) or text_at(found, first) == ":":
        return None
    begin = bisect_left(found.mentions, first, key=lambda one: one.first)
    end = bisect_left(found.mentions, quantity.at, key=lambda one: one.first)
    return "khac" if begin == end else None


def _may_be_money(quantity: Quantity | None) -> bool:
    return quantity is not None and (quantity.money or quantity.number.scaled or not quantity.units)


def _is_told(quantity: Quantity) -> bool:
    return quantity.number.value is not None and not quantity.number.doubt


def _areas(found: Scan) -> list[tuple[int, int]]:
    """Return the token ranges that may hold parts: in parentheses, after "trong đó" or "64 triệu:"."""
    areas = []
    opened: int | None = None
    for quantity in found.quantities:
        if text_at(found, quantity.ends + 1) == ":":
            areas.append((quantity.ends + 1, sentence_of(found, quantity.ends).stop - 1))
    for at, token in enumerate(found.tokens):
        if token.text == "(":
            opened = at
        elif token.text == ")" and opened is not None:
            areas.append((opened, at))
            opened = None
    for first, last, name in found.cues:
        if name == "part" and not any(a <= first <= b for a, b in areas[-_MOST_AREAS:]):
            areas.append((last, sentence_of(found, last).stop - 1))
    return sorted(areas)[:_MOST_AREAS]


def _part_name(found: Scan, quantity: Quantity, first: int, last: int, *, catalogue: Catalogue) -> str | None:
    names = catalogue.vocabulary.parts
    wanted = "nguon." if quantity.money or quantity.number.scaled else "doi_tuong."
    at = quantity.at + 1
    while at <= last and text_at(found, at) in _SKIPPED_IN_PARTS:
        at += 1
    for start in (*range(quantity.at + 1, at + 1), *range(quantity.at - 1, max(first, quantity.at - 5), -1)):
        if start < quantity.at and found.weak[start] != found.weak[quantity.at]:
            break
        match = longest(found.row, start, names) if start <= last else None
        code = next((code for code in match.codes if code.startswith(wanted)), None) if match else None
        if code:
            return code.partition(".")[2]
    return None
