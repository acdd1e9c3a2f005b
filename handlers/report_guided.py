"""A report by buttons and one question at a time, for who would rather not write a sentence.

The kinds of report are content (`content/report_types.yaml`); nothing here knows any of them.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import partial
from typing import Any

from dialogue.answers import photos as photos_sent
from dialogue.messages import Choice, Inbound, Json, Say
from dialogue.turn import Ask, Conversation, Look, Script
from handlers.content import ReportType
from handlers.context import Context, Post
from handlers.report import ask_post, check_again
from handlers.report_amends import amended
from handlers.report_answers import start_list, value_for
from handlers.report_card import Draft, confirm
from handlers.report_dates import ask_date
from handlers.report_records import added_photos
from handlers.report_store import save


def opens(inbound: Inbound, context: Context) -> Mapping[str, Json] | None:
    """Return the photos of a message without words: she is then asked what they show."""
    if inbound.text.strip() or not inbound.attachments or not context.posts_that("report"):
        return None
    return {"photos": added_photos((), inbound.attachments)}


def ask_guided(context: Context) -> Script:
    """Yield the kind of report, its questions, day and photos, then the card; return the `Draft`, None if dropped."""
    post = yield from ask_post(context)
    sent = start_list(context.start, "photos")
    chosen = yield from _ask_type(context, post, has_photos=bool(sent))
    told = yield from _ask_values(context, chosen)
    label = yield from ask_date(context)
    photos = sent or (yield Ask("guided.photos", parse=photos_sent, optional=True)) or ()
    draft = Draft(
        unit_id=post.unit_id,
        unit_name=post.unit_name,
        level=post.level,
        records=tuple({**record, "date": label} for record in told),
        photos=tuple(added_photos((), photos)),
    )
    sent_draft = yield from confirm(context, draft)
    return (yield from check_again(context, sent_draft)) if sent_draft else None


def _ask_type(context: Context, post: Post, *, has_photos: bool) -> Generator[Ask | Look, Any, ReportType]:
    kinds = {code: kind for code, kind in context.content.report_types.items() if post.level in kind.levels}
    choices = tuple(Choice(code, Say(f"report_type.{code}")) for code in kinds)
    key = "guided.type_of_photos" if has_photos else "guided.type"
    code = yield Ask(key, parse=None, choices=choices)
    return kinds[code]


def _ask_values(context: Context, kind: ReportType) -> Generator[Ask | Look, Any, list[dict[str, Any]]]:
    """Ask each question of the kind; one that was skipped tells nothing, which is not zero."""
    records = []
    for question in kind.questions:
        indicator = context.content.catalogue[question.indicator]
        parse = partial(value_for, context=context, indicator=indicator)
        told = yield Ask(f"guided.value.{question.indicator.lower()}", parse=parse, optional=question.optional)
        if told is not None:
            records.append({"indicator": indicator.code, "unit": indicator.unit, **told})
    return records


GUIDED = Conversation(
    "guided", ask=ask_guided, done=save, words="guided.words", opens=opens, needs="report", amends=amended
)
