"""See a report by its code, see one's last reports, take one back. A foreign code is as unknown as a wrong one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from dialogue.messages import Choice, Inbound, Json, Notice, Phrase, Reply, Say, opening, reply
from dialogue.text import listed
from dialogue.turn import Ask, Conversation, Script, look
from handlers.context import Context
from handlers.figures_text import Words, lines_of, period_of, state_of
from handlers.report_meant import Signs, ask_which, meant, signs_in, signs_of
from handlers.report_reading import is_withdrawal
from handlers.report_store import note
from handlers.review_reasons import reason_of
from storage import codes, contacts, reports, units
from storage.database import Connection
from storage.reports import Report
from vietnamese.fold import fold

LAST = 5
_WITH_CODE = re.compile(
    r"(?:(?:tra cuu|tra|xem|(?P<open>mo)|look up|lookup)\s+)?(?:bao cao\s+|report\s+)?(?P<code>\S+(?:\s\S+)?)"
)
_YES = "yes"


@dataclass(frozen=True, slots=True)
class Seen:
    """A report as one person may see it: whose it is, who decided on it."""

    report: Report
    unit_name: str
    decider: str | None
    is_own: bool
    may_decide: bool


def code_in(inbound: Inbound, context: Context) -> Mapping[str, Json] | None:
    """Return the code of "tra cứu BC-7K3M" or of a bare code, however it was typed.

    "mở BC-7K3M" too, from whoever has nothing to approve: with others it opens the review.
    """
    match = _WITH_CODE.fullmatch(fold(inbound.text))
    if match is None or (match["open"] and context.posts_that("approve")):
        return None
    code = codes.read_short_code(match["code"], reports.PREFIX)
    return {"code": code} if code else None


def ask_lookup(context: Context) -> Script:
    """Read the report asked for, or the last ones; nothing is asked."""
    code = context.start.get("code")
    if not isinstance(code, str):
        return (yield look(last_of, context.contact_id, context.today))
    roles = (context.content.roles_that("results"), context.content.roles_that("approve"))
    found = yield look(seen, code, context.contact_id, roles, context.today)
    return found or code


def seen(
    db: Connection, code: str, contact_id: int, roles: tuple[Collection[str], Collection[str]], on: date
) -> Seen | None:
    """Return a report if it is her own or in her scope. `roles`: who may see, who may decide."""
    found = reports.visible(db, code, to=contact_id, roles=roles[0], on=on)
    if found is None:
        return None
    is_own = found.author_id == contact_id
    decider = contacts.get_many(db, [found.decided_by]).get(found.decided_by) if found.decided_by else None
    may_decide = not is_own and reports.visible(db, code, to=contact_id, roles=roles[1], on=on) is not None
    return Seen(found, unit_name(db, found, on), decider.name if decider else None, is_own, may_decide)


def unit_name(db: Connection, found: Report, on: date) -> str:
    """Return the name of the unit a report is of."""
    place = units.get(db, found.unit_id, on) if found.unit_id is not None else None
    return place.name if place else ""


def last_of(db: Connection, contact_id: int, on: date) -> tuple[tuple[Report, str], ...]:
    """Return a person's last reports with their units' names, newest first."""
    return tuple((each, unit_name(db, each, on)) for each in reports.of_author(db, contact_id, most=LAST))


def show(_db: Connection, context: Context, result: Seen | str | tuple[tuple[Report, str], ...]) -> Sequence[Reply]:
    """Return what was found in words."""
    if isinstance(result, str):
        return [reply("lookup.unknown", code=result)]
    if isinstance(result, Seen):
        return [_one(context, result)]
    if not result:
        return [reply("lookup.nothing", opening("guided", Say("menu.report")))]
    lines = listed([line(each, place) for each, place in result])
    choices = tuple(opening("lookup", each.code, code=each.code) for each, _ in result)
    return [Reply((Say("lookup.last"), lines), choices)]


def line(found: Report, unit: str) -> Say:
    """Return a report as one line of a list."""
    told: dict[str, Phrase] = {
        "code": found.code,
        "unit": unit,
        "period": period_of(found.period),
        "state": state_of(found),
    }
    return Say("lookup.line", told)


def _one(context: Context, found: Seen) -> Reply:
    report = found.report
    head = Say("lookup.report", {"code": report.code, "unit": found.unit_name, "at": report.created_at})
    photos = (Say("report.photos", {"count": report.photos}),) if report.photos else ()
    figures = listed([lines_of(report, Words(context.content, context.language)), *photos])
    return Reply((head, figures, _told_state(context, found)), _next_steps(found))


def _told_state(context: Context, found: Seen) -> Phrase:
    """What became of it, and who decided, as far as it may be shown: abroad only that it was an officer."""
    report = found.report
    if report.decided_at is None:
        return state_of(report)
    decider = found.decider or Say("lookup.an_officer")
    told: dict[str, Phrase] = {
        "state": state_of(report),
        "by": Say("lookup.an_officer") if context.capabilities.data_abroad else decider,
        "at": report.decided_at,
    }
    decided = Say("lookup.decided", told)
    return listed([decided, Say("lookup.reason", {"reason": reason_of(report.reason)})]) if report.reason else decided


def _next_steps(found: Seen) -> tuple[Choice, ...]:
    code, state = found.report.code, found.report.state
    if found.may_decide and state == "submitted":
        return (opening("review", Say("review.open"), code=code),)
    steps: list[Choice] = []
    if found.is_own and state in reports.OPEN_TO_AUTHOR and found.report.kind == "figures":
        steps.append(opening("report", Say("report.correct"), correct=code))
    if found.is_own and state in {"submitted", "returned"}:
        steps.append(opening("withdraw", Say("withdraw.open"), code=code))
    return tuple(steps)


LOOKUP = Conversation("lookup", ask=ask_lookup, done=show, words="lookup.words", opens=code_in, aside=True)


def wants_withdrawal(inbound: Inbound, context: Context) -> Mapping[str, Json] | None:
    """Return what tells the report meant, where the message asks to delete or take back one."""
    if not context.posts_that("report") or not is_withdrawal(inbound, context):
        return None
    return {"signs": signs_in(inbound, context)}


def ask_withdraw(context: Context) -> Script:
    """Yield which report is meant and a confirmation; return the `Report`, None where there is none to take back."""
    code = context.start.get("code")
    signs = Signs(code=code) if isinstance(code, str) else signs_of(context.start)
    found = yield look(meant, context.contact_id, signs, reports.OPEN_TO_AUTHOR)
    told_nothing = signs == Signs()
    if not found or told_nothing:
        found = yield look(meant, context.contact_id, Signs(), _MAY_BE_TAKEN_BACK)
    if not found:
        return None
    words = Words(context.content, context.language)
    chosen = found[0]
    if len(found) > 1 and not told_nothing:
        picked = yield ask_which(context, "withdraw.which", found)
        chosen = next((each for each in found if each.code == picked), chosen)
    if chosen.state not in _MAY_BE_TAKEN_BACK:
        return chosen
    told = {"code": chosen.code, "figures": lines_of(chosen, words)}
    choices = (Choice(f"{_YES}-{chosen.code}", Say("withdraw.yes")),)
    yield Ask("withdraw.confirm", told, parse=None, choices=choices, confirm=True)
    return chosen


_MAY_BE_TAKEN_BACK = ("submitted", "returned")


def withdraw(db: Connection, context: Context, chosen: Report | None) -> Sequence[Reply | Notice]:
    """Take the report back unless somebody decided on it."""
    if chosen is None:
        return [reply("withdraw.none", opening("lookup", Say("lookup.open")))]
    code = chosen.code
    if not reports.withdraw(db, code, context.contact_id):
        see = opening("lookup", Say("report.see"), code=code)
        correct = opening("report", Say("report.correct"), correct=code)
        return [reply("withdraw.too_late", see, correct, code=code)]
    note(db, context, "report.withdrawn", code)
    return [reply("withdraw.done", code=code)]


WITHDRAW = Conversation(
    "withdraw", ask=ask_withdraw, done=withdraw, words="withdraw.words", opens=wants_withdrawal, needs="report"
)
