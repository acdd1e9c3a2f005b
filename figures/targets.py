"""Compare results with targets. Nothing is capped: 123 % is said as 123 %."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

Number = int | Decimal


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be reached in a period, who set it, and whether the Union confirmed the number."""

    indicator: str
    period: str
    value: Number
    source: str
    confirmed: bool


def achieved_percent(value: Number, target: Number) -> Decimal | None:
    """Return how much of a target is reached, in percent to one decimal; None where the target is 0.

    Rounded down: 99,96 % is not yet 100 %.
    """
    if not target:
        return None
    return (Decimal(100) * value / target).quantize(Decimal("0.1"), rounding=ROUND_DOWN)


def is_met(value: Number, target: Number) -> bool:
    """Tell whether the target is reached."""
    return value >= target
