"""Nothing to report is a fact of its own, unlike silence: unit and month are confirmed, then kept."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from dialogue.answers import Invalid
from dialogue.messages import Choice, Inbound, Json, Notice, Phrase, Reply, Say, opening, reply
from dialogue.turn import Ask, Conversation, Look, Script, look
from handlers.context import Context, Post
from handlers.figures_text import period_of
from handlers.report import ask_post
from handlers.report_amends import amended
from handlers.report_dates import period_for, period_label
from handlers.report_reading import nil_period
from handlers.report_store import deciders, note, notice
from storage import appointments, reports
from storage.database import Connection
from storage.reports import NewReport
from vietnamese.periods import month_label, period_bounds

NIL = "nil"
_SEND = "send"


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing happened in a unit in a period."""

    unit_id: int
    unit_name: str
    period: str
    text: str | None


def opens(inbound: Inbound, context: Context) -> Mapping[str, Json] | None:
    """Return the period of a message that says there is nothing to report."""
    if not context.posts_that("report"):
        return None
    period = nil_period(inbound, context)
    return {"period": period, "text": inbound.text} if period else None


def ask_nil(context: Context) -> Script:
    """Yield unit, month and confirmation; return `Nothing`."""
    post = yield from ask_post(context)
    told = context.start.get("period")
    period = told if isinstance(told, str) and told else (yield _ask_period(context))
    known = yield look(reports.kinds_in, post.unit_id, *period_bounds(period))
    yield from _confirm(post, period, known)
    text = context.start.get("text")
    return Nothing(post.unit_id, post.unit_name, period, text if isinstance(text, str) else None)


def _ask_period(context: Context) -> Ask:
    today = context.today
    labels = (month_label(today.year, today.month), month_label(today.year, today.month - 1))
    choices = tuple(Choice(label, period_label(label)) for label in labels)
    return Ask("nil.period", parse=partial(_month, context=context), choices=choices)


def _month(inbound: Inbound, *, context: Context) -> str:
    """A day stands for its month; a year or quarter with nothing in it is too much to say at once."""
    first_day, last_day = period_bounds(period_for(inbound, context))
    if (first_day.year, first_day.month) != (last_day.year, last_day.month):
        raise Invalid("nil.month_wanted")
    return month_label(first_day.year, first_day.month)


def _confirm(post: Post, period: str, known: Sequence[tuple[str, str]]) -> Generator[Ask | Look, Any, None]:
    codes = ", ".join(code for kind, code in known if kind != NIL)
    told: dict[str, Phrase] = {"unit": post.unit_name, "period": period_of(period), "codes": codes}
    key = "nil.confirm_with_figures" if codes else "nil.confirm"
    yield Ask(key, told, parse=None, choices=(Choice(_SEND, Say("report.send")),), confirm=True)


def save(db: Connection, context: Context, nothing: Nothing) -> Sequence[Reply | Notice]:
    """Store the nil report unless there is one already."""
    roles = context.content.roles_that("report")
    if not appointments.may(db, context.contact_id, nothing.unit_id, roles, context.today):
        return [reply("report.not_your_unit", unit=nothing.unit_name)]
    first_day, last_day = period_bounds(nothing.period)
    there = [code for kind, code in reports.kinds_in(db, nothing.unit_id, first_day, last_day) if kind == NIL]
    if there:
        return [reply("nil.already", code=there[0], period=period_of(nothing.period))]
    new = NewReport(
        period=nothing.period,
        first_day=first_day,
        last_day=last_day,
        kind=NIL,
        unit_id=nothing.unit_id,
        author_id=context.contact_id,
        source_text=nothing.text,
        inbox_id=context.message_id,
    )
    _, code = reports.submit(db, new, at=context.now)
    note(db, context, "report.submitted", code)
    stored = reports.find(db, code)
    assert stored is not None
    told = {"code": code, "unit": nothing.unit_name, "period": period_of(nothing.period)}
    receipt = Reply((Say("nil.receipt", told),), (opening("lookup", Say("report.see"), code=code),), sort="receipt")
    officers = deciders(db, context, nothing.unit_id)
    notices = (Notice(officer, notice("nil.notice", stored, nothing.unit_name, 0)) for officer in officers)
    return [receipt, *notices]


NIL_REPORT = Conversation("nil", ask=ask_nil, done=save, words="nil.words", opens=opens, needs="report", amends=amended)
