"""Ask about each value far above what is usual at her level, before the card shows it."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from functools import partial
from typing import Any

from dialogue.answers import Invalid
from dialogue.messages import Choice, Inbound, Phrase, Say
from dialogue.turn import Ask
from figures.catalogue import Indicator
from handlers.context import Context
from handlers.figures_text import Record, Words, exact, line_of
from handlers.report_answers import agreed, numbered_choice, value_for, worded_choice, yes_no
from handlers.report_quote import said_text, words_behind
from handlers.report_records import merged, without_span

_YES = "yes"


def settle_unusual(
    context: Context, records: Sequence[Record], level: str, sure: tuple[Record, ...]
) -> Generator[Ask, Any, tuple[tuple[Record, ...], tuple[Record, ...]]]:
    """Yield the question for each unusual value she is not `sure` of; return the records and those she is sure of."""
    settled = list(records)
    for place in range(len(settled)):
        while _is_unusual(context, settled[place], level) and not _is_sure(settled[place], sure):
            indicator = context.content.catalogue[settled[place]["indicator"]]
            answer = yield _question(context, settled[place], indicator)
            if answer == _YES:
                sure = (*sure, settled[place])
                continue
            if not isinstance(answer, Mapping):
                parse = partial(value_for, context=context, indicator=indicator)
                answer = yield Ask("report.value", {"name": indicator.name(context.language)}, parse=parse)
            settled[place] = _with_value(settled[place], answer)
    return tuple(settled), sure


def _question(context: Context, record: Record, indicator: Indicator) -> Ask:
    values: dict[str, Phrase] = {"line": line_of(record, Words(context.content, context.language))}
    behind = words_behind(said_text(context), record)
    choices = yes_no(Say("report.sure_yes"), Say("report.change"))
    parse = partial(_sure_or_value, context=context, indicator=indicator, choices=choices)
    if behind is None:
        return Ask("report.sure", values, parse=parse, choices=choices)
    return Ask("report.sure_said", {**values, "said": behind}, parse=parse, choices=choices)


def _sure_or_value(
    inbound: Inbound, *, context: Context, indicator: Indicator, choices: tuple[Choice, ...]
) -> str | dict[str, Any]:
    """Read "ừ", "không phải", or the right number at once."""
    chosen = numbered_choice(inbound, context, choices) or worded_choice(inbound, context, choices)
    if chosen is not None:
        return str(chosen)
    try:
        return value_for(inbound, context, indicator)
    except Invalid as wrong:
        says_yes = agreed(inbound.text, context)
        if says_yes is None:
            raise Invalid("report.sure_hint") from wrong
        return _YES if says_yes else "change"


def _with_value(record: Record, told: Mapping[str, Any]) -> Record:
    if told["value"] == record["value"]:
        return {**record, **told}
    (changed,) = merged([record], [{**without_span(record), "qualifier": None, "of": None, "by": None, **told}])
    return changed


def _is_unusual(context: Context, record: Record, level: str) -> bool:
    usual = context.content.catalogue[record["indicator"]].usual_max.get(level)
    return usual is not None and exact(record["value"]) > usual


def _is_sure(record: Record, sure: tuple[Record, ...]) -> bool:
    return any((record["indicator"], record["value"]) == (other["indicator"], other["value"]) for other in sure)
