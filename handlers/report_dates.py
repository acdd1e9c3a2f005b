"""Ask for the day or period of figures, and read one out of a phrase."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from functools import partial

from dialogue.answers import Invalid
from dialogue.messages import Choice, Inbound, Phrase, Say
from dialogue.turn import Ask
from figures.intents import NOT
from handlers.context import Context
from handlers.figures_text import period_of
from vietnamese.dates import DateFound, find_dates
from vietnamese.fold import Aligned, align
from vietnamese.periods import month_label

_DENIED = re.compile(
    rf"\bchu {NOT}(?: phai)?(?: la)?\b.*|\b{NOT} phai(?: la)?\b.*?(?=\bma\b|,|$)"
    r"|^.*\bnham\b(?=.*\b(?:moi dung|la|ma)\b)"
)
"""What a phrase says is not so: "hôm qua chứ không phải hôm nay", "không phải hôm nay mà hôm qua"."""


def ask_date(
    context: Context, key: str = "report.date", values: Mapping[str, Phrase] | None = None
) -> Generator[Ask, str, str]:
    """Yield the question for the day or period; return its label."""
    today = context.today
    months = (month_label(today.year, today.month), month_label(today.year, today.month - 1))
    choices = (
        Choice(today.isoformat(), Say("report.today")),
        Choice(today.fromordinal(today.toordinal() - 1).isoformat(), Say("report.yesterday")),
        *(Choice(label, period_label(label)) for label in months),
    )
    return str((yield Ask(key, values or {}, parse=partial(period_for, context=context), choices=choices)))


def period_for(inbound: Inbound, context: Context) -> str:
    """Return the label of the one day or period typed; `Invalid` where it is unclear or still to come."""
    found = dates_in(align(inbound.text), context)
    if len(found) != 1:
        raise Invalid("report.one_date")
    return sure_label(found[0])


def period_label(label: str) -> Say | str:
    """Return a period as the words of a button."""
    phrase = period_of(label)
    return phrase if isinstance(phrase, Say) else Say("period.day", {"day": phrase})


def without_denied(text: Aligned) -> Aligned:
    """Return the text without what it says is not so."""
    return text.blanked(match.span() for match in _DENIED.finditer(text.text.replace("\n", " ")))


def sure_label(found: DateFound) -> str:
    """Return the label of a day or period that is told; `Invalid` where it is unclear or still to come."""
    if found.doubt == "future":
        raise Invalid("report.date_ahead")
    if found.label is None:
        raise Invalid("report.one_date")
    return found.label


def dates_in(text: Aligned, context: Context) -> list[DateFound]:
    """Return the days and periods named in a phrase, without those it says are wrong."""
    return find_dates(without_denied(text), context.today)
