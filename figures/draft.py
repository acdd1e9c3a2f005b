"""What has been built so far of one message, and how a number becomes a record in it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from figures.catalogue import Catalogue, Indicator
from figures.pairing import Pair
from figures.reading_types import Ask, Record
from figures.scan import Mention, Quantity, Scan
from figures.sorting import Sorted
from figures.when import Told, when_of

_NEAR = 12
_AT = frozenset({"o", "tai", "cho"})


@dataclass(frozen=True, slots=True)
class Place:
    """A place named in the message, from its token on."""

    at: int
    name: str


@dataclass(slots=True)
class Draft:
    """What has been built so far of one message; `multiplied` are the tokens of counts with their own price.

    `unplaced` are numbers without words of their own; `heads` the place at the head of a number's line, by token.
    """

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
    multiplied: set[int] = field(default_factory=set)
    unplaced: list[Quantity] = field(default_factory=list)
    heads: dict[int, str] = field(default_factory=dict)

    @property
    def paired_mentions(self) -> dict[int, Pair]:
        """Return the pairs by the first token of their words."""
        return {chosen.mention.first: chosen for chosen in self.pairs}


def context_of(draft: Draft, quantity: Quantity, link: str) -> str | None:
    """Return the indicator nearest before a number that has a `link`, else one after it in its own clause."""
    found = draft.found
    middle = bisect_left(found.mentions, quantity.at, key=lambda mention: mention.first)
    before = [(mention, _linked(draft, mention, link)) for mention in found.mentions[max(0, middle - _NEAR) : middle]]
    owners = [(mention, code) for mention, code in before if code]
    if owners:
        # "ra mắt CLB văn nghệ 20 chị": what was counted goes before what only names its subject.
        counted = [pair for pair in owners if pair[0].one or pair[0].first in draft.paired_mentions]
        near = [pair for pair in counted if same_clause(found, pair[0].first, owners[-1][0].first)]
        return (near or owners)[-1][1]
    for mention in found.mentions[middle : middle + _NEAR]:
        if same_clause(found, mention.first, quantity.at):
            code = _linked(draft, mention, link)
            if code:
                return code
    return None


def same_clause(found: Scan, one: int, other: int) -> bool:
    """Tell whether no comma and no end of a sentence stands between two tokens."""
    return found.strong[one] == found.strong[other] and found.weak[one] == found.weak[other]


def _linked(draft: Draft, mention: Mention, link: str) -> str | None:
    """Return the indicator of the words, if it has the link: from the pair, or where they can speak alone."""
    chosen = draft.paired_mentions.get(mention.first)
    if chosen is None and not _speaks_alone(draft, mention, link):
        return None
    code = chosen.code if chosen else mention.codes[0]
    return code if getattr(draft.catalogue[code].links, link) else None


def _speaks_alone(draft: Draft, mention: Mention, link: str) -> bool:
    """Tell whether words without a number of their own can own people ("tuyên truyền cho 40 chị") or, if one, money."""
    alone = mention.one or link == "people" or (link == "monthly" and draft.catalogue[mention.codes[0]].named)
    return alone and mention.first not in draft.sorted.silent


def add(
    draft: Draft, indicator: Indicator, quantity: Quantity, *, first: int, last: int, label: str | None = None
) -> None:
    """Add a number as a value of an indicator; its words are the tokens `first` to `last`, `label` its own period."""
    value = value_of(quantity)
    assert value is not None
    if indicator.aggregation.units == "sum_by_item" and not by_of(draft.found, indicator, first, last):
        first, last = _clause_of(draft.found, first, last)
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
    if label:
        draft.rows[-1] = (first, replace(draft.rows[-1][1], date=label))
    if indicator.aggregation.units == "sum_by_item" and "kg" in indicator.accepts and not quantity.units:
        draft.asks.append(Ask("not_understood", {"value": str(value)}))
    if quantity.number.doubt:
        draft.asks.append(Ask("number", {"doubt": quantity.number.doubt}))


def _clause_of(found: Scan, first: int, last: int) -> tuple[int, int]:
    """Widen tokens to their clause: in "mì 210 thùng" the item stands before its unit."""
    while first and same_clause(found, first - 1, last) and last - first < _NEAR:
        first -= 1
    return first, last


def add_whole(draft: Draft, indicator: Indicator, quantity: Quantity) -> None:
    """Add the n of "k of n" as the figure it is: "giải ngân 158,8tr/210tr"."""
    whole = quantity.number.of
    if whole and indicator.links.of and whole.value is not None:
        other = draft.catalogue[indicator.links.of]
        if indicator.kind == "stock" and not any(other.code in mention.codes for mention in draft.found.mentions):
            return
        value = plain(whole.value)
        assert value is not None
        span = span_of(draft.found, quantity.at, quantity.ends)
        put(draft, quantity.at, Record(other.code, value, other.unit, None, span))


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
    if draft.heads.get(at):
        return draft.heads[at]
    after = next((place for place in draft.places if place.at > at and place.at < len(draft.found.tokens)), None)
    if after and same_clause(draft.found, at, after.at) and draft.found.row.texts[after.at - 1] in _AT:
        return after.name
    before = [place.name for place in draft.places if place.at <= at]
    if before:
        return before[-1]
    return draft.places[0].name if len({place.name for place in draft.places}) == 1 else None


def value_of(quantity: Quantity) -> int | float | None:
    """Return the value in the unit of the indicator; None for a fraction of what can only be whole."""
    assert quantity.number.value is not None
    divisible = {"m", "kg", "ngay_cong", "percent"} & set(quantity.units)
    # "1,250 cây" can only be 1250 of what is whole; that it may be is asked.
    thousands = 1_000 if quantity.number.doubt == "thousands" and not divisible and not quantity.number.scaled else 1
    value = plain(quantity.number.value * quantity.size * thousands)
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
    said = f" {' '.join(found.row.texts[first : last + 1])} "
    by = {}
    for dimension, values in indicator.by_folded.items():
        value = next((v for v, words in values.items() if any(f" {word} " in said for word in words)), None)
        if value:
            by[dimension] = value
    return by
