"""Turn the numbers of a message into records: values, products, ones, parts, shares, dates, and what to ask first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from figures.catalogue import Catalogue, Indicator
from figures.pairing import Pair, fits, pair
from figures.reading_types import Ask, Record
from figures.scan import Mention, Quantity, Scan
from figures.sorting import Part, Rate, Sorted, sort_numbers
from figures.when import Told, when_of
from vietnamese.fold import fold

PEOPLE = frozenset({"nguoi", "luot_nguoi"})
# A parcel usually costs this much; a sum that gives another price per parcel is asked: each or total?
_USUAL_EACH_VND = range(50_000, 1_000_001)
_PERCENT_TOLERANCE = 0.11
_OF_TARGET = 4


@dataclass(frozen=True, slots=True)
class Place:
    """A place named in the message, from its token on."""

    at: int
    name: str


@dataclass(slots=True)
class Draft:
    """What has been built so far of one message."""

    found: Scan
    catalogue: Catalogue
    told: Told
    level: str
    sorted: Sorted
    places: tuple[Place, ...] = ()
    pairs: list[Pair] = field(default_factory=list)
    rows: list[tuple[int, Record]] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    derived: dict[str, float] = field(default_factory=dict)
    percents: list[Quantity] = field(default_factory=list)


def build(found: Scan, catalogue: Catalogue, told: Told, level: str, places: tuple[Place, ...] = ()) -> Draft:
    """Return the records of a scan, in the order of the text, with the questions that arose."""
    numbers = sort_numbers(found, catalogue)
    draft = Draft(found, catalogue, told, level, numbers, places)
    draft.pairs = _kept(pair(found, (*numbers.values, *numbers.left), catalogue), numbers, catalogue)
    draft.pairs = [_redirected(chosen, draft) for chosen in draft.pairs]
    for chosen in draft.pairs:
        _add_pair(draft, chosen)
    paired = {chosen.quantity.at for chosen in draft.pairs}
    for quantity in numbers.values:
        if quantity.at not in paired:
            _place_left_over(draft, quantity)
    if numbers.bare and any(quantity.at not in paired for quantity in numbers.left):
        draft.asks.append(Ask("number", {"doubt": "left"}))
    for rate in numbers.rates:
        _add_rate(draft, rate)
    _add_ones(draft)
    _add_parts(draft)
    for quantity in numbers.doubtful:
        draft.asks.append(Ask("number", {"doubt": quantity.number.doubt or "vague"}))
    _add_activities(draft)
    _add_shares(draft)
    _check(draft)
    draft.rows.sort(key=lambda row: row[0])
    return draft


def _kept(pairs: list[Pair], numbers: Sorted, catalogue: Catalogue) -> list[Pair]:
    """Drop what remains or waits ("còn 3 hộ") unless it is a state: "còn 2 chi hội dưới 60%"."""
    left = {quantity.at for quantity in numbers.left}
    return [chosen for chosen in pairs if chosen.quantity.at not in left or catalogue[chosen.code].stock]


def _redirected(chosen: Pair, draft: Draft) -> Pair:
    """Give people who took part in something with members of its own to it: "ra mắt CLB thủ lĩnh, 30 em tham gia"."""
    if not draft.catalogue[chosen.code].links.activity:
        return chosen
    owner = _context(draft, chosen.quantity, "people")
    code = draft.catalogue[owner].links.people if owner else None
    return replace(chosen, code=code) if code else chosen


def _context(draft: Draft, quantity: Quantity, link: str) -> str | None:
    """Return the indicator nearest before (else after) a number that has a `link`: from its pair or its words alone."""
    catalogue, found = draft.catalogue, draft.found
    pairs = {chosen.mention.first: chosen for chosen in draft.pairs}
    best: tuple[int, str] | None = None
    for mention in found.mentions:
        chosen = pairs.get(mention.first)
        if chosen is None and not _speaks_alone(draft, mention, link):
            continue
        code = chosen.code if chosen else mention.codes[0]
        if not getattr(catalogue[code].links, link):
            continue
        distance = quantity.at - mention.first if mention.first < quantity.at else 1_000 + mention.first - quantity.at
        if best is None or distance < best[0]:
            best = (distance, code)
    return best[1] if best else None


def _speaks_alone(draft: Draft, mention: Mention, link: str) -> bool:
    """Tell whether words without a number of their own can own people ("tuyên truyền cho 40 chị") or, if one, money."""
    return (mention.one or link == "people") and mention.first not in draft.sorted.silent


def _add_pair(draft: Draft, chosen: Pair) -> None:
    indicator = draft.catalogue[chosen.code]
    quantity = chosen.quantity
    if indicator.unit == "percent":
        draft.percents.append(quantity)
    elif _value(quantity) is None:
        draft.asks.append(Ask("number", {"doubt": "fraction"}))
    else:
        first, last = min(quantity.at, chosen.mention.first), max(quantity.ends, chosen.mention.last)
        _add(draft, indicator, quantity, first=first, last=last)
        _add_whole(draft, indicator, quantity)


def _add(draft: Draft, indicator: Indicator, quantity: Quantity, *, first: int, last: int) -> None:
    value = _value(quantity)
    assert value is not None
    whole = quantity.number.of.value if quantity.number.of and not indicator.links.of else None
    record = Record(
        indicator.code,
        value,
        _unit(indicator, quantity),
        None,
        _span(draft.found, first, last),
        by=_by(draft.found, indicator, min(quantity.at, first), last),
        of=_plain(whole),
        qualifier=quantity.number.qualifier,
    )
    _put(draft, first, record, ambiguous=quantity.at in draft.found.ambiguous)
    if quantity.number.doubt:
        draft.asks.append(Ask("number", {"doubt": quantity.number.doubt}))


def _add_whole(draft: Draft, indicator: Indicator, quantity: Quantity) -> None:
    whole = quantity.number.of
    if whole and indicator.links.of and whole.value is not None:
        other = draft.catalogue[indicator.links.of]
        value = _plain(whole.value)
        assert value is not None
        span = _span(draft.found, quantity.at, quantity.ends)
        _put(draft, quantity.at, Record(other.code, value, other.unit, None, span))


def _put(draft: Draft, at: int, record: Record, *, ambiguous: bool = False) -> None:
    when = when_of(draft.told, draft.found, at)
    cumulative = when.cumulative or any(name == "cumulative" for _, _, name in draft.found.cues)
    stock = draft.catalogue[record.indicator].stock
    place = _place(draft, at)
    draft.rows.append((at, replace(record, date=when.label, place=place, cumulative=cumulative and not stock)))
    if when.doubt:
        draft.asks.append(Ask("date", {"doubt": when.doubt}))
    if ambiguous:
        draft.asks.append(Ask("number", {"doubt": "name_or_count"}))


def _place(draft: Draft, at: int) -> str | None:
    before = [place.name for place in draft.places if place.at <= at]
    if before:
        return before[-1]
    return draft.places[0].name if len({place.name for place in draft.places}) == 1 else None


def _value(quantity: Quantity) -> int | float | None:
    """Return the value in the unit of the indicator; None for a fraction of what can only be whole."""
    assert quantity.number.value is not None
    value = _plain(quantity.number.value * quantity.size)
    divisible = {"m", "kg", "ngay_cong", "percent"} & set(quantity.units)
    return value if isinstance(value, int) or divisible else None


def _plain(value: int | Decimal | None) -> int | float | None:
    if value is None or isinstance(value, int):
        return value
    return int(value) if value == int(value) else float(value)


def _unit(indicator: Indicator, quantity: Quantity) -> str:
    """Return the unit of the record: goods and animals keep the one they were counted in."""
    if indicator.aggregation.units == "sum_by_item":
        return next((unit for unit in quantity.units if unit in {indicator.unit, *indicator.accepts}), indicator.unit)
    return indicator.unit


def _span(found: Scan, first: int, last: int) -> tuple[int, int]:
    return found.text.span(found.tokens[first].start, found.tokens[last].end)


def _by(found: Scan, indicator: Indicator, first: int, last: int) -> Mapping[str, str]:
    if not indicator.by:
        return {}
    said = f" {found.text.text[found.tokens[first].start : found.tokens[last].end]} "
    by = {}
    for dimension, values in indicator.by.items():
        value = next((v for v, words in values.items() if any(f" {fold(word)} " in said for word in words)), None)
        if value:
            by[dimension] = value
    return by


def _place_left_over(draft: Draft, quantity: Quantity) -> None:
    """Give a number without words of its own to what stands near: its money, its people; else ask."""
    if "percent" in quantity.units:
        draft.percents.append(quantity)
        return
    target = _beside_its_target(draft, quantity)
    if target:
        _add_pair(draft, target)
        return
    link = "money" if quantity.money or _is_bare_money(quantity) else "people" if PEOPLE & set(quantity.units) else None
    owner = _context(draft, quantity, link) if link else None
    code = getattr(draft.catalogue[owner].links, link) if owner and link else None
    if not code or not owner or _value(quantity) is None:
        draft.asks.append(_not_understood(quantity))
        return
    _add(draft, draft.catalogue[code], quantity, first=quantity.at, last=quantity.ends)
    if link == "money" and _each_or_total(draft, quantity, owner):
        draft.asks.append(Ask("each_or_total", {"indicator": code}))


def _beside_its_target(draft: Draft, quantity: Quantity) -> Pair | None:
    """Give a number the words its target was named with: "chỉ tiêu 6 hộ 5k3s, tháng này làm được 4 hộ"."""
    found, numbers = draft.found, draft.sorted
    if not quantity.units:
        return None
    kept = {q.at for q in (*numbers.values, *numbers.left, *numbers.doubtful)} | {
        rate.quantity.at for rate in numbers.rates
    }
    targets = [q for q in found.quantities if q.at < quantity.at and q.at not in kept and q.units == quantity.units]
    used = {chosen.mention.first for chosen in draft.pairs}
    for mention in found.mentions:
        if mention.first in used or not any(abs(mention.first - q.ends) <= _OF_TARGET for q in targets):
            continue
        code = next((code for code in mention.codes if fits(quantity, draft.catalogue[code])), None)
        if code:
            return Pair(quantity, mention, code, 0)
    return None


def _not_understood(quantity: Quantity) -> Ask:
    values: dict[str, str | int | float] = {"value": str(quantity.number.value)}
    if quantity.units and not quantity.money:
        values["unit"] = quantity.units[0]
    return Ask("not_understood", values)


def _is_bare_money(quantity: Quantity) -> bool:
    return not quantity.units and quantity.number.scaled and (quantity.number.value or 0) >= 10_000


def _each_or_total(draft: Draft, quantity: Quantity, owner: str) -> bool:
    count = next((chosen.quantity for chosen in reversed(draft.pairs) if chosen.code == owner), None)
    if count is None or not count.number.value or count.number.value <= 1:
        return False
    names = {name for first, last, name in draft.found.cues if count.at < first and last < quantity.at}
    if "total" in names:
        return False
    assert quantity.number.value is not None
    return "worth" not in names or int(quantity.number.value / count.number.value) not in _USUAL_EACH_VND


def _add_rate(draft: Draft, rate: Rate) -> None:
    """Multiply "mỗi suất 300k" by its suất; a monthly amount is a pledge; a rule ("mỗi tuần 20k") is no figure."""
    link = "monthly" if "thang" in rate.times else "money"
    owner = _context(draft, rate.quantity, link)
    if rate.times and (link == "money" or not owner):
        return
    count = _count_for(draft, rate, owner)
    code = getattr(draft.catalogue[owner].links, link) if owner else None
    value = _value(rate.quantity)
    if not code or value is None or count is None:
        if not _sum_follows(draft, rate):
            draft.asks.append(Ask("not_understood", {"value": str(rate.quantity.number.value)}))
        return
    each = rate.per or rate.product
    if not each and count != 1:
        draft.asks.append(Ask("each_or_total", {"indicator": code}))
    total = value * count if each else value
    derived = f"{count} x {value}" if each else None
    span = _span(draft.found, rate.quantity.at, rate.quantity.ends)
    record = Record(code, total, draft.catalogue[code].unit, None, span, derived=derived)
    _put(draft, rate.quantity.at, replace(record, qualifier=rate.quantity.number.qualifier))


def _sum_follows(draft: Draft, rate: Rate) -> bool:
    """Tell whether the sum is told after its price: "mỗi chị góp 20k được 900k"."""
    money = [chosen for chosen in draft.pairs if draft.catalogue[chosen.code].unit == "vnd"]
    return any(chosen.quantity.at > rate.quantity.at for chosen in money)


def _count_for(draft: Draft, rate: Rate, owner: str | None) -> int | float | None:
    for chosen in reversed(draft.pairs):
        if chosen.code == owner and (rate.product or not rate.per or _same_things(rate, chosen, draft.catalogue)):
            return _value(chosen.quantity)
    return 1 if any(m.one and owner in m.codes for m in draft.found.mentions) else None


def _same_things(rate: Rate, chosen: Pair, catalogue: Catalogue) -> bool:
    indicator = catalogue[chosen.code]
    return bool(rate.per & {*chosen.quantity.units, indicator.unit, *indicator.accepts})


def _add_ones(draft: Draft) -> None:
    """Count one where words alone report it: "bàn giao mái ấm tình thương". An explicit number goes before."""
    counted = {record.indicator for _, record in draft.rows}
    used = {chosen.mention.first for chosen in draft.pairs}
    for mention in draft.found.mentions:
        if not mention.one or mention.first in used or mention.first in draft.sorted.silent:
            continue
        indicator = draft.catalogue[_one_code(mention)]
        if indicator.code in counted:
            continue
        counted.add(indicator.code)
        by = _by(draft.found, indicator, mention.first, mention.last)
        span = _span(draft.found, mention.first, mention.last)
        _put(draft, mention.first, Record(indicator.code, 1, indicator.unit, None, span, by=by))


def _one_code(mention: Mention) -> str:
    return mention.codes[0]


def _add_parts(draft: Draft) -> None:
    """Hang the parts of a breakdown on the figure before them; money whose parts do not match is asked."""
    for parent in dict.fromkeys(part.parent for part in draft.sorted.parts):
        parts = [part for part in draft.sorted.parts if part.parent == parent]
        owner = _owner_of(draft, parent)
        if owner is None:
            draft.asks.append(_not_understood(parts[0].quantity))
            continue
        index, record = owner
        values = {part.name: _part_value(part) for part in parts}
        draft.rows[index] = (draft.rows[index][0], replace(record, by={**record.by, **values}))
        if record.unit == "vnd" and sum(values.values()) != record.value:
            draft.asks.append(Ask("parts_differ", {"parts": sum(values.values()), "total": record.value}))
        if record.unit == "ho":
            draft.asks.append(Ask("breakdown", {"indicator": record.indicator}))


def _owner_of(draft: Draft, parent: int) -> tuple[int, Record] | None:
    start, _ = _span(draft.found, parent, parent)
    rows = enumerate(draft.rows)
    return next(((i, record) for i, (_, record) in rows if record.span[0] <= start < record.span[1]), None)


def _part_value(part: Part) -> int:
    assert part.quantity.number.value is not None
    return int(part.quantity.number.value)


def _add_activities(draft: Draft) -> None:
    """Add the one activity that people took part in, where no activity is counted on that day."""
    for at, record in list(draft.rows):
        code = draft.catalogue[record.indicator].links.activity
        if code and not any(row.indicator == code and row.date == record.date for _, row in draft.rows):
            draft.rows.append((at, Record(code, 1, draft.catalogue[code].unit, record.date, record.span, record.place)))


def _add_shares(draft: Draft) -> None:
    """Compute the ratios whose parts are known; a percentage said must agree, without parts it is a record."""
    values = {record.indicator: record.value for _, record in draft.rows}
    for indicator in draft.catalogue:
        part, whole = values.get(indicator.numerator or ""), values.get(indicator.denominator or "")
        if indicator.kind == "ratio" and part is not None and whole:
            draft.derived[indicator.code] = round(100 * part / whole, 2)
    for quantity in draft.percents:
        assert quantity.number.value is not None
        said = float(quantity.number.value)
        chosen = next((chosen for chosen in draft.pairs if chosen.quantity.at == quantity.at), None)
        if draft.derived:
            if all(abs(said - share) > _PERCENT_TOLERANCE for share in draft.derived.values()):
                draft.asks.append(Ask("share_differs", {"said": said}))
        elif chosen:
            span = _span(draft.found, quantity.at, quantity.ends)
            _put(draft, quantity.at, Record(chosen.code, _plain(quantity.number.value) or 0, "percent", None, span))
        elif not draft.rows:
            draft.asks.append(_not_understood(quantity))


def _check(draft: Draft) -> None:
    seen: set[tuple[str, str | None, str, str | None, str]] = set()
    for _, record in draft.rows:
        indicator = draft.catalogue[record.indicator]
        limit = indicator.usual_max.get(draft.level)
        if limit is not None and record.value > limit:
            draft.asks.append(Ask("outlier", {"indicator": record.indicator, "value": record.value}))
        if draft.level in indicator.ask and not record.cumulative:
            draft.asks.append(Ask(indicator.ask[draft.level], {"indicator": record.indicator}))
        key = (record.indicator, record.date, record.unit, record.place, repr(sorted(record.by.items(), key=str)))
        if key in seen:
            draft.asks.append(Ask("same_twice", {"indicator": record.indicator}))
        seen.add(key)
