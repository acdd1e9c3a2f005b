"""The one message in which an officer watches a run: where it stands, and the edits that keep it true.

A row of `progress` lives from the first message to the last edit of it, which says how the run ended.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, select, update

from storage import deliveries
from storage.deliveries import OPEN, REPLIES, NewDelivery
from storage.schema import address, broadcast, campaign, delivery, progress

SORT = "progress"
GONE = "gone"
"""Why an edit failed whose message is no longer there."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A run and the officer who asked for it. `running_since` is when its audience was complete."""

    broadcast_id: int
    code: str
    campaign_id: int
    owner_id: int
    state: str
    running_since: datetime


@dataclass(frozen=True, slots=True)
class Watching:
    """A run that is being watched in the message of a delivery, last brought up to date at `shown_at`."""

    run: Watched
    delivery_id: int
    shown_at: datetime


_RUN = (
    broadcast.c.id,
    broadcast.c.code,
    broadcast.c.campaign_id,
    campaign.c.created_by,
    broadcast.c.state,
    broadcast.c.frozen_at,
)


def unwatched(db: Connection, *, running_since: datetime, least: int) -> list[Watched]:
    """Return the running runs of at least so many people that began by an instant and have no such message yet."""
    query = (
        select(*_RUN)
        .join(campaign, campaign.c.id == broadcast.c.campaign_id)
        .where(
            broadcast.c.told_at.is_(None),
            broadcast.c.state == "running",
            broadcast.c.frozen_at <= running_since,
            broadcast.c.audience >= least,
            ~exists().where(progress.c.broadcast_id == broadcast.c.id),
        )
    )
    return [Watched(*row) for row in db.execute(query)]


def watching(db: Connection) -> list[Watching]:
    """Return all runs that are being watched."""
    query = (
        select(*_RUN, progress.c.delivery_id, progress.c.shown_at)
        .join(broadcast, broadcast.c.id == progress.c.broadcast_id)
        .join(campaign, campaign.c.id == broadcast.c.campaign_id)
        .order_by(progress.c.broadcast_id)
    )
    return [Watching(Watched(*row[:6]), row.delivery_id, row.shown_at) for row in db.execute(query)]


def whereabouts(db: Connection, contact_id: int, channels: Collection[str]) -> int | None:
    """Return the live address at which somebody was answered last, if it is on one of the channels."""
    last = (
        select(delivery.c.id)
        .where(delivery.c.address_id == address.c.id, delivery.c.lane == REPLIES)
        .order_by(delivery.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    hers = (address.c.contact_id == contact_id, address.c.state == "live")
    row = db.execute(select(address.c.id, address.c.channel, last.label("last")).where(*hers)).all()
    newest = max(row, key=lambda each: (each.last or 0, each.id), default=None)
    return newest.id if newest is not None and newest.channel in channels else None


def begin(db: Connection, run: Watched, message: NewDelivery, *, at: datetime) -> bool:
    """Send the message in which a run is watched; False if there is one already."""
    if db.scalar(select(progress.c.broadcast_id).where(progress.c.broadcast_id == run.broadcast_id)) is not None:
        return False
    [delivery_id] = deliveries.enqueue(db, [message], at=at)
    values = {"broadcast_id": run.broadcast_id, "delivery_id": delivery_id, "shown_at": at}
    db.execute(progress.insert().values(**values))
    return True


def may_edit(db: Connection, message: Watching) -> bool | None:
    """Tell whether the message can be edited now: not before it arrived, nor while another edit is open.

    None if it never can be: it did not arrive, or is gone.
    """
    base = db.execute(select(delivery.c.state, delivery.c.address_id).where(delivery.c.id == message.delivery_id)).one()
    if base.state in OPEN:
        return False
    if base.state != "sent":
        return None
    edits = _edits(message.delivery_id, base.address_id)
    if db.execute(edits.where(delivery.c.state.in_(OPEN)).limit(1)).first() is not None:
        return False
    last = db.execute(edits.order_by(delivery.c.id.desc()).limit(1)).first()
    return None if last is not None and last.reason == GONE else True


def _edits(delivery_id: int, address_id: int) -> Any:
    # By the address: there is an index for it, and an officer gets few messages.
    return select(delivery.c.id, delivery.c.state, delivery.c.reason).where(
        delivery.c.address_id == address_id, delivery.c.id > delivery_id, delivery.c.edits_id == delivery_id
    )


def edit(db: Connection, message: Watching, body: dict[str, Any], *, at: datetime, is_last: bool = False) -> bool:
    """Bring the message up to date if it may be now and nobody else did; the last edit ends the watching."""
    may = may_edit(db, message)
    if is_last and may is None:
        _end(db, message)
    if not may:
        return False
    mine = (progress.c.broadcast_id == message.run.broadcast_id, progress.c.shown_at == message.shown_at)
    if db.execute(update(progress).where(*mine).values(shown_at=at)).rowcount != 1:
        return False
    if is_last:
        _end(db, message)
    to = db.scalar(select(delivery.c.address_id).where(delivery.c.id == message.delivery_id))
    row = NewDelivery(message.run.owner_id, to, REPLIES, SORT, body, due_at=at, edits_id=message.delivery_id)
    deliveries.enqueue(db, [row], at=at)
    return True


def _end(db: Connection, message: Watching) -> None:
    db.execute(progress.delete().where(progress.c.broadcast_id == message.run.broadcast_id))
