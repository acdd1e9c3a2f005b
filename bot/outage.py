"""Tell officers of a time in which nobody could reach us on a channel: what was written then may be lost."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot import telling
from dialogue.messages import Phrase, Reply, Say
from handlers.content import Content
from handlers.context import VIETNAM
from storage import appointments, deliveries
from storage.database import Connection

TOLD_AFTER = timedelta(hours=2)
DAY = timedelta(hours=24)
"""Platforms keep what is not fetched no longer than this."""

MAY_SEND = "broadcast"


def tell_officers(
    db: Connection, content: Content, *, channel: str, since: datetime, until: datetime, lost: bool
) -> None:
    """Tell every officer who may send to others that a channel was silent from when to when.

    `lost`: what people wrote in that time does not come any more.

    Runs in the transaction that notes the end of the silence, so that it is told once.
    """
    key = "outage.lost" if lost else "outage.over"
    values: dict[str, Phrase] = {"channel": Say(f"channel.{channel}"), "since": since, "until": until}
    said = Reply((Say(key, values),))
    today = until.astimezone(VIETNAM).date()
    officers = appointments.all_holders(db, content.roles_that(MAY_SEND), today)
    wanted = [contact_id for contact_id in officers if telling.is_wanted(db, contact_id, said)]
    rows = [telling.notice(db, content.wording, contact_id, said, at=until) for contact_id in wanted]
    deliveries.enqueue(db, rows, at=until)
