"""Add figures up over units and time. The rules are written here once, plainly; `storage/figures.py` does the
same in SQL over many rows and is tested against this version.

Which figures count for a period: those whose own period lies wholly within it. Then, by the catalogue's way of
adding over time:

- `sum`, `set_union`: they add. A figure said to be cumulative ("lũy kế") stands for everything its unit and the
  parts of it reported inside the same span, so those are left out; of two cumulative ones over the same span
  the later stands.
- `latest`, `first`: of each unit one figure counts, the last (first) one. What a unit says of itself holds for
  its whole area: the figures of its parts are then left out, not added to it.
- figures of one indicator told apart by a word (poor and near-poor; rice and noodles) are separate series and
  add; one without such a word is the whole and leaves the parts out.
- `count_true`: of each unit the latest answer; the result is how many say yes, of how many that answered.

Percentages are never added or averaged but computed from their parts, over units that gave both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

ADDING = frozenset({"sum", "set_union"})
LATEST = "latest"
FIRST = "first"
COUNTED = "count_true"
BY_ITEM = "sum_by_item"
CUMULATIVE = "cumulative"

Number = int | Decimal
Parts = Mapping[int, frozenset[int]]
"""Unit → the units that are part of it, itself included."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure in force. A larger `id` was said later."""

    id: int
    unit_id: int
    first_day: date
    last_day: date
    value: Number
    mode: str = "increment"
    qualifier: str | None = None
    series: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """A sum with its qualifier, from `units` units. `of` is set for answers of yes and no."""

    value: Number
    qualifier: str | None
    units: int
    of: Number | None = None


def within(facts: Iterable[Fact], first_day: date, last_day: date) -> list[Fact]:
    """Return the facts whose own period lies in the span."""
    return [fact for fact in facts if first_day <= fact.first_day and fact.last_day <= last_day]


def counting(facts: Sequence[Fact], parts: Parts, *, time: str) -> list[Fact]:
    """Return the facts of one indicator that count, by its way of adding over time."""
    if time in ADDING:
        return [fact for fact in facts if not any(_includes(other, fact, parts) for other in facts)]
    standing = [fact for fact in facts if not any(_outdates(other, fact, time) for other in facts)]
    return [fact for fact in standing if not any(_stands_for(other, fact, parts) for other in standing)]


def _includes(whole: Fact, fact: Fact, parts: Parts) -> bool:
    if whole.mode != CUMULATIVE or whole.id == fact.id or not _holds_for(whole, fact, parts):
        return False
    if whole.first_day > fact.first_day or fact.last_day > whole.last_day:
        return False
    return not (_same_claim(whole, fact) and whole.id < fact.id)


def _same_claim(one: Fact, other: Fact) -> bool:
    """Both say the same of the same span, so only the later of them stands."""
    spans = (one.first_day, one.last_day) == (other.first_day, other.last_day)
    return spans and one.mode == other.mode and one.unit_id == other.unit_id and one.series == other.series


def _outdates(other: Fact, fact: Fact, time: str) -> bool:
    if (other.unit_id, other.series) != (fact.unit_id, fact.series):
        return False
    here, there = (fact.last_day, fact.id), (other.last_day, other.id)
    return there < here if time == FIRST else there > here


def _stands_for(whole: Fact, fact: Fact, parts: Parts) -> bool:
    return whole.id != fact.id and _holds_for(whole, fact, parts)


def _holds_for(whole: Fact, fact: Fact, parts: Parts) -> bool:
    return whole.series in {"", fact.series} and fact.unit_id in parts.get(whole.unit_id, frozenset((whole.unit_id,)))


def total(facts: Sequence[Fact], parts: Parts, *, time: str) -> Total | None:
    """Return the sum of one indicator's facts, None if there are none."""
    kept = counting(facts, parts, time=time)
    if not kept:
        return None
    units = len({fact.unit_id for fact in kept})
    return Total(_whole(sum((fact.value for fact in kept), 0)), combined(fact.qualifier for fact in kept), units)


def yes_of(facts: Sequence[Fact]) -> Total | None:
    """Return how many units say yes, of how many that answered; who did not answer is not a no."""
    latest: dict[int, Fact] = {}
    for fact in sorted(facts, key=lambda fact: (fact.last_day, fact.id)):
        latest[fact.unit_id] = fact
    if not latest:
        return None
    return Total(sum(fact.value >= 1 for fact in latest.values()), None, len(latest), len(latest))


def combined(qualifiers: Iterable[str | None]) -> str | None:
    """Return the qualifier of a sum: "at least" and "at most" together leave only "about"."""
    met = {qualifier for qualifier in qualifiers if qualifier}
    return met.pop() if len(met) == 1 else "approx" if met else None


def percentage(numerators: Mapping[int, Number], denominators: Mapping[int, Number]) -> Decimal | None:
    """Return 100 × numerator / denominator over the units that gave both; None where that is 0/0 or nothing."""
    both = numerators.keys() & denominators.keys()
    whole = sum((denominators[unit] for unit in both), 0)
    return Decimal(100) * sum((numerators[unit] for unit in both), 0) / whole if whole else None


def _whole(value: Number) -> Number:
    return int(value) if value == int(value) else value
