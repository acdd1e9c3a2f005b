"""Tokens that a platform rotates: each pair comes from one call with the refresh token before it, never from two.

A call is begun in the database before it leaves. What was begun and not ended is either under way, or was cut off; only
whoever finds out that it never took effect may let go of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from storage.schema import rotating_token as table
from storage.sealing import Place, Sealer

REFRESH, ACCESS = "refresh_sealed", "access_sealed"


@dataclass(frozen=True, slots=True)
class Pair:
    """What a call returned. `access` holds until `expires_at`, `refresh` for one call."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """The pair in force. `access` is None before the first call; `lost` says why there will be no next pair."""

    channel: str
    uid: str
    version: int
    access: str | None = field(repr=False)
    refresh: str = field(repr=False)
    refreshed_at: datetime | None
    expires_at: datetime | None
    begun_at: datetime | None
    begun_by: str | None
    lost: str | None


def plant(db: Connection, sealer: Sealer, channel: str, seed: str) -> None:
    """Begin with the configured refresh token, unless what is stored came from it."""
    digest = sealer.digest(seed)
    known = db.execute(select(table.c.seed).where(table.c.channel == channel)).scalar_one_or_none()
    if known == digest:
        return
    db.execute(delete(table).where(table.c.channel == channel))
    uid = uuid4().hex
    sealed = sealer.seal(seed, Place(table.name, REFRESH, uid))
    db.execute(insert(table).values(channel=channel, uid=uid, version=0, seed=digest, refresh_sealed=sealed))


def get(db: Connection, sealer: Sealer, channel: str) -> Token | None:
    """Return the pair in force; None if nothing was planted."""
    row = db.execute(select(table).where(table.c.channel == channel)).mappings().one_or_none()
    if row is None:
        return None
    opened = {
        column: sealer.open(row[column], Place(table.name, column, row["uid"])) if row[column] is not None else None
        for column in (ACCESS, REFRESH)
    }
    kept = {name: row[name] for name in ("channel", "uid", "version", "refreshed_at", "expires_at")}
    state = {name: row[name] for name in ("begun_at", "begun_by", "lost")}
    return Token(access=opened[ACCESS], refresh=opened[REFRESH] or "", **kept, **state)


def begin(db: Connection, token: Token, owner: str, *, at: datetime) -> bool:
    """Note that `owner` is about to call for the next pair; False if somebody else is, or was cut off at it."""
    free = (table.c.begun_at.is_(None)) & (table.c.lost.is_(None))
    values = {"begun_at": at, "begun_by": owner}
    return db.execute(update(table).where(_is(token) & free).values(**values)).rowcount == 1


def keep(db: Connection, sealer: Sealer, token: Token, owner: str, *, pair: Pair, at: datetime) -> bool:
    """Keep the pair that `owner` called for with this token; False if it was not the one who had begun."""
    access = sealer.seal(pair.access, Place(table.name, ACCESS, token.uid))
    refresh = sealer.seal(pair.refresh, Place(table.name, REFRESH, token.uid))
    kept = update(table).where(_is(token) & (table.c.begun_by == owner))
    values = {"access_sealed": access, "refresh_sealed": refresh, "refreshed_at": at, "expires_at": pair.expires_at}
    ended = {"version": token.version + 1, "begun_at": None, "begun_by": None}
    return db.execute(kept.values(**values, **ended)).rowcount == 1


def let_go(db: Connection, token: Token, begun_by: str | None) -> bool:
    """Note that what `begun_by` had begun never took effect: the refresh token is unused."""
    begun = update(table).where(_is(token) & (table.c.begun_by == begun_by))
    return db.execute(begun.values(begun_at=None, begun_by=None)).rowcount == 1


def lose(db: Connection, token: Token, reason: str) -> bool:
    """Note that there will be no next pair; False if that is known, or there is one already."""
    last = update(table).where(_is(token) & table.c.lost.is_(None))
    return db.execute(last.values(lost=reason)).rowcount == 1


def _is(token: Token) -> ColumnElement[bool]:
    return (table.c.channel == token.channel) & (table.c.uid == token.uid) & (table.c.version == token.version)
