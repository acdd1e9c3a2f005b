"""Sort the numbers of a message: values, rates ("300k/suất"), parts of a breakdown, and what is no figure at all."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from figures.catalogue import Catalogue
from figures.phrases import NO_UNIT, NUMBER, accents_of, longest, unit_at
from figures.scan import Quantity, Scan

_CLOSE = 3
_MOST_AREAS = 8
_RISES = frozenset({"tang", "giam", "hon", "vuot"})
# Typed bare, these measures of time and the like are seldom anything else.
_TIME = frozenset({"thang", "tuan", "nam", "ngay", "gio", "phut", "tieng", "tuoi", "quy", "diem", "lit", "ha", "sao"})
_TIMES = frozenset({"thang", "tuan", "nam", "ngay", "quy"})
_YEAR = len("2024")
_YEARS = frozenset({*range(1990, 2000), *range(2001, 2036)})
_LAST_YEAR = re.compile(r"nam (?:ngoai|truoc|roi)")
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


@dataclass(frozen=True, slots=True)
class Silence:
    """The tokens of clauses that report nothing: surely, or only if a word typed bare is the one it looks like.

    `compared` are those that speak of another time than the figures.
    """

    sure: frozenset[int]
    unsure: frozenset[int]
    compared: frozenset[int]

    @property
    def all(self) -> frozenset[int]:
        """Return the tokens of both kinds."""
        return self.sure | self.unsure


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
    stop = _sentence(found, at).stop
    begin = bisect_left(found.cues, (at, -1, ""))
    for first, _, name in found.cues[begin : begin + _MOST_AREAS]:
        if name == "deed" and first < stop and found.weak[first] > found.weak[at]:
            return _clause(found, first).start
    return stop


def _contents(found: Scan, catalogue: Catalogue) -> frozenset[int]:
    """Return the tokens that tell what one of many holds: "mỗi suất gồm 10kg gạo, 1 thùng mì"."""
    inside: set[int] = set()
    for first, last, name in found.cues:
        unit = unit_at(found.row, first + 1, catalogue.vocabulary.units) if name == "each" else None
        if unit is None:
            continue
        at = unit.tokens[-1] + 1
        if _text(found, at) in {"gom", "co", "bao"}:
            inside.update(range(at, _sentence(found, last).stop))
        elif "suat" in unit.codes and _is_of_goods(found, at):
            inside.update(range(at, _before_next_deed(found, at)))
    return frozenset(inside)


def _is_sum(found: Scan, quantity: Quantity) -> bool:
    """Tell whether a number is what others make: "62 chị x 6.000 = 372.000"; "hv mới=2" makes none."""
    if _text(found, quantity.at - 1) != "=":
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
    if quantity.units or quantity.number.scaled or value not in _YEARS or not _text(found, quantity.at - 1).isalpha():
        return False
    return not any(mention.last == quantity.at - 1 or mention.first == quantity.at + 1 for mention in found.mentions)


def is_said_none(found: Scan, quantity: Quantity) -> bool:
    """Tell whether a zero stands for words: "hv mới: không có"."""
    return quantity.number.value == 0 and found.tokens[quantity.at].text != NUMBER


def _near_cues(found: Scan, quantity: Quantity) -> list[tuple[str, bool]]:
    """Return the cues closely before a number with whether they are sure; "gia 4k" can only be a price."""
    near = []
    for first, last, name in cues_before(found, quantity.at):
        if 0 < quantity.at - last <= _CLOSE and found.weak[last] == found.weak[quantity.at]:
            priced = name == "price" and quantity.at == last + 1 and quantity.number.scaled
            near.append((name, priced or is_sure(found, first, last)))
    return near


def is_sure(found: Scan, first: int, last: int) -> bool:
    """Tell whether a cue can be no other word: several words, or one typed with accents or among such."""
    return last > first or bool(found.row.accents[first]) or found.accented[first]


def _is_surely_left(found: Scan, quantity: Quantity) -> bool:
    """Tell whether what is left is sure; "con 3 ho" at the head of a clause is no animal either."""
    before = quantity.at - 1
    heads = before == 0 or _text(found, before - 1) in {",", ";", "\n", "-", "."}
    return ("left", True) in _near_cues(found, quantity) or (_text(found, before) == "con" and heads)


def _is_no_count(found: Scan, quantity: Quantity, catalogue: Catalogue) -> bool:
    """Tell whether what is counted is no figure of ours ("120 tờ rơi", "3 xe rác", "5 tuổi")."""
    if quantity.money or "percent" in quantity.units or is_said_none(found, quantity):
        return False
    if _is_year(found, quantity):
        return True
    # A single word typed bare may be another: "12 to" tổ as well as tờ, "6 doan vien" đoàn as well as đoạn.
    row = found.row if _text(found, quantity.at + 1) in _TIME else found.careful
    words = longest(row, quantity.at + 1, catalogue.vocabulary.not_counted)
    if words is None or words.tokens[-1] < quantity.ends:
        return False
    several = len(words.tokens) > 1 or bool(found.row.accents[words.tokens[0]])
    return several or not (quantity.units or quantity.number.scaled)


def _text(found: Scan, at: int) -> str:
    return found.tokens[at].text if 0 <= at < len(found.tokens) else ""


def silence(found: Scan) -> Silence:
    """Return the clauses and sentences that speak of plans, of last year or of what is not done."""
    sure: set[int] = set()
    compared: set[int] = set()
    unsure: set[int] = set()
    told_none = {quantity.at for quantity in found.quantities if is_said_none(found, quantity)}
    for first, last, name in found.cues:
        tokens = sure if is_sure(found, first, last) else unsure
        if name == "future":
            tokens.update(_until_done(found, first))
        elif name == "not_yet" and not _is_mentioned(found, first, last) and first not in told_none:
            tokens.update(_clause(found, first))
        elif name == "before":
            tokens.update(_compared(found, first))
            compared.update(_compared(found, first))
    for at, said in found.dates:
        if said.doubt == "future" and said.label is None:
            clause = _clause(found, at)
            told = any(clause.start <= quantity.at < clause.stop for quantity in found.quantities)
            sure.update(clause if told else _until_done(found, at))
        if said.label and len(said.label) == _YEAR and _LAST_YEAR.search(found.text.text[said.start : said.end]):
            sure.update(_compared(found, at))
            compared.update(_compared(found, at))
    return Silence(frozenset(sure), frozenset(unsure - sure), frozenset(compared))


def _until_done(found: Scan, at: int) -> range:
    """Return the sentence of a plan up to the clause that tells what was done: "kế hoạch 200 cây, đã trồng 150"."""
    sentence = _sentence(found, at)
    sentence = range(_begin_of_plan(found, at, sentence.start), sentence.stop)
    begin = bisect_left(found.cues, (at + 1, -1, ""))
    for first, _, name in found.cues[begin : begin + _MOST_AREAS]:
        if name == "done" and first < sentence.stop and found.weak[first] > found.weak[at]:
            return range(sentence.start, _clause(found, first).start)
    for at_date, said in found.dates:
        if at < at_date < sentence.stop and said.doubt is None and found.weak[at_date] > found.weak[at]:
            return range(sentence.start, _clause(found, at_date).start)
    return sentence


def _begin_of_plan(found: Scan, at: int, first: int) -> int:
    """Return where a plan begins: at its own clause, if it names things and what was done is counted before it."""
    clause = _clause(found, at)
    if not (_quantities(found, clause) and _quantities(found, range(first, clause.start))):
        return first
    begin = bisect_left(found.cues, (first, -1, ""))
    before = found.cues[begin : bisect_left(found.cues, (clause.start, -1, ""))]
    done = any(name == "deed" for _, _, name in before[-_MOST_AREAS:])
    return clause.start if done else first


def _quantities(found: Scan, tokens: range) -> Sequence[Quantity]:
    """Return the numbers in a range of tokens."""
    begin = bisect_left(found.quantities, tokens.start, key=lambda one: one.at)
    return found.quantities[begin : bisect_left(found.quantities, tokens.stop, key=lambda one: one.at)]


def _compared(found: Scan, at: int) -> range:
    """Return what is only compared with: from the words on where this year's number stands before them.

    "kết nạp 12 hv, tăng 3 hv so với năm ngoái" and "12 hv so với năm ngoái 8" leave 12; "8 hv năm ngoái" leaves none.
    """
    clause = _clause(found, at)
    before = [quantity for quantity in found.quantities if clause.start <= quantity.at < at]
    rise = next((i for i in range(at - 1, clause.start - 1, -1) if _text(found, i) in _RISES), None)
    if rise is not None and any(quantity.at > rise for quantity in before):
        return range(rise, clause.stop)
    follows = any(at < quantity.at < clause.stop for quantity in found.quantities)
    compares = _text(found, at) == "so" or _text(found, at - 1) == "voi"
    return range(at if before and (follows or compares) else clause.start, clause.stop)


def _sentence(found: Scan, at: int) -> range:
    first = bisect_left(found.strong, found.strong[at])
    return range(first, bisect_left(found.strong, found.strong[at] + 1))


def _clause(found: Scan, at: int) -> range:
    sentence = _sentence(found, at)
    first = bisect_left(found.weak, found.weak[at])
    last = bisect_left(found.weak, found.weak[at] + 1)
    return range(max(first, sentence.start), min(last, sentence.stop))


def cues_before(found: Scan, at: int) -> list[tuple[int, int, str]]:
    """Return the last few cues before token `at` that are not part of the words of an indicator."""
    end = bisect_left(found.cues, (at, -1, ""))
    near = found.cues[max(0, end - 4) : end]
    return [cue for cue in near if not _is_mentioned(found, cue[0], cue[1])]


def _is_mentioned(found: Scan, first: int, last: int) -> bool:
    before = bisect_left(found.mentions, first + 1, key=lambda mention: mention.first)
    return before > 0 and found.mentions[before - 1].last >= last


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
    while _text(found, at) in {"/", "moi", "mot"} or _is_one_time(found, at):
        each = _text(found, at) == "/" or (quantity.number.scaled and found.row.accents[at] in _EACH_ACCENTS)
        unit = unit_at(found.row, at + 1, catalogue.vocabulary.units) if each else None
        if _text(found, at + 1) in _TIMES:
            times |= {_text(found, at + 1)}
            at += 2
        elif unit:
            per |= set(unit.codes)
            at = unit.tokens[-1] + 1
        else:
            break
    return per, times


def _is_one_time(found: Scan, at: int) -> bool:
    """Tell whether "1 tháng" follows a price."""
    if _text(found, at) != NUMBER or _text(found, at + 1) not in _TIMES:
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
        if _text(found, first + 1) in _TIMES:
            return frozenset(), frozenset({_text(found, first + 1)})
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
    if not (parent and parent.money and quantity.money) or _text(found, first) == ":":
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
        if _text(found, quantity.ends + 1) == ":":
            areas.append((quantity.ends + 1, _sentence(found, quantity.ends).stop - 1))
    for at, token in enumerate(found.tokens):
        if token.text == "(":
            opened = at
        elif token.text == ")" and opened is not None:
            areas.append((opened, at))
            opened = None
    for first, last, name in found.cues:
        if name == "part" and not any(a <= first <= b for a, b in areas[-_MOST_AREAS:]):
            areas.append((last, _sentence(found, last).stop - 1))
    return sorted(areas)[:_MOST_AREAS]


def _part_name(found: Scan, quantity: Quantity, first: int, last: int, *, catalogue: Catalogue) -> str | None:
    names = catalogue.vocabulary.parts
    wanted = "nguon." if quantity.money or quantity.number.scaled else "doi_tuong."
    at = quantity.at + 1
    while at <= last and _text(found, at) in _SKIPPED_IN_PARTS:
        at += 1
    for start in (*range(quantity.at + 1, at + 1), *range(quantity.at - 1, max(first, quantity.at - 5), -1)):
        if start < quantity.at and found.weak[start] != found.weak[quantity.at]:
            break
        match = longest(found.row, start, names) if start <= last else None
        code = next((code for code in match.codes if code.startswith(wanted)), None) if match else None
        if code:
            return code.partition(".")[2]
    return None
