"""Results of a unit with everything below it, or of a peer group, for a period: as text, then as one picture."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from dialogue.answers import Invalid
from dialogue.messages import Choice, Inbound, Json, Reply, Say, opening, reply
from dialogue.turn import Ask, Conversation, Look, Script, look
from figures.scan import scan
from handlers.context import Context
from handlers.figures_text import Words, period_of
from handlers.report_answers import numbered_choice, worded_choice
from handlers.report_dates import period_for, period_label
from handlers.report_reading import question_of
from handlers.results_facts import Found, gather, wanted
from handlers.results_text import Shown, chart, page
from storage import peer_groups
from storage.database import Connection
from storage.figures import Subject
from storage.peer_groups import PeerGroup
from vietnamese.fold import align, fold
from vietnamese.periods import month_label, period_bounds, quarter_label

MOST_OFFERED = 8
_ALL = "all"
_YEAR = re.compile(r"(?:nam |year )?((?:19|20)\d\d)")


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose results may be chosen: `key` is the answer, `label` its button, `year` the only year of a peer group."""

    key: str
    label: str
    name: str
    subject: Subject
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """What was found for one subject and period, and from which line on it is to be shown."""

    whose: Whose
    period: str
    only: str | None
    found: Found
    skip: int = 0


def question_in(inbound: Inbound, context: Context) -> Mapping[str, Json] | None:
    """Return indicator and period of a question such as "tháng này được bao nhiêu hv mới"."""
    return question_of(inbound, context) if context.posts_that("results") or context.member_of else None


def ask_results(context: Context) -> Script:
    """Yield whose results and which period; return `Results`, None if there is nobody's she may see."""
    groups = yield look(groups_around, tuple(post.unit_id for post in context.posts_that("results")), context.today)
    open_to_her = options(context, groups)
    if not open_to_her:
        return None
    whose = yield from _ask_whose(context, open_to_her)
    period = yield from _ask_period(context, whose)
    only = context.start.get("indicator")
    only = only if isinstance(only, str) and only in context.content.catalogue else None
    if "which" in context.start:
        only = yield from _ask_which(context, whose, period)
    asked = wanted(context.content.catalogue, only)
    found = yield look(gather, whose.subject, period, asked, context.today)
    skip = context.start.get("skip")
    return Results(whose, period, only, found, skip if isinstance(skip, int) else 0)


def groups_around(db: Connection, unit_ids: tuple[int, ...], on: date) -> tuple[PeerGroup, ...]:
    """Return the peer groups her units have to do with."""
    return tuple(peer_groups.around(db, unit_ids, on))


def options(context: Context, groups: Sequence[PeerGroup]) -> dict[str, Whose]:
    """Return whose results she may see: her units', her chapter's as a member, her peer groups'."""
    units = {post.unit_id: post.unit_name for post in context.posts_that("results")}
    units = dict(context.member_of) | units
    own = [
        Whose(f"unit-{unit_id}", name, name, Subject(unit_id=unit_id, on=context.today))
        for unit_id, name in units.items()
    ]
    peers = [
        Whose(
            key=f"group-{group.id}",
            label=f"{group.name} ({group.year})",
            name=group.name,
            subject=Subject(peer_group_id=group.id),
            year=group.year,
        )
        for group in groups
    ]
    return {each.key: each for each in (*own, *peers)}


def _ask_whose(context: Context, open_to_her: Mapping[str, Whose]) -> Generator[Ask | Look, Any, Whose]:
    told = context.start.get("whose")
    if isinstance(told, str) and told in open_to_her:
        return open_to_her[told]
    if len(open_to_her) == 1 or "indicator" in context.start or "which" in context.start:
        return next(iter(open_to_her.values()))
    choices = tuple(Choice(each.key, each.label) for each in open_to_her.values())
    return open_to_her[(yield Ask("results.whose", parse=None, choices=choices))]


def _ask_period(context: Context, whose: Whose) -> Generator[Ask | Look, Any, str]:
    if whose.year is not None:
        return str(whose.year)
    told = context.start.get("period")
    if isinstance(told, str) and _is_period(told):
        return told
    choices = tuple(Choice(label, period_label(label)) for label in _usual_periods(context.today))
    parse = partial(_period, context=context, choices=choices)
    return str((yield Ask("results.period", parse=parse, choices=choices)))


def _ask_which(context: Context, whose: Whose, period: str) -> Generator[Ask | Look, Any, str | None]:
    """Ask which of the figures there are she means, where there are several; None is all of them."""
    found = yield look(gather, whose.subject, period, wanted(context.content.catalogue, None), context.today)
    there = dict.fromkeys(each.indicator for each in (*found.approved, *found.waiting))
    if len(there) < 2:
        return None
    words = Words(context.content, context.language)
    few = tuple(Choice(code, words.indicator(code)) for code in list(there)[:MOST_OFFERED])
    choices = (*few, Choice(_ALL, Say("results.all")))
    parse = partial(_indicator, context=context, choices=choices)
    told = {"name": whose.name, "period": period_of(period)}
    answer = yield Ask("results.which", told, parse=parse, choices=choices)
    return None if answer == _ALL else str(answer)


def _indicator(inbound: Inbound, *, context: Context, choices: tuple[Choice, ...]) -> str:
    """Read the name of an indicator as people report it."""
    chosen = numbered_choice(inbound, context, choices)
    if chosen is not None:
        return str(chosen)
    mentions = scan(align(inbound.text), context.today, context.content.catalogue).mentions
    if mentions:
        return mentions[0].codes[0]
    worded = worded_choice(inbound, context, choices)
    if worded is None:
        raise Invalid("results.which_hint")
    return str(worded)


def _usual_periods(today: date) -> tuple[str, ...]:
    return (
        month_label(today.year, today.month),
        month_label(today.year, today.month - 1),
        quarter_label(today.year, (today.month + 2) // 3),
        str(today.year),
        str(today.year - 1),
    )


def _is_period(label: str) -> bool:
    try:
        period_bounds(label)
    except ValueError:
        return False
    return True


def _period(inbound: Inbound, *, context: Context, choices: tuple[Choice, ...]) -> str:
    chosen = numbered_choice(inbound, context, choices)
    if isinstance(chosen, str):
        return chosen
    year = _YEAR.fullmatch(fold(inbound.text))
    if year:
        return year[1]
    try:
        return period_for(inbound, context)
    except Invalid as wrong:
        raise Invalid("results.period_hint") from wrong


def show(_db: Connection, context: Context, results: Results | None) -> Sequence[Reply]:
    """Return a page of results as text, then the same as a picture where the channel shows pictures."""
    if results is None:
        return [reply("results.nobody")]
    shown = Shown(context, results.whose.name, results.period, results.found)
    text, following = page(shown, skip=results.skip)
    if results.only is not None:
        text = (_understood(context, results), *text)
    choices = (_more(results, following),) if following is not None else ()
    drawn = chart(shown, skip=results.skip) if context.capabilities.pictures else None
    if drawn is None:
        return [Reply(text, choices)]
    # The buttons stand under the last message, where she looks.
    return [Reply(text), Reply((drawn.description,), choices, drawn)]


def _understood(context: Context, results: Results) -> Say:
    """Return what her question was read as."""
    name = Words(context.content, context.language).indicator(results.only or "")
    return Say("results.understood", {"indicator": name, "period": period_of(results.period)})


def _more(results: Results, skip: int) -> Choice:
    more: dict[str, Json] = {"whose": results.whose.key, "period": results.period, "skip": skip}
    return opening("results", Say("results.more"), **more)


RESULTS = Conversation("results", ask=ask_results, done=show, words="results.words", opens=question_in, aside=True)
