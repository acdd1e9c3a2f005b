"""Give numbers without words of their own to what stands near: its money, its people, a price times its count."""

from __future__ import annotations

from dataclasses import replace

from figures.catalogue import Catalogue
from figures.draft import Draft, add, context_of, put, span_of, value_of
from figures.pairing import Pair
from figures.reading_types import Ask, Record
from figures.scan import Quantity
from figures.sorting import Rate

PEOPLE = frozenset({"nguoi", "luot_nguoi"})
# A parcel usually costs this much; a sum that gives another price per parcel is asked: each or total?
_USUAL_EACH_VND = range(50_000, 1_000_001)


def place_left_over(draft: Draft, quantity: Quantity) -> None:
    """Give a number without words of its own to what stands near: its money, its people; else ask."""
    if "percent" in quantity.units:
        draft.percents.append(quantity)
        return
    link = "money" if quantity.money or _is_bare_money(quantity) else "people" if PEOPLE & set(quantity.units) else None
    owner = context_of(draft, quantity, link) if link else None
    code = getattr(draft.catalogue[owner].links, link) if owner and link else None
    if not code or not owner or value_of(quantity) is None:
        draft.asks.append(not_understood(quantity))
        return
    add(draft, draft.catalogue[code], quantity, first=quantity.at, last=quantity.ends)
    if link == "money" and _each_or_total(draft, quantity, owner):
        draft.asks.append(Ask("each_or_total", {"indicator": code}))


def not_understood(quantity: Quantity) -> Ask:
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


def add_rate(draft: Draft, rate: Rate) -> None:
    """Multiply "mỗi suất 300k" by its suất; a monthly amount is a pledge; a rule ("mỗi tuần 20k") is no figure."""
    link = "monthly" if "thang" in rate.times else "money"
    owner = context_of(draft, rate.quantity, link)
    if rate.times and (link == "money" or not owner):
        return
    count = _count_for(draft, rate, owner)
    code = getattr(draft.catalogue[owner].links, link) if owner else None
    value = value_of(rate.quantity)
    if not code or value is None or count is None:
        if not _sum_follows(draft, rate):
            draft.asks.append(Ask("not_understood", {"value": str(rate.quantity.number.value)}))
        return
    each = rate.per or rate.product
    if not each and count != 1:
        draft.asks.append(Ask("each_or_total", {"indicator": code}))
    total = value * count if each else value
    derived = f"{count} x {value}" if each else None
    span = span_of(draft.found, rate.quantity.at, rate.quantity.ends)
    record = Record(code, total, draft.catalogue[code].unit, None, span, derived=derived)
    put(draft, rate.quantity.at, replace(record, qualifier=rate.quantity.number.qualifier))


def _sum_follows(draft: Draft, rate: Rate) -> bool:
    """Tell whether the sum is told after its price: "mỗi chị góp 20k được 900k"."""
    money = [chosen for chosen in draft.pairs if draft.catalogue[chosen.code].unit == "vnd"]
    return any(chosen.quantity.at > rate.quantity.at for chosen in money)


def _count_for(draft: Draft, rate: Rate, owner: str | None) -> int | float | None:
    for chosen in reversed(draft.pairs):
        if chosen.code == owner and (rate.product or not rate.per or _same_things(rate, chosen, draft.catalogue)):
            return value_of(chosen.quantity)
    return 1 if any(m.one and owner in m.codes for m in draft.found.mentions) else None


def _same_things(rate: Rate, chosen: Pair, catalogue: Catalogue) -> bool:
    indicator = catalogue[chosen.code]
    return bool(rate.per & {*chosen.quantity.units, indicator.unit, *indicator.accepts})
