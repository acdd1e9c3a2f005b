"""A sentence that is a report: read, shown as a card, changed figure by figure, sent. Also corrections."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dialogue.messages import Choice, Inbound, Json, Notice, Reply, Say, opening, reply
from dialogue.turn import Ask, Conversation, Look, Script, look
from handlers.context import Context, Post
from handlers.figures_text import Words, record_of, short_of
from handlers.report_amends import amended, kept
from handlers.report_answers import start_list
from handlers.report_card import Draft, confirm
from handlers.report_questions import settle
from handlers.report_reading import read_report
from handlers.report_records import added_photos, held, merged
from handlers.report_store import save
from storage import reports, units
from storage.database import Connection
from storage.reports import Report
from storage.units import Unit

MOST_MEANT = 4
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
    return read_report(inbound, context)


def ask_report(context: Context) -> Script:
    """Yield questions until the report is sent or dropped; return the `Draft`, None if dropped, `Gone`."""
    earlier = yield from _earlier(context)
    if earlier is None and "correct" in context.start:
        return Gone(str(context.start["correct"]))
    draft = yield from (_new(context) if earlier is None else _correction(context, earlier))
    if draft is None:
        return None
    records = yield from settle(context, draft.records, start_list(context.start, "asks"))
    if not records:
        return None
    draft = yield from confirm(context, replace(draft, records=tuple(records)))
    return (yield from check_again(context, draft)) if draft else None


def _new(context: Context) -> Generator[Ask | Look, Any, Draft]:
    post = yield from ask_post(context)
    photos = tuple(added_photos((), start_list(context.start, "photos")))
    text = context.start.get("text")
    return Draft(
        unit_id=post.unit_id,
        unit_name=post.unit_name,
        level=post.level,
        records=tuple(start_list(context.start, "records")),
        photos=photos,
        text=text if isinstance(text, str) else None,
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
    wanted = tuple((record["indicator"], record.get("replaces")) for record in start_list(context.start, "records"))
    found = yield look(meant, context.contact_id, wanted)
    if len(found) < 2:
        return found[0] if found else None
    return (yield from _ask_which(context, found))


def _ask_which(context: Context, found: list[Report]) -> Generator[Ask, Any, Report | None]:
    words = Words(context.content, context.language)
    choices = tuple(
        Choice(each.code, Say("report.one_of_several", {"code": each.code, "figures": short_of(each, words)}))
        for each in found
    )
    new = Choice(_ANOTHER, Say("report.send_as_new"))
    code = yield Ask("report.which_report", parse=None, choices=(*choices, new))
    return next((each for each in found if each.code == code), None)


def own(db: Connection, code: str, contact_id: int) -> Report | None:
    """Return her own report with this code if it may still be corrected."""
    found = reports.find(db, code)
    open_to_her = found is not None and found.author_id == contact_id and found.state in reports.OPEN_TO_AUTHOR
    return found if open_to_her else None


def meant(db: Connection, contact_id: int, wanted: tuple[tuple[str, int | float | None], ...]) -> list[Report]:
    """Return her reports that a correction may speak of, newest first."""
    exactly = [(indicator, None if value is None else held(value)) for indicator, value in wanted]
    return reports.meant(db, contact_id, exactly, most=MOST_MEANT)


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
        photos=tuple(added_photos((), start_list(context.start, "photos"))),
        text=None,
        corrects=earlier.code,
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
