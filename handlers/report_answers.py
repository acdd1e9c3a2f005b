"""Read what she types while reporting: one number for one indicator, a day or period, photos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dialogue.answers import Invalid
from dialogue.messages import Choice, Inbound
from dialogue.messages import Say as Sentence
from figures.catalogue import Indicator
from handlers.context import Context
from handlers.figures_text import MONEY, as_json
from handlers.report_records import MOST_VALUE
from vietnamese.dates import find_dates
from vietnamese.fold import align, fold
from vietnamese.numbers import Number, find_numbers

SMALLEST_MONEY_VND = 1_000
PERCENT = "percent"


def value_for(inbound: Inbound, context: Context, indicator: Indicator) -> dict[str, Any]:
    """Return the one number typed for an indicator: value and, where said, qualifier and of.

    Raises `Invalid` where there is no number, several, a vague one, or money without its unit ("300").
    """
    text = inbound.text.strip()
    wording = context.content.wording
    if any(fold(text) in wording.words("report.zero.words", language) for language in wording.languages):
        return {"value": 0}
    numbers = find_numbers(align(text), context.content.catalogue.vocabulary.counted)
    if len(numbers) != 1:
        raise Invalid("report.one_number")
    return _told(numbers[0], indicator)


def _told(number: Number, indicator: Indicator) -> dict[str, Any]:
    if number.value is None or number.doubt:
        raise Invalid("report.number_unclear")
    if not 0 <= number.value <= MOST_VALUE:
        raise Invalid("report.number_too_large")
    if number.percent and indicator.unit != PERCENT:
        raise Invalid("report.no_percent")
    if indicator.unit == MONEY and 0 < number.value < SMALLEST_MONEY_VND:
        raise Invalid("report.money_unit")
    of = number.of.value if number.of else None
    told = {"value": as_json(number.value), "qualifier": number.qualifier, "of": None if of is None else as_json(of)}
    return {name: value for name, value in told.items() if value is not None}


def period_for(inbound: Inbound, context: Context) -> str:
    """Return the label of the one day or period typed; `Invalid` where it is unclear or still to come."""
    found = find_dates(align(inbound.text), context.today)
    if len(found) != 1:
        raise Invalid("report.one_date")
    if found[0].doubt == "future":
        raise Invalid("report.date_ahead")
    label = found[0].label
    if label is None:
        raise Invalid("report.one_date")
    return label


def numbered_choice(inbound: Inbound, context: Context, choices: tuple[Choice, ...]) -> object:
    """Return the value of the choice whose number she typed where buttons are shown as a numbered list, else None."""
    typed = fold(inbound.text).rstrip(".)")
    if context.capabilities.buttons or not typed.isdecimal() or len(typed) > 2:
        return None
    place = int(typed) - 1
    return choices[place].value if 0 <= place < len(choices) else None


def yes_no(yes: Sentence, no: Sentence) -> tuple[Choice, ...]:
    """Return two buttons, `yes` and `no`."""
    return (Choice("yes", yes), Choice("no", no))


def start_list(start: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list from the facts a talk was opened with; empty where it is missing."""
    found = start.get(name)
    return list(found) if isinstance(found, list | tuple) else []
