"""The statements that look for what may go and take it; `storage/claims.py` decides with them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Update,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    update,
)

from storage.deliveries import BROADCASTS, REPLIES
from storage.prepared import Reading, Writing
from storage.schema import address, attachment, broadcast, campaign, contact, delivery, installation

# Written out, not bound: SQLite uses a partial index only where the query repeats its condition. Where a bound value
# might repeat it, the whole statement is planned anew each time one is given: 0.1 ms, ten times what it takes.
_READY: ColumnElement[Any] = literal_column("'ready'")
_SENDING: ColumnElement[Any] = literal_column("'sending'")
_BROADCASTS: ColumnElement[Any] = literal_column(str(BROADCASTS))
_REPLIES: ColumnElement[Any] = literal_column(str(REPLIES))

_live = address.alias("live")
_other = delivery.alias("other")
_today = delivery.alias("today")
_target = delivery.alias("target")


def _open(table: Any) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = table.c.state.in_([_READY, _SENDING])
    return condition


_NOW = bindparam("now", type_=delivery.c.due_at.type)
_MOST = bindparam("most", type_=delivery.c.tries.type)
_BEHIND_ANOTHER = exists().where(
    _other.c.contact_id == delivery.c.contact_id,
    _open(_other),
    _other.c.lane == _REPLIES,
    _other.c.id != delivery.c.id,
    # A repeated alert waits half a minute, an edit for its next try; nothing else has to wait with them.
    or_(
        _other.c.state == _SENDING,
        and_(_other.c.id < delivery.c.id, _other.c.sort != "alert", _other.c.edits_id.is_(None)),
    ),
)
_UNDER_WAY = exists().where(_other.c.contact_id == delivery.c.contact_id, _open(_other), _other.c.state == _SENDING)
_SENT_TODAY = (
    select(func.count())
    .where(
        _today.c.contact_id == delivery.c.contact_id,
        _today.c.lane == _BROADCASTS,
        _today.c.settled_at >= bindparam("midnight", type_=delivery.c.settled_at.type),
        _today.c.state.in_([literal_column("'sent'"), literal_column("'unknown'")]),
    )
    .scalar_subquery()
)


def _one_of(column: Any, names: tuple[str, ...]) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = column.in_([literal(name) for name in names]) if names else false()
    return condition


def _may_read_there(abroad: tuple[str, ...]) -> ColumnElement[bool]:
    """Tell whether `_live` may get what was written for another address of hers."""
    if not abroad:
        return true()
    meant = address.alias("meant")
    for_abroad = exists().where(meant.c.id == delivery.c.address_id, _one_of(meant.c.channel, abroad))
    for_abroad = for_abroad.correlate(delivery)
    is_free = or_(delivery.c.address_id.is_(None), delivery.c.broadcast_id.is_not(None))
    return or_(is_free, ~_one_of(_live.c.channel, abroad), for_abroad)


def _has_address(abroad: tuple[str, ...]) -> ColumnElement[bool]:
    hers = (_live.c.contact_id == delivery.c.contact_id, _live.c.state == "live")
    return exists().where(*hers, _may_read_there(abroad))


def _rows(running: tuple[str, ...], abroad: tuple[str, ...]) -> Select[Any]:
    """What may be due, each with the address it would go to: the one given, else her newest on a running channel."""
    own = (
        _live.c.contact_id == delivery.c.contact_id,
        _live.c.state == "live",
        _one_of(_live.c.channel, running),
    )
    given = select(_live.c.id).where(_live.c.id == delivery.c.address_id, *own).scalar_subquery()
    # What must stay between us goes only where she wrote from: another phone may be in other hands.
    elsewhere = (delivery.c.restricted.is_(False), _may_read_there(abroad))
    newest = select(func.max(_live.c.id)).where(*own, *elsewhere).scalar_subquery()
    return (
        select(
            delivery.c.id,
            delivery.c.attempt,
            delivery.c.tries,
            delivery.c.contact_id,
            address.c.id.label("address_id"),
            address.c.channel,
            address.c.external_id,
            contact.c.language,
            delivery.c.lane,
            delivery.c.sort,
            delivery.c.body,
            contact.c.name,
            delivery.c.doubts,
            contact.c.stopped_at.is_not(None).label("stopped"),
            contact.c.erased_at.is_not(None).label("erased"),
            delivery.c.address_id.is_not(None).label("is_answer"),
            delivery.c.edits_id,
            _target.c.address_id.label("target_address_id"),
            _target.c.message_id.label("target_message_id"),
        )
        .join(contact, contact.c.id == delivery.c.contact_id)
        .outerjoin(address, address.c.id == func.coalesce(given, newest))
        .outerjoin(_target, _target.c.id == delivery.c.edits_id)
        .where(delivery.c.state == _READY, delivery.c.due_at <= _NOW)
        .order_by(delivery.c.due_at, delivery.c.id)
        .limit(_MOST)
        # Of several claimers each takes other people: whom one looks at the others pass over. SQLite leaves this out;
        # there one transaction writes at a time.
        .with_for_update(of=[delivery, contact], skip_locked=True, key_share=True)
    )


@lru_cache(maxsize=256)
def replies(running: tuple[str, ...], free: tuple[str, ...], abroad: tuple[str, ...]) -> Reading:
    """Return the query for due replies of the channels `free` of those `running`: (now, most)."""
    query = _rows(running, abroad).where(
        delivery.c.lane == _REPLIES,
        delivery.c.broadcast_id.is_(None),
        ~_BEHIND_ANOTHER,
        # Someone whose channel is switched off today waits; someone without any address does not.
        or_(_one_of(address.c.channel, free), and_(address.c.id.is_(None), ~_has_address(abroad))),
    )
    return Reading(query, ("now", "most"))


_LOOK = bindparam("look", type_=delivery.c.tries.type)


@lru_cache(maxsize=256)
def to_many(
    running: tuple[str, ...], free: tuple[str, ...], abroad: tuple[str, ...], *, of_run: bool, capped: bool
) -> Reading:
    """Return the query for due messages to many, of a run or of none: (now, most, midnight, look, run).

    What a person was sent today is counted only where it is `capped`.
    """
    run: ColumnElement[bool] = delivery.c.broadcast_id.is_(None)
    if of_run:
        run = delivery.c.broadcast_id == bindparam("run", type_=delivery.c.id.type)
    can_go = or_(_one_of(address.c.channel, free), address.c.id.is_(None))
    query = _rows(running, abroad)
    if capped:
        query = query.add_columns(_SENT_TODAY.label("sent_today"))
    query = query.where(delivery.c.lane == _BROADCASTS, run, ~_UNDER_WAY, can_go)
    if len(free) < len(running):
        # Few rows may be of a free channel: a look at all that wait would take longer the more there are.
        first = select(delivery.c.id).where(
            delivery.c.state == _READY, delivery.c.lane == _BROADCASTS, run, delivery.c.due_at <= _NOW
        )
        query = query.where(delivery.c.id.in_(first.order_by(delivery.c.due_at, delivery.c.id).limit(_LOOK)))
    return Reading(query, ("now", "most", "midnight", "look", "run"))


def _is_due(lane: ColumnElement[Any]) -> ColumnElement[bool]:
    of_none = (delivery.c.lane == lane, delivery.c.broadcast_id.is_(None))
    return exists().where(*of_none, delivery.c.state == _READY, delivery.c.due_at <= _NOW)


# Looked at before everything else: what is not due need not be asked for.
_LOOKS: tuple[ColumnElement[Any], ...] = (
    exists().where(installation.c.hold.is_(true())).label("hold"),
    _is_due(_REPLIES).label("replies"),
    _is_due(_BROADCASTS).label("notices"),
)
DUE = Reading(select(*_LOOKS), ("now",))
RUNS = Reading(
    select(broadcast.c.id, broadcast.c.texts, attachment.c.received_sha256, campaign.c.code, campaign.c.sort)
    .join(campaign, campaign.c.id == broadcast.c.campaign_id)
    .outerjoin(attachment, attachment.c.id == broadcast.c.attachment_id)
    .where(
        broadcast.c.state == "running",
        broadcast.c.told_at.is_(None),
        exists().where(
            delivery.c.lane == _BROADCASTS,
            delivery.c.broadcast_id == broadcast.c.id,
            delivery.c.state == _READY,
            delivery.c.due_at <= _NOW,
        ),
    )
    .order_by(broadcast.c.id),
    ("now",),
)


def _still_ready(given: Any) -> Update:
    return update(delivery).where(delivery.c.id == given.c.row, delivery.c.state == _READY)


_ID, _WORD, _INSTANT = delivery.c.id.type, delivery.c.owner.type, delivery.c.due_at.type
TAKE = Writing(
    {"row": _ID, "by": _WORD, "lease": _INSTANT, "to_address": _ID},
    lambda given: _still_ready(given).values(
        state="sending",
        owner=given.c.by,
        attempt=delivery.c.attempt + 1,
        lease_until=given.c.lease,
        address_id=given.c.to_address,
    ),
)
SETTLE = Writing(
    {"row": _ID, "to": _WORD, "why": _WORD, "at": _INSTANT},
    lambda given: _still_ready(given).values(state=given.c.to, reason=given.c.why, settled_at=given.c.at),
)
POSTPONE = Writing(
    {"row": _ID, "at": _INSTANT},
    lambda given: _still_ready(given).values(due_at=given.c.at, reason="daily_cap"),
)
