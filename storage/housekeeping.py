"""Erase what has had its time: retention per kind of text, run every few minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, null, select, update

from storage import calls, deliveries, inbox, sessions
from storage.schema import delivery, mailbox

MESSAGES_KEPT = timedelta(days=30)
RESTRICTED_KEPT = timedelta(hours=23)
"""An hour less than promised, so that a late run still keeps the promise."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How many texts were erased, by kind."""

    messages: int
    replies: int
    mail: int
    calls: int


def erase_old(db: Connection, *, now: datetime) -> Erased:
    """Erase the texts of messages done 30 days ago, and restricted ones before a day is over."""
    restricted_before = now - RESTRICTED_KEPT
    sessions.forget_talks(db, calls.TALK, untouched_since=restricted_before)
    messages = inbox.blank_old(db, done_before=now - MESSAGES_KEPT, restricted_before=restricted_before)
    replies = deliveries.blank_restricted(db, created_before=restricted_before)
    return Erased(messages, replies, _blank_mail(db, now, restricted_before), calls.erase_due(db, now=now))


def _blank_mail(db: Connection, now: datetime, restricted_before: datetime) -> int:
    sensitive = select(delivery.c.id).where(delivery.c.restricted, delivery.c.created_at < restricted_before)
    old = (mailbox.c.created_at < now - MESSAGES_KEPT) | mailbox.c.delivery_id.in_(sensitive)
    return db.execute(update(mailbox).where(mailbox.c.body.is_not(None), old).values(body=null())).rowcount
