"""A photo that comes when the report of its album is sent: added while nobody decided, else kindly refused."""

from __future__ import annotations

from collections.abc import Sequence

from dialogue.messages import Reply, Say, opening, reply
from dialogue.turn import Conversation, Script
from handlers.context import Context
from handlers.report_answers import start_list
from handlers.report_records import MOST_PHOTOS
from handlers.report_store import note
from storage import attachments, reports
from storage.database import Connection


def ask_nothing(_context: Context) -> Script:
    """Return at once: there is nothing to ask."""
    yield from ()
    return None


def add(db: Connection, context: Context, _result: None) -> Sequence[Reply]:
    """Add the photos to the report that the album became, if it still waits; say what became of them."""
    code = reports.of_messages(db, start_list(context.start, "after"), author_id=context.contact_id)
    if code is None:
        return [reply("late_photo.too_late")]
    found = reports.find(db, code)
    photos = start_list(context.start, "photos")
    if found is None or found.state != "submitted" or found.photos + len(photos) > MOST_PHOTOS:
        return [reply("late_photo.report_closed", opening("report", Say("report.correct"), correct=code), code=code)]
    attachments.receive(db, photos, contact_id=context.contact_id, report_id=found.id, at=context.now)
    note(db, context, "report.photo_added", code)
    return [reply("late_photo.added", opening("lookup", Say("report.see"), code=code), code=code)]


LATE_PHOTO = Conversation("late_photo", ask=ask_nothing, done=add)
