"""Erase what has had its time: retention per kind of text, run every few minutes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, null, select, update

from storage import calls, deliveries, inbox, sessions
from storage.deliveries import NewDelivery
from storage.schema import address, delivery, mailbox

MESSAGES_KEPT = timedelta(days=30)
RESTRICTED_KEPT = timedelta(hours=23)
"""An hour less than promised, so that a late run still keeps the promise."""

ERASABLE = timedelta(hours=47)
"""Platforms let a message be taken away for two days; an hour less, since it may have to wait its turn."""

ERASE = "erase"
"""The sort of a delivery that takes the message of another one away."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How many texts were erased, by kind."""

    messages: int
    replies: int
    mail: int
    calls: int


def erase_old(db: Connection, *, now: datetime, erasing: Collection[str] = ()) -> Erased:
    """Erase the texts of messages done 30 days ago, and restricted ones before a day is over.

    On the channels `erasing` what we said in restricted talks is taken away from her chat as well.
    """
    restricted_before = now - RESTRICTED_KEPT
    if erasing:
        take_away(db, erasing, now=now, said_before=restricted_before)
    sessions.forget_talks(db, calls.TALK, untouched_since=restricted_before)
    messages = inbox.blank_old(db, done_before=now - MESSAGES_KEPT, restricted_before=restricted_before)
    replies = deliveries.blank_restricted(db, created_before=restricted_before)
    return Erased(messages, replies, _blank_mail(db, now, restricted_before), calls.erase_due(db, now=now))


def take_away(db: Connection, channels: Collection[str], *, now: datetime, said_before: datetime) -> int:
    """Put in the way out what takes our messages of restricted talks away; return how many.

    In the transaction that blanks their texts, and before: those that are blank were looked at then, so once each.
    """
    theirs = (
        select(delivery.c.id, delivery.c.contact_id, delivery.c.address_id)
        .join(address, address.c.id == delivery.c.address_id)
        .where(
            delivery.c.restricted,
            delivery.c.body.is_not(None),
            delivery.c.state == "sent",
            delivery.c.message_id.is_not(None),
            delivery.c.created_at < said_before,
            delivery.c.settled_at > now - ERASABLE,
            delivery.c.edits_id.is_(None),
            address.c.state == "live",
            address.c.channel.in_(list(channels)),
        )
        .order_by(delivery.c.id)
    )
    return len(deliveries.enqueue(db, [_taking_away(row, now) for row in db.execute(theirs)], at=now))


def _taking_away(row: Any, now: datetime) -> NewDelivery:
    """It is restricted like the message, so it goes to that one's address and nowhere else."""
    return NewDelivery(
        row.contact_id,
        row.address_id,
        deliveries.REPLIES,
        ERASE,
        body={"text": "", "buttons": [], "picture": None},
        due_at=now,
        restricted=True,
        edits_id=row.id,
    )


def _blank_mail(db: Connection, now: datetime, restricted_before: datetime) -> int:
    sensitive = select(delivery.c.id).where(delivery.c.restricted, delivery.c.created_at < restricted_before)
    old = (mailbox.c.created_at < now - MESSAGES_KEPT) | mailbox.c.delivery_id.in_(sensitive)
    return db.execute(update(mailbox).where(mailbox.c.body.is_not(None), old).values(body=null())).rowcount
