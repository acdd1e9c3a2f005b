"""Calls for help: how it is safe to reach her, sealed, read once by one officer, erased within a day.

Nothing here is counted, listed by person or shown anywhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, null, or_, select, update

from storage import appointments, codes, sessions, units
from storage.schema import address, call_for_help, delivery, inbox, mailbox
from storage.sealing import Place, Sealer

PREFIX = "GH"
KEPT = timedelta(hours=24)
TALK = "contact_me"
"""The conversation in which she says how to reach her; left half-way, it is forgotten with the rest."""

PAGE = 500


@dataclass(frozen=True, slots=True)
class Call:
    """A call for help without her words. `state`: waiting, read, erased."""

    id: int
    uid: str
    code: str
    contact_id: int
    unit_id: int
    state: str
    erase_after: datetime


@dataclass(frozen=True, slots=True)
class Hearers:
    """Who would be told: the officers of the nearest unit that has any. `contact_ids` is never empty."""

    unit_id: int
    unit_name: str
    contact_ids: tuple[int, ...]


_CALL = select(*(call_for_help.c[name] for name in Call.__slots__))


def hearers(db: Connection, unit_id: int, roles: Collection[str], on: date, without: int) -> Hearers | None:
    """Return the officers nearest to a unit who would be told of a call from `without`; None if there are none."""
    found = appointments.nearest_holders(db, unit_id, roles, on, without=without)
    held = appointments.of_contacts(db, found[:1], on)
    above = {unit_id, *(place.id for place in units.ancestors(db, unit_id, on))}
    for post in (post for posts in held.values() for post in posts):
        if post.role in roles and post.unit_id in above:
            return Hearers(post.unit_id, post.unit_name, tuple(found))
    return None


def keep(db: Connection, sealer: Sealer, *, contact_id: int, unit_id: int, words: str, at: datetime) -> str:
    """Keep a call and return its code. Her own messages of the last day become restricted with it."""
    uid = uuid4().hex
    values = {
        "uid": uid,
        "contact_id": contact_id,
        "unit_id": unit_id,
        "words_sealed": sealer.seal(words, Place("call_for_help", "words_sealed", uid)),
        "state": "waiting",
        "created_at": at,
        "erase_after": at + KEPT,
    }
    _, code = codes.insert_coded(db, call_for_help, PREFIX, values)
    restrict_recent(db, contact_id, since=at - KEPT)
    return code


def restrict_recent(db: Connection, contact_id: int, *, since: datetime) -> None:
    """Mark what a contact wrote and was told since an instant as restricted: shown nowhere, erased within a day."""
    hers = select(address.c.id).where(address.c.contact_id == contact_id)
    received = inbox.c.address_id.in_(hers) & (inbox.c.received_at >= since)
    sent = delivery.c.address_id.in_(hers) & (delivery.c.created_at >= since) & delivery.c.broadcast_id.is_(None)
    db.execute(update(inbox).where(received).values(restricted=True))
    db.execute(update(delivery).where(sent).values(restricted=True))


def by_code(db: Connection, code: str) -> Call | None:
    """Return a call whatever its state; None if the code is unknown."""
    row = db.execute(_CALL.where(call_for_help.c.code == code)).first()
    return None if row is None else Call(*row)


def read_once(db: Connection, sealer: Sealer, call: Call, *, by: int, at: datetime) -> str | None:
    """Return her words and blank them in the same step; None if somebody read them before or the day is over."""
    sealed = db.scalar(select(call_for_help.c.words_sealed).where(call_for_help.c.id == call.id))
    waiting = (
        (call_for_help.c.id == call.id) & (call_for_help.c.state == "waiting") & (call_for_help.c.erase_after > at)
    )
    values = {"state": "read", "read_by": by, "read_at": at, "words_sealed": None}
    taken = db.execute(update(call_for_help).where(waiting).values(**values)).rowcount == 1
    if not taken or sealed is None:
        return None
    return sealer.open(sealed, Place("call_for_help", "words_sealed", call.uid))


def erase_due(db: Connection, *, now: datetime) -> int:
    """Erase what is a day old of calls and of restricted messages, and return how many calls were closed.

    Call it at least every hour. The officer's copy of her words is found by the code that stands in it.
    """
    _erase_restricted(db, before=now - KEPT)
    due = [Call(*row) for row in db.execute(_CALL.where(call_for_help.c.erase_after <= now, _OPEN))]
    for call in due:
        reader = db.scalar(select(call_for_help.c.read_by).where(call_for_help.c.id == call.id))
        if reader is not None:
            blank_deliveries(db, reader, naming=call.code)
    ids = [call.id for call in due]
    db.execute(update(call_for_help).where(call_for_help.c.id.in_(ids)).values(state="erased", words_sealed=None))
    return len(ids)


_OPEN = call_for_help.c.state != "erased"


def blank_deliveries(db: Connection, contact_id: int, *, naming: str | None = None) -> None:
    """Blank the texts of replies and notices to a contact and their copies in her mailbox.

    With `naming` only those whose text holds it. What still waited is not sent. Broadcasts hold no text of their own.
    """
    hers = select(address.c.id).where(address.c.contact_id == contact_id)
    waiting = (delivery.c.state == "ready") & (delivery.c.contact_id == contact_id)
    mine = or_(delivery.c.address_id.in_(hers), waiting) & delivery.c.broadcast_id.is_(None)
    rows = db.execute(select(delivery.c.id, delivery.c.body).where(mine, delivery.c.body.is_not(None))).all()
    ids = [row.id for row in rows if row.body and (naming is None or naming in str(row.body.get("text")))]
    for start in range(0, len(ids), PAGE):
        _blank(db, delivery.c.id.in_(ids[start : start + PAGE]))


def _blank(db: Connection, which: ColumnElement[bool]) -> None:
    copies = select(delivery.c.id).where(which)
    db.execute(update(mailbox).where(mailbox.c.delivery_id.in_(copies)).values(body=null()))
    db.execute(update(delivery).where(which, delivery.c.state == "ready").values(state="cancelled", reason="erased"))
    db.execute(update(delivery).where(which).values(body=null()))


def _erase_restricted(db: Connection, *, before: datetime) -> None:
    old = delivery.c.restricted & (delivery.c.created_at <= before) & delivery.c.body.is_not(None)
    people = list(db.scalars(select(delivery.c.contact_id).where(old).distinct()))
    _drop_talks(db, people, before=before)
    _blank(db, delivery.c.restricted & (delivery.c.created_at <= before))
    received = inbox.c.restricted & (inbox.c.received_at <= before) & (inbox.c.state != "open")
    db.execute(update(inbox).where(received).values(body=null()))


def _drop_talks(db: Connection, contact_ids: Sequence[int], *, before: datetime) -> None:
    """Forget talks about a call that were begun and never ended."""
    for each in sessions.load(db, contact_ids).values():
        if each.updated_at is None or each.updated_at > before:
            continue
        parked = tuple(talk for talk in each.parked if talk.conversation != TALK)
        talk = None if each.talk and each.talk.conversation == TALK else each.talk
        if (talk, parked) != (each.talk, each.parked):
            sessions.save(db, [replace(each, talk=talk, parked=parked, shown=())], at=each.updated_at)
