"""Think the rows of a batch through on a reader's connection (`bot/turns.py`); nothing is written here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from bot import events
from bot.effects import Turned
from bot.facts import Desk, Facts
from bot.turns import Mind, Thought, received
from handlers.context import VIETNAM, Context
from storage import appointments
from storage.database import Connection
from storage.inbox import Waiting
from storage.sessions import Session


def think(db: Connection, desk: Desk, rows: Sequence[Waiting]) -> list[Turned]:
    """Think each row through on a reader's connection. A failure is kept with its row."""
    facts = Facts.read(db, desk, rows)
    return [_think_one(db, desk, row, facts) for row in rows]


def _think_one(db: Connection, desk: Desk, row: Waiting, facts: Facts) -> Turned:
    person = facts.people[row.contact_id]
    mind: Mind | None = None
    try:
        inbound = received(row.body, row.sent_at, facts.pressed(row))
        context = _timely(db, facts.context(desk, row), desk.clock())
        context = replace(context, text=inbound.text, attachments=inbound.attachments)
        session = facts.sessions.get(row.contact_id, Session(row.contact_id))
        mind = Mind(desk.book, db, context, session, inbound)
        thought = _thought(mind, facts.last_said_at.get(row.address_id))
    except Exception as error:
        restricted = mind is not None and mind.is_restricted()
        return Turned(row, person.language, error=error, restricted=restricted)
    return Turned(row, person.language, thought, restricted=thought.restricted, proves=facts.proved(row))


def _thought(mind: Mind, last_said_at: datetime | None) -> Thought:
    if mind.inbound.event is not None:
        return events.think(mind.inbound.event, mind, last_said_at)
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
