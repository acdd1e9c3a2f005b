"""Which earlier report of hers a message speaks of: by its code, its day, its figures, or the last one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from dialogue.answers import Invalid
from dialogue.messages import Choice, Inbound
from dialogue.turn import Ask
from figures.scan import scan
from handlers.context import VIETNAM, Context
from handlers.figures_text import Words, choice_of
from handlers.report_answers import numbered_choice, says_word_of, worded_choice
from handlers.report_dates import dates_in
from handlers.report_reading import said
from handlers.report_records import held
from storage import codes, reports
from storage.database import Connection
from storage.reports import Report
from vietnamese.fold import align, fold

MOST_MEANT = 4
_LOOKED_AT = 40


@dataclass(frozen=True, slots=True)
class Signs:
    """What a message says of the report it means. `values` are (indicator, old value); None is any value."""

    code: str | None = None
    last: bool = False
    days: tuple[str, ...] = ()
    indicators: frozenset[str] = frozenset()
    values: tuple[tuple[str, int | float | None], ...] = ()


def signs_in(inbound: Inbound, context: Context) -> dict[str, Any]:
    """Return the signs of a message as start facts; only those that are there."""
    text = align(inbound.text)
    folded = " ".join(text.text.split())
    found = code_in(folded, loose=not said(inbound.text, context)["records"])
    last = says_word_of(inbound.text, context, "report.last.words")
    days = [each.label for each in dates_in(text, context) if each.label]
    mentions = scan(text, context.today, context.content.catalogue).mentions
    told = {
        "code": found,
        "last": last,
        "days": days,
        "indicators": sorted({code for mention in mentions for code in mention.codes}),
    }
    return {name: value for name, value in told.items() if value}


def code_in(text: str, *, loose: bool = False) -> str | None:
    """Return the code of a report that a message names; `loose`, also where it is typed as two words ("bc 7k3m").

    In a message with figures those may be "bc 4tr5": a report of money.
    """
    words = [word.strip(".,:;!?()") for word in fold(text).split()]
    pairs = [" ".join(pair) for pair in pairwise(words)] if loose else []
    return next((code for typed in (*words, *pairs) if (code := codes.read_short_code(typed, reports.PREFIX))), None)


def signs_of(start: Mapping[str, Any], records: Sequence[Mapping[str, Any]] = ()) -> Signs:
    """Return the signs kept in start facts, with the figures that are said anew."""
    told = start.get("signs") or {}
    return Signs(
        code=told.get("code"),
        last=bool(told.get("last")),
        days=tuple(told.get("days") or ()),
        indicators=frozenset(told.get("indicators") or ()),
        values=tuple((record["indicator"], record.get("replaces")) for record in records),
    )


def meant(db: Connection, contact_id: int, signs: Signs, states: tuple[str, ...]) -> tuple[Report, ...]:
    """Return the reports of hers, in one of `states`, that the signs fit, newest first, a few at most."""
    mine = [each for each in reports.of_author(db, contact_id, most=_LOOKED_AT) if each.state in states]
    fitting = [each for each in mine if _fits(each, signs)]
    # "hôm nay" is rather the day it is about than the one it was sent on.
    fitting = [each for each in fitting if set(signs.days) & _days_about(each)] or fitting
    return tuple(fitting[: 1 if signs.last else MOST_MEANT])


def ask_which(context: Context, key: str, found: Sequence[Report], *more: Choice) -> Ask:
    """Return the question which of several reports is meant: by button, by number, or by what tells them apart."""
    words = Words(context.content, context.language)
    choices = (*(choice_of(each, words) for each in found), *more)
    parse = partial(_picked, context=context, found=tuple(found), choices=choices)
    return Ask(key, parse=parse, choices=choices)


def _picked(inbound: Inbound, *, context: Context, found: tuple[Report, ...], choices: tuple[Choice, ...]) -> str:
    chosen = numbered_choice(inbound, context, choices) or worded_choice(inbound, context, choices)
    if chosen is not None:
        return str(chosen)
    signs = signs_of({"signs": signs_in(inbound, context)})
    fitting = [each for each in found if _fits(each, signs)] if signs != Signs() else []
    # Other figures would be lost here; they are a message of their own.
    if not fitting or (len(fitting) > 1 and not signs.last) or said(inbound.text, context)["records"]:
        raise Invalid("turn.pick_one")
    return fitting[0].code


def _fits(one: Report, signs: Signs) -> bool:
    if signs.code is not None:
        return one.code == signs.code
    values = {(each.indicator, each.value) for each in one.figures}
    indicators = {indicator for indicator, _ in values}
    if any((indicator, held(value)) not in values for indicator, value in signs.values if value is not None):
        return False
    named = {indicator for indicator, _ in signs.values} or signs.indicators
    if named and not (named <= indicators if signs.values else named & indicators):
        return False
    sent = one.created_at.astimezone(VIETNAM).date().isoformat()
    return not signs.days or bool({sent, *_days_about(one)} & set(signs.days))


def _days_about(one: Report) -> set[str]:
    """The days and periods a report is about."""
    return {one.period, *(each.period for each in one.figures)}
