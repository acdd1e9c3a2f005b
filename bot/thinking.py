"""Think the rows of a batch through on a reader's connection (`bot/turns.py`); nothing is written here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from bot import amends, events
from bot.effects import Turned
from bot.facts import Desk, Facts
from bot.gathering import Message, gather
from bot.turns import Mind, Thought, received
from handlers.context import VIETNAM, Context
from storage import appointments
from storage.database import Connection
from storage.inbox import Waiting
from storage.sessions import Session


def think(db: Connection, desk: Desk, rows: Sequence[Waiting]) -> list[Turned]:
    """Think each row through on a reader's connection. A failure is kept with its row."""
    messages = gather(db, rows)
    facts = Facts.read(db, desk, [message.row for message in messages])
    return [_think_one(db, desk, message, facts) for message in messages]


def _think_one(db: Connection, desk: Desk, message: Message, facts: Facts) -> Turned:
    row = message.row
    person = facts.people[row.contact_id]
    mind: Mind | None = None
    try:
        mind = _mind(db, desk, message, facts)
        thought = _thought(mind, message, facts.last_said_at.get(row.address_id))
    except Exception as error:
        restricted = mind is not None and mind.is_restricted()
        return Turned(message, person.language, error=error, restricted=restricted)
    return Turned(message, person.language, thought, restricted=thought.restricted, proves=facts.proved(row))


def _mind(db: Connection, desk: Desk, message: Message, facts: Facts) -> Mind:
    row = message.row
    inbound = received(row.body, row.sent_at, facts.pressed(row))
    inbound = replace(inbound, follows=message.follows, edits=message.original.id if message.original else None)
    context = _timely(db, facts.context(desk, row), desk.clock())
    context = replace(context, text=inbound.text, attachments=inbound.attachments)
    session = facts.sessions.get(row.contact_id, Session(row.contact_id))
    return Mind(desk.book, db, context, session, inbound)


def _thought(mind: Mind, message: Message, last_said_at: datetime | None) -> Thought:
    original = message.original
    if mind.inbound.event is not None:
        return events.think(mind.inbound.event, mind, last_said_at)
    if message.says_nothing and original is not None:
        return Thought(mind.session, untouched=True, restricted=original.restricted)
    if original is not None:
        return amends.edited(mind, original)
    if message.follows:
        return amends.late(mind)
    return mind.think()


def _timely(db: Connection, context: Context, now: datetime) -> Context:
    """Return the context of a message; of one written before its sender lost a post, as if she wrote it now.

    Rights are those of today: a phone's clock, set back, must not bring ended ones back.
    """
    today = now.astimezone(VIETNAM).date()
    if context.today == today:
        return context
    held, still_held = (_posts_on(db, context.contact_id, day) for day in (context.today, today))
    return replace(context, now=now) if held - still_held else context


def _posts_on(db: Connection, contact_id: int, day: date) -> set[tuple[int, str]]:
    held = appointments.of_contacts(db, [contact_id], day).get(contact_id, ())
    return {(post.unit_id, post.role) for post in held}
