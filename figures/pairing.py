"""Find which number belongs to which indicator: the nearest one that counts the same things, in the same sentence."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import accumulate

from figures.catalogue import Catalogue, Indicator
from figures.scan import Mention, Quantity, Scan

# Words between a number and its indicator cost one each, another number or a comma between them more.
_COST_OF_NUMBER = 6
_COST_OF_COMMA = 5
_COST_OF_LONE_UNIT = 4
_COST_OF_SCALE = 3
_TOO_FAR = 11
_IN_TURN = -9
_BEHIND = 2
_NEAREST = 6


@dataclass(frozen=True, slots=True)
class Pair:
    """A number with the indicator it was found to be a value of; `cost` tells how far they stand apart."""

    quantity: Quantity
    mention: Mention
    code: str
    cost: int


def pair(found: Scan, quantities: Iterable[Quantity], catalogue: Catalogue) -> list[Pair]:
    """Return the pairs, each number and each mention used once, the closest first served, in the order of the text."""
    candidates = tuple(quantities)
    numbers = _numbers_before(found, candidates)
    offers = [
        offer
        for quantity in candidates
        for mention in _near(quantity, found.mentions)
        for offer in _offers(found, quantity, mention, catalogue, numbers=numbers)
    ]
    offers += _in_turn(found, candidates, catalogue)
    offers.sort(key=lambda offer: (offer.cost, offer.quantity.at))
    used_numbers: set[int] = set()
    used_mentions: set[int] = set()
    pairs = []
    for offer in offers:
        if offer.quantity.at in used_numbers or offer.mention.first in used_mentions:
            continue
        used_numbers.add(offer.quantity.at)
        used_mentions.add(offer.mention.first)
        pairs.append(offer)
    return sorted(pairs, key=lambda chosen: chosen.quantity.at)


def _in_turn(found: Scan, quantities: tuple[Quantity, ...], catalogue: Catalogue) -> list[Pair]:
    """Return the pairs of sentences that only tell names and numbers in turn: "hv mới 3 thoát nghèo 2 cây 20"."""
    placed: list[tuple[int, Quantity | Mention]] = [(one.at, one) for one in quantities]
    placed += [(one.first, one) for one in found.mentions]
    sentences: dict[int, list[Quantity | Mention]] = {}
    for at, one in sorted(placed, key=lambda entry: entry[0]):
        sentences.setdefault(found.strong[at], []).append(one)
    pairs: list[Pair] = []
    for items in sentences.values():
        nexts = [*items[2::2], None]
        rows = zip(items[::2], items[1::2], nexts, strict=False)
        turns = [_turn(name, number, following, catalogue) for name, number, following in rows]
        if len(items) % 2 == 0 and len(turns) > 1 and all(turns):
            pairs += [turn for turn in turns if turn]
    return pairs


def _turn(
    name: Quantity | Mention, number: Quantity | Mention, following: Quantity | Mention | None, catalogue: Catalogue
) -> Pair | None:
    """Return a name with the number right behind it; a unit that begins the next name is none of the number."""
    if not isinstance(name, Mention) or not isinstance(number, Quantity) or not 0 < number.at - name.last <= _BEHIND:
        return None
    if isinstance(following, Mention) and number.ends >= following.first:
        number = replace(number, units=(), size=1, ends=number.at)
    code = next((code for code in name.codes if fits(number, catalogue[code])), None)
    return Pair(number, name, code, _IN_TURN) if code else None


def fits(quantity: Quantity, indicator: Indicator) -> bool:
    """Tell whether a number with its unit can be a value of an indicator; without a unit it may be any count."""
    if indicator.unit == "percent" or "percent" in quantity.units:
        return indicator.unit == "percent" and "percent" in quantity.units
    if indicator.unit == "vnd":
        return quantity.money or (not quantity.units and (quantity.number.scaled or _looks_like_money(quantity)))
    if quantity.money:
        return False
    if not quantity.units:
        # A length is never told without its unit: "đường hoa 3 tuyến dài 1,8km".
        return indicator.unit != "m"
    if {indicator.unit, *indicator.accepts} & set(quantity.units):
        return True
    # "hộ thoát nghèo 3 chị ạ": but an activity's "40 chị ạ" are the people who came.
    by_item = indicator.aggregation.units == "sum_by_item"
    return quantity.loose and not indicator.links.people and indicator.unit != "m" and not by_item


def _looks_like_money(quantity: Quantity) -> bool:
    return quantity.number.value is not None and quantity.number.value >= 10_000


def _near(quantity: Quantity, mentions: tuple[Mention, ...]) -> tuple[Mention, ...]:
    # Only the nearest few on either side are looked at, so that a long text costs no more per word than a short one.
    middle = bisect_left(mentions, quantity.at, key=lambda mention: mention.first)
    return mentions[max(0, middle - _NEAREST) : middle + _NEAREST]


def _numbers_before(found: Scan, quantities: tuple[Quantity, ...]) -> list[int]:
    """Return for each token how many of `quantities` stand before it; rates and the like do not count."""
    places = {quantity.at for quantity in quantities}
    return [0, *accumulate(at in places for at in range(len(found.tokens)))]


def _offers(
    found: Scan, quantity: Quantity, mention: Mention, catalogue: Catalogue, *, numbers: list[int]
) -> list[Pair]:
    distance = _distance(found, quantity, mention, numbers)
    if distance is None:
        return []
    offers = []
    for code in mention.codes:
        if fits(quantity, catalogue[code]) and not _names_whole(quantity, mention, code, catalogue):
            same = catalogue[code].unit in quantity.units
            # "Giám sát: 1 cuộc": the word for what is counted names it only where nothing else does.
            lone = _COST_OF_LONE_UNIT if mention.first == mention.last and mention.last == quantity.ends else 0
            cost = distance - same + (not quantity.units) + lone
            if cost <= _TOO_FAR:
                offers.append(Pair(quantity, mention, code, cost + _cost_of_scale(quantity, catalogue[code])))
    return offers


def _cost_of_scale(quantity: Quantity, indicator: Indicator) -> int:
    """Return less for money where "350 nghìn" counts nothing named, more for things."""
    if quantity.units or not quantity.number.scaled:
        return 0
    return -_COST_OF_SCALE if indicator.unit == "vnd" else _COST_OF_SCALE


def _names_whole(quantity: Quantity, mention: Mention, code: str, catalogue: Catalogue) -> bool:
    """Tell whether words after k of n name the n: "hội viên 97/131 phụ nữ từ 18 tuổi"."""
    return quantity.number.of is not None and mention.first > quantity.at and code in catalogue.wholes


def _distance(found: Scan, quantity: Quantity, mention: Mention, numbers: list[int]) -> int | None:
    """Return how far apart they stand, 0 where the number stands inside the words; None across a sentence."""
    if mention.first <= quantity.at <= mention.last:
        return 0
    after = mention.first > quantity.at
    from_, to = (quantity.ends, mention.first) if after else (mention.last, quantity.at)
    if found.strong[min(from_, to)] != found.strong[to]:
        return None
    commas = found.weak[to] - found.weak[min(from_, to)]
    between = numbers[to] - numbers[min(from_, to) + 1] if to > from_ + 1 else 0
    gap = max(0, to - from_ - 1)
    return (1 if after else 2) + gap + _COST_OF_COMMA * commas + _COST_OF_NUMBER * between
