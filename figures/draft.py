"""What has been built so far of one message, and how a number becomes a record in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from figures.catalogue import Catalogue, Indicator
from figures.pairing import Pair
from figures.reading_types import Ask, Record
from figures.scan import Mention, Quantity, Scan
from figures.sorting import Sorted
from figures.when import Told, when_of
from vietnamese.fold import fold


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


def context_of(draft: Draft, quantity: Quantity, link: str) -> str | None:
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


def add(draft: Draft, indicator: Indicator, quantity: Quantity, *, first: int, last: int) -> None:
    value = value_of(quantity)
    assert value is not None
    whole = quantity.number.of.value if quantity.number.of and not indicator.links.of else None
    record = Record(
        indicator.code,
        value,
        unit_of(indicator, quantity),
        None,
        span_of(draft.found, first, last),
        by=by_of(draft.found, indicator, min(quantity.at, first), last),
        of=plain(whole),
        qualifier=quantity.number.qualifier,
    )
    put(draft, first, record, ambiguous=quantity.at in draft.found.ambiguous)


def put(draft: Draft, at: int, record: Record, *, ambiguous: bool = False) -> None:
    when = when_of(draft.told, draft.found, at)
    cumulative = when.cumulative or any(name == "cumulative" for _, _, name in draft.found.cues)
    stock = draft.catalogue[record.indicator].stock
    place = place_of(draft, at)
    draft.rows.append((at, replace(record, date=when.label, place=place, cumulative=cumulative and not stock)))
    if when.doubt:
        draft.asks.append(Ask("date", {"doubt": when.doubt}))
    if ambiguous:
        draft.asks.append(Ask("number", {"doubt": "name_or_count"}))


def place_of(draft: Draft, at: int) -> str | None:
    before = [place.name for place in draft.places if place.at <= at]
    if before:
        return before[-1]
    return draft.places[0].name if len({place.name for place in draft.places}) == 1 else None


def value_of(quantity: Quantity) -> int | float | None:
    """Return the value in the unit of the indicator; None for a fraction of what can only be whole."""
    assert quantity.number.value is not None
    value = plain(quantity.number.value * quantity.size)
    divisible = {"m", "kg", "ngay_cong", "percent"} & set(quantity.units)
    return value if isinstance(value, int) or divisible else None


def plain(value: int | Decimal | None) -> int | float | None:
    if value is None or isinstance(value, int):
        return value
    return int(value) if value == int(value) else float(value)


def unit_of(indicator: Indicator, quantity: Quantity) -> str:
    """Return the unit of the record: goods and animals keep the one they were counted in."""
    if indicator.aggregation.units == "sum_by_item":
        return next((unit for unit in quantity.units if unit in {indicator.unit, *indicator.accepts}), indicator.unit)
    return indicator.unit


def span_of(found: Scan, first: int, last: int) -> tuple[int, int]:
    return found.text.span(found.tokens[first].start, found.tokens[last].end)


def by_of(found: Scan, indicator: Indicator, first: int, last: int) -> Mapping[str, str]:
    if not indicator.by:
        return {}
    said = f" {found.text.text[found.tokens[first].start : found.tokens[last].end]} "
    by = {}
    for dimension, values in indicator.by.items():
        value = next((v for v, words in values.items() if any(f" {fold(word)} " in said for word in words)), None)
        if value:
            by[dimension] = value
    return by
