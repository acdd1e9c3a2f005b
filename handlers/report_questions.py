"""Ask what a reading left open, one question at a time with buttons, before the card is shown."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Any

from dialogue.answers import Invalid
from dialogue.messages import Choice, Inbound, Phrase, Say
from dialogue.text import listed
from dialogue.turn import Ask, Look
from handlers.context import Context
from handlers.figures_text import MONEY, Record, Words, amount, line_of
from handlers.report_answers import numbered_choice
from handlers.report_card import ask_date
from handlers.report_reading import said

Asked = Mapping[str, Any]
Records = list[Record]
Step = Generator[Ask | Look, Any, Any]

PLAIN = frozenset({"breakdown", "keyboard", "not_understood", "number", "parts_differ", "same_twice", "share_differs"})
"""Questions whose answer is "yes, so it is" or the message said anew."""

AT_THE_CARD = frozenset({"outlier", "which_figure", "which_report"})
"""Settled elsewhere: an unusual value is asked for whenever it changes, figures are picked at the card."""

_YES, _AGAIN = "yes", "again"


def settle(context: Context, records: Sequence[Record], asks: Sequence[Asked]) -> Generator[Ask | Look, Any, Records]:
    """Yield the questions; return the records with their answers in them, each with a value and a date."""
    while True:
        outcome = yield from _settle_once(context, list(records), _each_once(asks))
        if isinstance(outcome, list):
            return outcome
        told = outcome or (yield Ask("report.say_again", parse=partial(_anew, context=context)))
        records, asks = told["records"], told["asks"]


def _each_once(asks: Sequence[Asked]) -> list[Asked]:
    """One question of a kind for an indicator; the date first, since everything is shown with it."""
    kept = {(ask["key"], ask["values"].get("indicator")): ask for ask in asks if ask["key"] not in AT_THE_CARD}
    return sorted(kept.values(), key=lambda ask: ask["key"] != "date")


def _settle_once(context: Context, records: Records, asks: Sequence[Asked]) -> Step:
    """Return the settled records; what she said anew instead; None if it is to be said anew."""
    if not records:
        return None
    if any(record.get("date") is None for record in records) and not any(ask["key"] == "date" for ask in asks):
        records = yield from _ask_date(context, records, {})
    for ask in asks:
        if ask["key"] in _QUESTIONS:
            records = yield from _QUESTIONS[ask["key"]](context, records, ask)
            continue
        answer = yield _plain(context, records, ask)
        if answer != _YES:
            return answer if isinstance(answer, Mapping) else None
    return records


def _plain(context: Context, records: Records, ask: Asked) -> Ask:
    key = ask["key"] if ask["key"] in PLAIN else "other"
    values: dict[str, Phrase] = {
        "figures": listed([line_of(record, Words(context.content, context.language)) for record in records])
    }
    choices = (Choice(_YES, Say("report.ask_yes")), Choice(_AGAIN, Say("report.ask_again")))
    parse = partial(_yes_or_anew, context=context, choices=choices)
    return Ask(f"report.ask.{key}", values, parse=parse, choices=choices)


def _yes_or_anew(inbound: Inbound, *, context: Context, choices: tuple[Choice, ...]) -> Any:
    chosen = numbered_choice(inbound, context, choices)
    return chosen if chosen is not None else _anew(inbound, context=context)


def _anew(inbound: Inbound, *, context: Context) -> dict[str, Any]:
    told = said(inbound.text, context)
    if not told["records"]:
        raise Invalid("report.say_again_hint")
    return told


def _ask_date(context: Context, records: Records, _ask: Asked) -> Step:
    """One day for all that have none; where each has one but it is doubtful, for all of them."""
    label = yield from ask_date(context)
    missing = any(record.get("date") is None for record in records)
    return [{**record, "date": label} if record.get("date") is None or not missing else record for record in records]


def _ask_each_or_total(context: Context, records: Records, ask: Asked) -> Step:
    """Ask whether an amount is for each or for all, where there is something to multiply it with."""
    code = ask["values"].get("indicator")
    place = next((place for place, record in enumerate(records) if record["indicator"] == code), None)
    count = _count_for(context, records, code)
    if place is None or count is None:
        return records
    record = records[place]
    words = Words(context.content, context.language)
    value, product = record["value"], record["value"] * count["value"]
    shown = amount(value, record["unit"], words)
    choices = (
        Choice("total", Say("report.total_is", {"value": shown})),
        Choice("each", Say("report.each_is", {"value": shown, "total": amount(product, record["unit"], words)})),
    )
    told = {"value": shown, "count": amount(count["value"], count["unit"], words)}
    answer = yield Ask("report.ask.each_or_total", told, parse=None, choices=choices)
    if answer == "each":
        records[place] = {**record, "value": product, "derived": f"{count['value']} x {value}"}
    return records


def _count_for(context: Context, records: Records, code: str | None) -> Record | None:
    """What an amount of `code` is for: the figure whose money it is, else the first that is not money."""
    catalogue = context.content.catalogue
    counts = [record for record in records if record["unit"] != MONEY and record["value"] > 1]
    linked = (each for each in counts if code in {(of := catalogue[each["indicator"]].links).money, of.monthly})
    return next(linked, counts[0] if counts else None)


def _ask_new_or_total(context: Context, records: Records, ask: Asked) -> Step:
    """Ask whether a figure is what is new in its period or all since the beginning."""
    code = ask["values"].get("indicator")
    place = next((place for place, record in enumerate(records) if record["indicator"] == code), None)
    if place is None:
        return records
    line = line_of(records[place], Words(context.content, context.language))
    choices = (Choice("new", Say("report.is_new")), Choice("cumulative", Say("report.is_cumulative")))
    answer = yield Ask("report.ask.new_or_total", {"line": line}, parse=None, choices=choices)
    if answer == "cumulative":
        records[place] = {**records[place], "cumulative": True}
    return records


_QUESTIONS: Mapping[str, Callable[[Context, Records, Asked], Step]] = {
    "date": _ask_date,
    "each_or_total": _ask_each_or_total,
    "new_or_total": _ask_new_or_total,
}
