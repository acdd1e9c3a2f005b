"""Find numbers that a reading left out though they may report something: better asked than lost."""

from __future__ import annotations

from figures.draft import Draft, same_clause
from figures.reading_types import Ask
from figures.scan import Quantity

_LEAST_VND = 10_000
_SILENCING = frozenset({"future", "not_yet", "before", "target", "price", "left"})
_MOST_CUES = 40
_DAY, _YEAR = len("2025-03-08"), len("2025")


def missed(draft: Draft) -> tuple[Ask, ...]:
    """Ask about counted things and money that a plan or comparison in another clause silenced beside a deed."""
    left = [one for one in draft.found.quantities if one.at in draft.sorted.silent and _is_amount(one)]
    return tuple(_ask(one) for one in left[:_MOST_CUES] if _is_done(draft, one))


def beside_a_day(draft: Draft) -> tuple[Ask, ...]:
    """Ask about money without words of its own on a day that is past: "hôm qua được ba triệu"."""
    days = [when for _, when in draft.told.dates if when.label and len(when.label) == _DAY and when.doubt is None]
    money = [one for one in draft.sorted.values if _is_amount(one) and not one.units]
    return tuple(_ask(one) for one in money[:1]) if days else ()


def _is_amount(quantity: Quantity) -> bool:
    """Tell whether it is money or counts something."""
    value = quantity.number.value
    if not value or quantity.number.doubt:
        return False
    return bool(quantity.units) or ((quantity.money or quantity.number.scaled) and value >= _LEAST_VND)


def _is_done(draft: Draft, quantity: Quantity) -> bool:
    """Tell whether its own clause tells a deed and nothing that silences it."""
    cues = [name for first, _, name in draft.found.cues[:_MOST_CUES] if same_clause(draft.found, first, quantity.at)]
    days = [
        when.label
        for at, when in draft.told.dates[:_MOST_CUES]
        if when.label and when.doubt is None and same_clause(draft.found, at, quantity.at)
    ]
    ahead = any(
        (said.doubt == "future" or len(said.label or "") == _YEAR) and same_clause(draft.found, at, quantity.at)
        for at, said in draft.found.dates[:_MOST_CUES]
    )
    named = any(same_clause(draft.found, mention.first, quantity.at) for mention in draft.found.mentions[:_MOST_CUES])
    return _SILENCING.isdisjoint(cues) and not ahead and bool(days or named or "done" in cues or "deed" in cues)


def _ask(quantity: Quantity) -> Ask:
    values: dict[str, str | int | float] = {"value": str(quantity.number.value)}
    if quantity.units and not quantity.money:
        values["unit"] = quantity.units[0]
    return Ask("not_understood", values)
