"""An officer sees a report that waits and approves or returns it. One decision stands, whoever was first;
nobody decides on her own."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from dialogue.answers import Invalid
from dialogue.messages import Choice, Inbound, Json, Notice, Phrase, Picture, Reply, Say, opening, reply
from dialogue.text import listed
from dialogue.turn import Ask, Conversation, Script, look
from handlers import person
from handlers.context import Context
from handlers.figures_text import Words, lines_of, state_of
from handlers.lookup import line, unit_name
from handlers.report_store import note
from handlers.review_reasons import MARK, REASONS, reason_of
from storage import appointments, attachments, codes, contacts, reports
from storage.database import Connection
from storage.reports import Report
from vietnamese.fold import fold

APPROVE, RETURN, PHOTOS = "approve", "return", "photos"
STATE_AFTER = {APPROVE: "approved", RETURN: "returned"}
ACTS = {APPROVE: "report.approved", RETURN: "report.returned"}
MOST_PICTURES = 3
PAGE = 8
REASON_CHARS = 500
_OPEN = re.compile(r"(?:mo|duyet|open|review)\s+(?:bao cao\s+|report\s+)?(\S+(?:\s\S+)?)")


@dataclass(frozen=True, slots=True)
class Case:
    """A report before an officer: of which unit, by whom (name and role)."""

    report: Report
    unit_name: str
    author: str | None
    role: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the officer wants, of the report at the version she saw. `decision` None: there is nothing to decide."""

    code: str
    decision: str | None = None
    version: int = 0
    reason: str | None = None


def code_in(inbound: Inbound, context: Context) -> Mapping[str, Json] | None:
    """Return the code of "mở BC-7K3M" from someone who may approve."""
    match = _OPEN.fullmatch(fold(inbound.text)) if context.posts_that("approve") else None
    code = codes.read_short_code(match[1], reports.PREFIX) if match else None
    return {"code": code} if code else None


def ask_officer(context: Context) -> Script:
    """Yield the report with its choices, and the reason where she returns it; return a `Verdict`."""
    code = str(context.start.get("code"))
    case = yield look(case_of, code, context.contact_id, context.content.roles_that("approve"), context.today)
    if case is None or case.report.state != "submitted":
        return Verdict(code)
    chosen = yield Ask("review.case", _told(context, case), parse=None, choices=_choices(case), confirm=True)
    decision = str(chosen["do"])
    reason = (yield Ask("review.reason", parse=_reason, choices=_REASONS)) if decision == RETURN else None
    return Verdict(code, decision, case.report.version, reason)


def case_of(db: Connection, code: str, officer_id: int, roles: Collection[str], on: date) -> Case | None:
    """Return a report she may decide on, or that somebody decided; her own, foreign and unknown ones are None."""
    found = reports.visible(db, code, to=officer_id, roles=roles, on=on)
    if found is None or found.author_id == officer_id:
        return None
    author = contacts.get_many(db, [found.author_id]).get(found.author_id) if found.author_id else None
    posts = appointments.of_contacts(db, [author.id], on).get(author.id, []) if author else []
    role = next((post.role for post in posts if post.unit_id == found.unit_id), None)
    return Case(found, unit_name(db, found, on), author.name if author else None, role)


def _told(context: Context, case: Case) -> dict[str, Phrase]:
    report = case.report
    photos = (Say("report.photos", {"count": report.photos}),) if report.photos else ()
    again = (Say("review.corrected", {"times": report.version - 1}),) if report.version > 1 else ()
    return {
        "code": report.code,
        "unit": case.unit_name,
        "author": _author(context, case),
        "at": report.created_at,
        "figures": listed([lines_of(report, Words(context.content, context.language)), *photos, *again]),
    }


def _author(context: Context, case: Case) -> Phrase:
    """Who sent it, as far as it may be shown: abroad only her role."""
    role = Say(f"role.{case.role}") if case.role else Say("review.author_unknown")
    if context.capabilities.data_abroad or not case.author:
        return role
    return Say("review.author", {"name": case.author, "role": role})


def _choices(case: Case) -> tuple[Choice, ...]:
    """The decisions on what she sees: after a correction the buttons of the earlier version decide nothing."""
    version = case.report.version
    photos = (Choice({"do": PHOTOS, "version": version}, Say("review.photos")),) if case.report.photos else ()
    return (
        Choice({"do": APPROVE, "version": version}, Say("review.approve")),
        Choice({"do": RETURN, "version": version}, Say("review.return")),
        *photos,
    )


_REASONS = tuple(Choice(f"{MARK}{name}", Say(f"review.reason.{name}")) for name in REASONS)


def _reason(inbound: Inbound) -> str:
    text = person.words_or_choice(inbound, [f"{MARK}{name}" for name in REASONS])
    if len(text) > REASON_CHARS:
        raise Invalid("answer.too_long", limit=REASON_CHARS)
    return text


def decide(db: Connection, context: Context, verdict: Verdict) -> Sequence[Reply | Notice]:
    """Carry out the decision if she still may and nobody was quicker; tell the author."""
    roles = context.content.roles_that("approve")
    case = case_of(db, verdict.code, context.contact_id, roles, context.today)
    if case is None:
        return [reply("review.unknown", code=verdict.code)]
    if verdict.decision == PHOTOS:
        return _pictures(db, case)
    if verdict.decision is None:
        return [_as_it_is(context, case)]
    state = STATE_AFTER[verdict.decision]
    now = context.now
    done = reports.decide(
        db, verdict.code, state, version=verdict.version, by=context.contact_id, at=now, reason=verdict.reason
    )
    if not done:
        return [_as_it_is(context, case)]
    note(db, context, ACTS[verdict.decision], verdict.code)
    next_ones = opening("waiting", Say("waiting.open"))
    said = "review.approved" if verdict.decision == APPROVE else "review.returned"
    return [reply(said, next_ones, code=verdict.code, unit=case.unit_name), *_word_to_author(case, verdict)]


def _as_it_is(context: Context, case: Case) -> Reply:
    """Say what became of the report: decided by somebody else, corrected, taken back."""
    report = case.report
    if report.state == "submitted":
        again = opening("review", Say("review.open"), code=report.code)
        return reply("review.changed_meanwhile", again, code=report.code)
    figures = lines_of(report, Words(context.content, context.language))
    head = Say("review.already", {"code": report.code, "unit": case.unit_name, "state": state_of(report)})
    return Reply((head, figures), (opening("waiting", Say("waiting.open")),))


def _word_to_author(case: Case, verdict: Verdict) -> list[Notice]:
    author_id = case.report.author_id
    if author_id is None:
        return []
    if verdict.decision == APPROVE:
        see = opening("lookup", Say("report.see"), code=verdict.code)
        return [Notice(author_id, reply("review.told_approved", see, code=verdict.code))]
    told = {"code": verdict.code, "reason": reason_of(verdict.reason)}
    return [Notice(author_id, Reply((Say("review.told_returned", told),), _after_return(case)))]


def _after_return(case: Case) -> tuple[Choice, ...]:
    code = case.report.code
    if case.report.kind == "nil":
        return (opening("guided", Say("menu.report")),)
    return (opening("report", Say("report.correct_and_send"), correct=code),)


def _pictures(db: Connection, case: Case) -> list[Reply]:
    """The first photos, a message each, then the way back to the decision."""
    names = attachments.of_report(db, case.report.id, most=MOST_PICTURES)
    shown = [_picture(name, number, case) for number, name in enumerate(names, 1)]
    back = opening("review", Say("review.open_again"), code=case.report.code)
    told = reply("review.photos_shown", back, shown=len(names), count=case.report.photos)
    return [*shown, told]


def _picture(received_sha256: str, number: int, case: Case) -> Reply:
    caption = Say("review.photo", {"code": case.report.code, "number": number})
    return Reply((caption,), picture=Picture("attachment", {"sha256": received_sha256}, caption))


REVIEW = Conversation("review", ask=ask_officer, done=decide, opens=code_in, needs="approve")


def ask_waiting(context: Context) -> Script:
    """Read the reports that wait for her; nothing is asked."""
    after = context.start.get("after")
    last_seen = after if isinstance(after, int) else 0
    roles = context.content.roles_that("approve")
    return (yield look(waiting_for, context.contact_id, roles, context.today, last_seen))


def waiting_for(
    db: Connection, officer_id: int, roles: Collection[str], on: date, after: int
) -> tuple[int, tuple[tuple[Report, str], ...]]:
    """Return how many reports wait for an officer and the oldest of them after the id `after`, one more than a page."""
    found = reports.waiting(db, officer_id, roles, on, most=PAGE + 1, after=after)
    return reports.count_waiting(db, officer_id, roles, on), tuple((each, unit_name(db, each, on)) for each in found)


def show_waiting(
    _db: Connection, _context: Context, result: tuple[int, tuple[tuple[Report, str], ...]]
) -> Sequence[Reply]:
    """Return a page of what waits, a button each."""
    count, found = result
    if not found:
        return [reply("waiting.none")]
    page = found[:PAGE]
    choices = [opening("review", each.code, code=each.code) for each, _ in page]
    if len(found) > PAGE:
        choices.append(opening("waiting", Say("waiting.more"), after=page[-1][0].id))
    lines = listed([line(each, place) for each, place in page])
    return [Reply((Say("waiting.head", {"count": count}), lines), tuple(choices))]


WAITING = Conversation("waiting", ask=ask_waiting, done=show_waiting, words="waiting.words", needs="approve")
