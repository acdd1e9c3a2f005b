"""Multiply a price by its count: "20 suất, mỗi suất 300k", "18 phần quà x 500k", "46 chị x 24.000đ hội phí"."""

from __future__ import annotations

from dataclasses import replace

from figures.catalogue import Catalogue
from figures.draft import Draft, add, context_of, put, span_of, value_of
from figures.pairing import Pair, fits
from figures.reading_types import Ask, Record
from figures.scan import Mention, Quantity
from figures.sorting import Rate


def add_rate(draft: Draft, rate: Rate) -> None:
    """Multiply "mỗi suất 300k" by its suất; a monthly amount is a pledge; a rule or a price by weight is no figure."""
    if _is_told(draft, rate) or _is_content(draft, rate):
        return
    if _is_of_things(rate):
        _add_things(draft, rate)
        return
    crowd = {"nguoi", "luot_nguoi"} & set(rate.quantity.units) and "buoi" in rate.per
    link = "people" if crowd else "monthly" if "thang" in rate.times else "money"
    owner = context_of(draft, rate.quantity, link)
    if (rate.times and (link == "money" or not owner)) or rate.per == {"kg"}:
        return
    count, pair = _count_for(draft, rate, owner)
    code = getattr(draft.catalogue[owner].links, link) if owner else None
    if (not code or count is None) and not rate.times:
        code, count = _of_money_named(draft, rate)
    value = value_of(rate.quantity)
    if not code or value is None or count is None:
        if not _sum_follows(draft, rate):
            draft.asks.append(Ask("not_understood", {"value": str(rate.quantity.number.value)}))
        return
    if pair:
        draft.multiplied.add(min(pair.quantity.at, pair.mention.first))
    each = rate.per or rate.product
    if not each and count != 1:
        draft.asks.append(Ask("each_or_total", {"indicator": code}))
    total = value * count if each else value
    derived = f"{count} x {value}" if each else None
    span = span_of(draft.found, rate.quantity.at, rate.quantity.ends)
    record = Record(code, total, draft.catalogue[code].unit, None, span, derived=derived)
    put(draft, rate.quantity.at, replace(record, qualifier=rate.quantity.number.qualifier))


def _is_of_things(rate: Rate) -> bool:
    units = set(rate.quantity.units)
    return bool(units) and not rate.quantity.money and not units & {"nguoi", "luot_nguoi"}


def _add_things(draft: Draft, rate: Rate) -> None:
    """Multiply things for each: "tặng quà 10 hộ, mỗi hộ 1 phần"."""
    paired = draft.paired_mentions
    before = [one for one in draft.found.mentions if one.first < rate.quantity.ends and one.first not in paired]
    named = [one for one in before[-4:] if fits(rate.quantity, draft.catalogue[one.codes[0]])]
    counts = [quantity for quantity in draft.unplaced if rate.per & set(quantity.units)]
    value = value_of(rate.quantity)
    if not named or not counts or value != 1:
        draft.asks.append(Ask("not_understood", {"value": str(rate.quantity.number.value)}))
        return
    code = named[-1].codes[0]
    draft.unplaced.remove(counts[-1])
    draft.pairs.append(Pair(counts[-1], named[-1], code, 0))
    add(draft, draft.catalogue[code], counts[-1], first=counts[-1].at, last=counts[-1].ends)


def _is_told(draft: Draft, rate: Rate) -> bool:
    """Tell whether a product only shows how a sum came about: "1.080.000đ (90 chị x 12.000đ)"; its count is used up."""
    value = value_of(rate.quantity)
    counts = [quantity for quantity in draft.unplaced if _is_counted_by(draft, quantity, rate)]
    if not counts or value is None:
        return False
    total = (value_of(counts[-1]) or 0) * value
    sums = [record.value for _, record in draft.rows if record.unit == "vnd"]
    sums += [value_of(quantity) or 0 for quantity in draft.unplaced if quantity.money or quantity.number.scaled]
    told = total in sums
    if told:
        draft.unplaced.remove(counts[-1])
    return told


def _is_content(draft: Draft, rate: Rate) -> bool:
    """Tell whether things for each are what one holds ("mỗi phần 5kg gạo") or are told in all ("mỗi chị 2 cây …")."""
    units = set(rate.quantity.units)
    if not _is_of_things(rate):
        return False
    paired = [chosen.quantity for chosen in draft.pairs]
    if any(rate.per & set(quantity.units) for quantity in paired):
        return True
    told = any(units & set(quantity.units) for quantity in paired)
    counts = [quantity for quantity in draft.unplaced if told and rate.per & set(quantity.units)]
    for quantity in counts:
        draft.unplaced.remove(quantity)
    return told


def _sum_follows(draft: Draft, rate: Rate) -> bool:
    """Tell whether the sum is told after its price: "mỗi chị góp 20k được 900k"."""
    money = [chosen for chosen in draft.pairs if draft.catalogue[chosen.code].unit == "vnd"]
    return any(chosen.quantity.at > rate.quantity.at for chosen in money)


def _count_for(draft: Draft, rate: Rate, owner: str | None) -> tuple[int | float | None, Pair | None]:
    """Return the nearest count before the price, else the first after it; one where the words alone mean one."""
    fitting = [
        chosen
        for chosen in draft.pairs
        if chosen.code == owner and (rate.product or not rate.per or _same_things(rate, chosen, draft.catalogue))
    ]
    before = [chosen for chosen in fitting if chosen.quantity.at < rate.quantity.at]
    nearest = before[-1] if before else fitting[0] if fitting else None
    if nearest:
        return value_of(nearest.quantity), nearest
    if owner is None:
        return None, None
    named = draft.catalogue[owner].named
    return (1 if any((m.one or named) and owner in m.codes for m in draft.found.mentions) else None), None


def _same_things(rate: Rate, chosen: Pair, catalogue: Catalogue) -> bool:
    indicator = catalogue[chosen.code]
    if rate.per & {"ho", "nguoi", "tre"} and chosen.cost == 0 and set(chosen.quantity.units) & rate.per:
        return True
    return bool(rate.per & {*chosen.quantity.units, indicator.unit, *indicator.accepts})


def _of_money_named(draft: Draft, rate: Rate) -> tuple[str | None, int | float | None]:
    """Return the money that is named before and the count beside the price: "hội phí 46 chị x 24.000đ"."""
    paired = draft.paired_mentions
    before = [one for one in draft.found.mentions if one.first < rate.quantity.at and one.first not in paired]
    named = [(one, code) for one in before[-4:] if (code := _money_of(draft, one))]
    counts = [quantity for quantity in draft.unplaced if _is_counted_by(draft, quantity, rate)]
    if not named or not counts:
        return None, None
    mention, code = named[-1]
    if not ({"nguoi", "luot_nguoi"} & rate.per and context_of(draft, counts[-1], "people")):
        draft.unplaced.remove(counts[-1])
    if code != mention.codes[0]:
        # "học bổng cho 5 em, mỗi em 1 triệu": as many were given as got one.
        add(draft, draft.catalogue[mention.codes[0]], counts[-1], first=counts[-1].at, last=counts[-1].ends)
    return code, value_of(counts[-1])


def _money_of(draft: Draft, mention: Mention) -> str | None:
    indicator = draft.catalogue[mention.codes[0]]
    return indicator.code if indicator.unit == "vnd" else indicator.links.money


def _is_counted_by(draft: Draft, quantity: Quantity, rate: Rate) -> bool:
    found = draft.found
    if found.strong[quantity.at] != found.strong[rate.quantity.at] or quantity.money or value_of(quantity) is None:
        return False
    if rate.product:
        return quantity.ends + 2 == rate.quantity.at
    return bool(rate.per & set(quantity.units))
