"""Where each contact stands in her talk. Everything a conversation remembers is in this row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Text, cast, null, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from storage.schema import session


@dataclass(frozen=True, slots=True)
class Talk:
    """An open conversation: its name, the facts it was opened with, and the answers so far in order."""

    conversation: str
    start: Mapping[str, Any] = field(default_factory=dict)
    answers: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """A contact's open talk, the talks parked under it (oldest first) and the buttons last shown to her."""

    contact_id: int
    talk: Talk | None = None
    parked: tuple[Talk, ...] = ()
    shown: tuple[Mapping[str, Any], ...] = ()
    updated_at: datetime | None = None


def load(db: Connection, contact_ids: Iterable[int]) -> dict[int, Session]:
    """Return the sessions of contacts; who has none yet is left out."""
    rows = db.execute(select(session).where(session.c.contact_id.in_(list(contact_ids))))
    return {row.contact_id: _session(row) for row in rows}


def _session(row: Any) -> Session:
    parked = tuple(_talk(talk) for talk in row.parked or ())
    talk = _talk(row.talk) if row.talk else None
    return Session(row.contact_id, talk, parked, tuple(row.shown or ()), row.updated_at)


def _talk(stored: Mapping[str, Any]) -> Talk:
    answers = tuple((key, answer) for key, answer in stored["answers"])
    return Talk(stored["conversation"], stored["start"], answers)


def save(db: Connection, sessions: Sequence[Session], *, at: datetime) -> None:
    """Store sessions, each in place of what was there."""
    db.execute(_upsert(db.dialect.name), [_row(each, at) for each in sessions])


@cache
def _upsert(dialect_name: str) -> Insert:
    dialect: Any = postgresql if dialect_name == "postgresql" else sqlite
    insert = dialect.insert(session)
    columns = ("talk", "parked", "shown", "updated_at")
    statement: Insert = insert.on_conflict_do_update(
        index_elements=["contact_id"], set_={name: insert.excluded[name] for name in columns}
    )
    return statement


def _row(each: Session, at: datetime) -> dict[str, Any]:
    return {
        "contact_id": each.contact_id,
        "talk": _stored(each.talk) if each.talk else None,
        "parked": [_stored(talk) for talk in each.parked],
        "shown": list(each.shown),
        "updated_at": at,
    }


def _stored(talk: Talk) -> dict[str, Any]:
    return {"conversation": talk.conversation, "start": dict(talk.start), "answers": [list(a) for a in talk.answers]}


def show(db: Connection, contact_id: int, buttons: Sequence[Mapping[str, Any]], *, at: datetime) -> None:
    """Remember the buttons of a notice, unless she is in the middle of a talk."""
    if load(db, [contact_id]).get(contact_id, Session(contact_id)).talk is None:
        save(db, [Session(contact_id, shown=tuple(buttons))], at=at)


def forget_talks(db: Connection, conversation: str, *, untouched_since: datetime) -> int:
    """Leave the talks of one kind, open or parked, in sessions that rest since an instant; return how many."""
    named = cast(session.c.parked, Text).contains(f'"conversation":"{conversation}"', autoescape=True)
    kind = or_(session.c.talk["conversation"].as_string() == conversation, named)
    rows = db.execute(select(session).where(session.c.updated_at < untouched_since, kind)).all()
    for each in map(_session, rows):
        talk = None if each.talk and each.talk.conversation == conversation else each.talk
        parked = tuple(one for one in each.parked if one.conversation != conversation)
        save(db, [replace(each, talk=talk, parked=parked, shown=())], at=each.updated_at or untouched_since)
    return len(rows)


def forget(db: Connection, contact_id: int) -> None:
    """Leave all talks of a contact."""
    nothing = {"talk": null(), "parked": null(), "shown": null()}
    db.execute(update(session).where(session.c.contact_id == contact_id).values(**nothing))
