"""A sentence that is a report: read, shown as a card, changed figure by figure, sent. Also corrections."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dialogue.messages import Choice, Inbound, Json, Notice, Reply, Say, opening, reply
from dialogue.turn import Ask, Conversation, Look, Script, look
from handlers.context import Context, Post
from handlers.figures_text import record_of
from handlers.report_amends import amended, kept
from handlers.report_answers import start_list
from handlers.report_card import Draft, confirm
from handlers.report_meant import ask_which, code_in, meant, signs_in, signs_of
from handlers.report_places import look_for, placed
from handlers.report_questions import settle
from handlers.report_reading import read_report
from handlers.report_records import added_photos, held, merged
from handlers.report_store import save
from storage import reports, units
from storage.database import Connection
from storage.reports import Report
from storage.units import Unit

_AGAIN = "again"
_ANOTHER = "another"


@dataclass(frozen=True, slots=True)
class Gone:
    """The report she wanted to correct is not open to her any more."""

    code: str


def opens(inbound: Inbound, context: Context) -> Mapping[str, Json] | None:
    """Return what was read if the message is a report or a correction by someone who may report."""
    if not inbound.text.strip() or not context.posts_that("report"):
        return None
    start = read_report(inbound, context)
    if start is None or not (start.get("corrects") or _names_earlier(inbound, context)):
        return start
    return {**start, "corrects": True, "signs": signs_in(inbound, context)}


def _names_earlier(inbound: Inbound, context: Context) -> bool:
    """Tell whether figures are said of a report named by its code: "BC-7K3M hv mới là 6"."""
    return code_in(inbound.text) is not None and bool(context.posts_that("report"))


def ask_report(context: Context) -> Script:
    """Yield questions until the report is sent or dropped; return the `Draft`, None if dropped, `Gone`."""
    earlier = yield from _earlier(context)
    if earlier is None and "correct" in context.start:
        return Gone(str(context.start["correct"]))
    draft = yield from (_new(context) if earlier is None else _correction(context, earlier))
    if draft is None:
        return None
    told = {"records": draft.records, "asks": draft.asks, "text": context.start.get("text")}
    records = yield from settle(context, told)
    if not records:
        return None
    draft = yield from confirm(context, replace(draft, records=tuple(records)))
    return (yield from check_again(context, draft)) if draft else None


def _new(context: Context) -> Generator[Ask | Look, Any, Draft]:
    post = yield from ask_post(context)
    named = yield look_for(context, post)
    records, asks = placed(context, named)
    text = context.start.get("text")
    return Draft(
        unit_id=post.unit_id,
        unit_name=post.unit_name,
        level=post.level,
        records=tuple(records),
        asks=tuple(asks),
        photos=tuple(added_photos((), start_list(context.start, "photos"))),
        text=text if isinstance(text, str) else None,
        note="report.none_to_correct" if context.start.get("corrects") else None,
    )


def ask_post(context: Context) -> Generator[Ask | Look, Any, Post]:
    """Yield which of her units reports, where she holds several; return the post."""
    posts = {post.unit_id: post for post in reversed(context.posts_that("report"))}
    if len(posts) == 1:
        return next(iter(posts.values()))
    choices = tuple(Choice(unit_id, post.unit_name) for unit_id, post in sorted(posts.items()))
    unit_id = yield Ask("report.unit", parse=None, choices=choices)
    return posts[unit_id]


def _earlier(context: Context) -> Generator[Ask | Look, Any, Report | None]:
    """The report that is to be corrected: named by a button, or the one whose figures she speaks of."""
    code = context.start.get("correct")
    if isinstance(code, str):
        mine: Report | None = yield look(own, code, context.contact_id)
        return mine
    if not context.start.get("corrects"):
        return None
    signs = signs_of(context.start, start_list(context.start, "records"))
    found = yield look(meant, context.contact_id, signs, reports.OPEN_TO_AUTHOR)
    if len(found) < 2:
        return found[0] if found else None
    new = Choice(_ANOTHER, Say("report.send_as_new"))
    code = yield ask_which(context, "report.which_report", found, new)
    return next((each for each in found if each.code == code), None)


def own(db: Connection, code: str, contact_id: int) -> Report | None:
    """Return her own report with this code if it may still be corrected."""
    found = reports.find(db, code)
    open_to_her = found is not None and found.author_id == contact_id and found.state in reports.OPEN_TO_AUTHOR
    return found if open_to_her else None


def _correction(context: Context, earlier: Report) -> Generator[Ask | Look, Any, Draft | None]:
    place: Unit | None = yield look(units.get, earlier.unit_id, context.today)
    if place is None:
        return None
    said = start_list(context.start, "records")
    return Draft(
        unit_id=place.id,
        unit_name=place.name,
        level=place.level,
        records=tuple(merged(kept([record_of(each) for each in earlier.figures], context.start), said)),
        asks=tuple(start_list(context.start, "asks")),
        photos=tuple(added_photos((), start_list(context.start, "photos"))),
        corrects=earlier.code,
        note="report.was_approved" if earlier.state == "approved" else None,
        version=earlier.version,
    )


def check_again(context: Context, draft: Draft) -> Generator[Ask | Look, Any, Draft | None]:
    """Ask whether a report like one she sent before is meant to be sent once more; None if not."""
    if draft.corrects:
        return draft
    facts = tuple((record["indicator"], str(record["date"]), record["value"]) for record in draft.records)
    code = yield look(alike, context.contact_id, draft.unit_id, facts)
    if code is None:
        return draft
    choices = (Choice(_AGAIN, Say("report.send_again")), Choice("drop", Say("report.discard")))
    answer = yield Ask("report.again", {"code": code}, parse=None, choices=choices)
    return draft if answer == _AGAIN else None


def alike(db: Connection, contact_id: int, unit_id: int, facts: tuple[tuple[str, str, int | float], ...]) -> str | None:
    """Return the code of a report of hers that holds the same figures already."""
    stored = [(indicator, period, held(value)) for indicator, period, value in facts]
    return reports.alike(db, contact_id, unit_id, stored)


def finish(db: Connection, context: Context, result: Draft | Gone | None) -> Sequence[Reply | Notice]:
    """Store the report as she sent it."""
    if isinstance(result, Gone):
        return [reply("report.gone", opening("lookup", Say("report.see"), code=result.code), code=result.code)]
    return save(db, context, result)


REPORT = Conversation("report", ask=ask_report, done=finish, opens=opens, needs="report", amends=amended)
