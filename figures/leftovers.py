"""Give numbers without words of their own to what stands near, or tell that they report nothing new; else ask."""

from __future__ import annotations

from collections.abc import Sequence

from figures.catalogue import Indicator
from figures.draft import Draft, add, context_of, same_clause, value_of
from figures.echoes import (
    PEOPLE,
    add_alone,
    add_carried,
    add_far,
    add_like_the_last,
    add_under_heading,
    alike,
    last_pair,
)
from figures.pairing import fits
from figures.reading_types import Ask
from figures.scan import Quantity
from figures.silence import cues_before

_HELPED = PEOPLE | {"ho", "tre"}
_NEAR_TOKENS = 4
_TIMES = frozenset({"lan", "dot"})
_GIVE = frozenset({"gui", "nop", "dong", "gop", "ung", "quyen"})
_BIRTH_YEARS = range(1930, 2016)


def place_left_over(draft: Draft) -> None:
    """Give each number without words of its own to what stands near: its money, its people; else ask."""
    remaining = [quantity for quantity in draft.unplaced if not _is_placed(draft, quantity)]
    for quantity in remaining:
        if not (draft.rows and _is_beside_the_point(draft, quantity)):
            draft.asks.append(not_understood(quantity))


def _is_placed(draft: Draft, quantity: Quantity) -> bool:
    if "percent" in quantity.units:
        draft.percents.append(quantity)
        return True
    ways = (
        _says_nothing_new,
        _add_linked_near,
        add_far,
        _add_linked,
        add_like_the_last,
        add_under_heading,
        add_carried,
        add_alone,
    )
    return any(way(draft, quantity) for way in ways)


def not_understood(quantity: Quantity) -> Ask:
    """Return the question what a number means."""
    values: dict[str, str | int | float] = {"value": str(quantity.number.value)}
    if quantity.units and not quantity.money:
        values["unit"] = quantity.units[0]
    return Ask("not_understood", values)


def breakdowns(draft: Draft, quantities: Sequence[Quantity]) -> set[int]:
    """Return the tokens of numbers that only take apart the figure before them: "2 chị khởi nghiệp, 1 chị …"."""
    paired = {chosen.quantity.at for chosen in draft.pairs}
    taken: set[int] = set()
    for index, whole in enumerate(quantities):
        if whole.at not in paired:
            continue
        sum_, run = 0, []
        for part in quantities[index + 1 :]:
            if part.at in paired or not alike(whole, part) or value_of(part) is None:
                break
            run.append(part.at)
            sum_ += int(value_of(part) or 0)
            if len(run) > 1 and sum_ == value_of(whole):
                taken.update(run)
                break
    return taken


def _says_nothing_new(draft: Draft, quantity: Quantity) -> bool:
    """Tell whether a number repeats another ("cả 2 cái", "= 2.800.000đ") or counts what was visited."""
    found = draft.found
    if any(record.derived and record.value == value_of(quantity) for _, record in draft.rows):
        return True
    cues = [(last, name) for _, last, name in cues_before(found, quantity.at + 1) if quantity.at - last <= _NEAR_TOKENS]
    if any(last == quantity.at and name == "total" for last, name in cues):
        return any(chosen.quantity.number.value == quantity.number.value for chosen in draft.pairs)
    visited = [last for last, name in cues if name == "visited" and found.weak[last] == found.weak[quantity.at]]
    return bool(visited and draft.rows and _HELPED & set(quantity.units))


def _add_linked_near(draft: Draft, quantity: Quantity) -> bool:
    """Add the money of what was counted in the same sentence, where no words for money stand between."""
    last = last_pair(draft, quantity)
    found = draft.found
    if last is None or found.strong[last.quantity.at] != found.strong[quantity.at]:
        return False
    between = [one for one in found.mentions if last.quantity.ends < one.first < quantity.at]
    if any(draft.catalogue[one.codes[0]].unit == "vnd" for one in between):
        return False
    has_money = draft.catalogue[last.code].links.money is not None
    return has_money and _link_of(quantity) == "money" and _add_linked(draft, quantity)


def _link_of(quantity: Quantity) -> str | None:
    if quantity.money or _is_bare_money(quantity):
        return "money"
    return "people" if (PEOPLE | {"ho"}) & set(quantity.units) else None


def _add_linked(draft: Draft, quantity: Quantity) -> bool:
    """Add the money or people of what stands before."""
    link = _link_of(quantity)
    owner = context_of(draft, quantity, link) if link else None
    code = getattr(draft.catalogue[owner].links, link) if owner and link else None
    if not code or not owner or value_of(quantity) is None or not fits(quantity, draft.catalogue[code]):
        return False
    if link == "people" and _is_given_to(draft, quantity) and not _owns_nearest(draft, quantity, owner):
        return False
    product = next((record for _, record in draft.rows if record.indicator == code and record.derived), None)
    if product and link == "money":
        if product.value != value_of(quantity):
            draft.asks.append(Ask("parts_differ", {"parts": product.value, "total": value_of(quantity) or 0}))
        return True
    add(draft, draft.catalogue[code], quantity, first=quantity.at, last=quantity.ends)
    if link == "money" and not draft.catalogue[code].stock and _each_or_total(draft, quantity, owner):
        draft.asks.append(Ask("each_or_total", {"indicator": code}))
    return True


def _is_bare_money(quantity: Quantity) -> bool:
    return not quantity.units and quantity.number.scaled and (quantity.number.value or 0) >= 10_000


def _each_or_total(draft: Draft, quantity: Quantity, owner: str) -> bool:
    counts = [chosen.quantity for chosen in draft.pairs if chosen.code == owner]
    before = [count for count in counts if count.at < quantity.at]
    count = before[-1] if before else counts[-1] if counts else None
    if count is None or not count.number.value or count.number.value <= 1:
        return False
    names = {name for first, last, name in draft.found.cues if count.at < first and last < quantity.at}
    if "total" in names or any(first <= count.at <= last for first, last, name in draft.found.cues if name == "total"):
        return False
    value = value_of(quantity) or 0
    return "worth" not in names or not _is_surely_total(
        value, value / float(count.number.value), draft.catalogue[owner]
    )


def _is_surely_total(value: int | float, each: float, indicator: Indicator) -> bool:
    """Tell whether a worth can only be that of all: one would cost as usual, and this is too much for one."""
    usual = indicator.usual_each
    return not usual or (usual["from"] <= each <= usual["to"] < value)


def _is_given_to(draft: Draft, quantity: Quantity) -> bool:
    before = draft.found.tokens[max(0, quantity.at - 2) : quantity.at]
    return any(token.text in {"cho", "toi", "den", "cua"} for token in before)


def _owns_nearest(draft: Draft, quantity: Quantity, owner: str) -> bool:
    last = last_pair(draft, quantity)
    return last is None or last.code == owner or not same_clause(draft.found, last.quantity.at, quantity.at)


def _is_beside_the_point(draft: Draft, quantity: Quantity) -> bool:
    """Tell whether a number counts who took part or who was given to, where the figure itself is read."""
    units = set(quantity.units)
    if units & draft.catalogue.vocabulary.reporting_units:
        return True
    if not units and value_of(quantity) in _BIRTH_YEARS:
        return True
    if units & draft.catalogue.vocabulary.small_units and _is_given_to(draft, quantity):
        return True
    codes = {record.indicator for _, record in draft.rows}
    if units == {"m"} or ("kg" in units and "FUND_RAISED" in codes):
        return True
    texts = draft.found.row.texts
    if "buoi" in units and texts[quantity.ends] in _TIMES:
        return True
    if PEOPLE & units and set(texts[quantity.ends + 1 : quantity.ends + 2]) & _GIVE:
        return any(record.unit == "vnd" for _, record in draft.rows)
    if "buoi" in units:
        return any(draft.catalogue[chosen.code].links.people == chosen.code for chosen in draft.pairs)
    return bool(_HELPED & units) and (
        _is_given_to(draft, quantity) or _pays(draft, quantity) or _is_helped(draft, quantity)
    )


def _is_helped(draft: Draft, quantity: Quantity) -> bool:
    """Tell whether households were helped by the work told in the clause: "giúp 3 hộ neo đơn được 21 công"."""
    near = [record for at, record in draft.rows if same_clause(draft.found, at, quantity.at)]
    before = draft.found.row.texts[max(0, quantity.at - 2) : quantity.at]
    return "giup" in before and any(record.unit == "ngay_cong" for record in near)


def _pays(draft: Draft, quantity: Quantity) -> bool:
    """Tell whether people only paid what is told: "35 chị nộp hội phí được 420.000"."""
    return any(record.unit == "vnd" and same_clause(draft.found, at, quantity.at) for at, record in draft.rows)
