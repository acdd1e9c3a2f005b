"""Files people sent with their reports. The bytes lie in the data folder under their SHA-256 names, never here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, case, cast, literal_column, or_, select, update

from storage.schema import attachment, inbox, remote_file, session

TRIES = 5
"""A file that could not be made safe so often is refused."""


@dataclass(frozen=True, slots=True)
class Received:
    """A file still to be made safe: re-encoded without metadata. `lost` says why its platform could not give it."""

    id: int
    received_sha256: str
    attempts: int
    contact_id: int | None
    lost: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A file made safe. `sha256` names what is shown; width and height in pixels."""

    id: int
    sha256: str
    width: int
    height: int
    size_bytes: int


def receive(
    db: Connection, received: Iterable[str], *, contact_id: int, report_id: int | None = None, at: datetime
) -> list[int]:
    """Insert a row for each file by its SHA-256, repeats once, and return the ids. A report gets no file twice.

    A file that was made safe before is kept at once: its received bytes may be gone.
    """
    names = [name for name in dict.fromkeys(received) if name not in _names_of(db, report_id)]
    values = {"contact_id": contact_id, "report_id": report_id, "created_at": at}
    return [_insert(db, name, {**values, **_settled_before(db, name)}) for name in names]


def _insert(db: Connection, name: str, values: Mapping[str, Any]) -> int:
    row = attachment.insert().values(received_sha256=name, **values).returning(attachment.c.id)
    return int(db.execute(row).scalar_one())


def _settled_before(db: Connection, name: str) -> dict[str, Any]:
    copy = safe_copy(db, name)
    if copy is None:
        return {"state": "received"}
    return {"state": "kept"} | {field: getattr(copy, field) for field in _SAFE}


_SAFE = ("sha256", "width", "height", "size_bytes")


def _names_of(db: Connection, report_id: int | None) -> set[str]:
    if report_id is None:
        return set()
    return set(db.scalars(select(attachment.c.received_sha256).where(attachment.c.report_id == report_id)))


def waiting(db: Connection, *, most: int) -> list[Received]:
    """Return files still to be made safe or refused, oldest first; not those that lie with their platform still."""
    there = remote_file.c.state
    query = (
        select(
            attachment.c.id,
            attachment.c.received_sha256,
            attachment.c.attempts,
            attachment.c.contact_id,
            case((there == "lost", remote_file.c.reason)).label("lost"),
        )
        .outerjoin(remote_file, remote_file.c.name == attachment.c.received_sha256)
        .where(_RECEIVED, or_(there.is_(None), there != "waiting"))
        .order_by(attachment.c.id)
        .limit(most)
    )
    return [Received(*row) for row in db.execute(query)]


# Written out, not bound: SQLite uses a partial index only where the query repeats its condition.
_RECEIVED: ColumnElement[bool] = attachment.c.state == literal_column("'received'")


def is_settled(db: Connection, attachment_id: int) -> bool:
    """Tell whether a file was kept or refused; until then nobody can be shown it."""
    state = db.scalar(select(attachment.c.state).where(attachment.c.id == attachment_id))
    return state in ("kept", "refused")


def unneeded(db: Connection, names: Collection[str]) -> set[str]:
    """Return which of these received names nothing speaks of: no file to be made safe, no talk, no waiting message.

    Reads all talks with photos in them: for once in a while, and for files that lie there for days.
    """
    left = set(names) - set(db.scalars(select(attachment.c.received_sha256).where(_RECEIVED)))
    if not left:
        return left
    talks = cast(session.c.talk, Text), cast(session.c.parked, Text)
    with_photos = or_(*(text.contains("photo") for text in talks))
    spoken = [text for row in db.execute(select(*talks).where(with_photos)) for text in row if text]
    open_ones = inbox.c.state.in_([literal_column("'open'"), literal_column("'dead'")])
    spoken += [text for text in db.scalars(select(cast(inbox.c.body, Text)).where(open_ones)) if text]
    return {name for name in left if not any(name in text for text in spoken)}


def count_attempt(db: Connection, attachment_id: int) -> None:
    """Count a try before it begins, so that a file that kills the helper is known by it."""
    row = update(attachment).where(attachment.c.id == attachment_id)
    db.execute(row.values(attempts=attachment.c.attempts + 1))


def keep(db: Connection, kept: Kept) -> bool:
    """Record the safe copy of a file, wherever else it was sent too; False if it was settled already."""
    return _settle(db, kept.id, state="kept", **{field: getattr(kept, field) for field in _SAFE})


def refuse(db: Connection, attachment_id: int, reason: str) -> bool:
    """Record that a file cannot be taken, with the wording key of the reason; False if it was settled already."""
    return _settle(db, attachment_id, state="refused", reason=reason)


def _settle(db: Connection, attachment_id: int, **values: Any) -> bool:
    """Settle all rows of the same bytes: they are re-encoded once and then thrown away."""
    same = select(attachment.c.received_sha256).where(attachment.c.id == attachment_id).scalar_subquery()
    row = update(attachment).where(attachment.c.received_sha256 == same, attachment.c.state == "received")
    return db.execute(row.values(**values)).rowcount > 0


def safe_copy(db: Connection, sha256: str) -> Kept | None:
    """Return the safe copy of a file by the name it was received or is kept under, or None if there is none yet."""
    columns = (attachment.c[name] for name in Kept.__dataclass_fields__)
    named = or_(attachment.c.received_sha256 == sha256, attachment.c.sha256 == sha256)
    query = select(*columns).where(named, attachment.c.state == "kept").order_by(attachment.c.id).limit(1)
    row = db.execute(query).first()
    return None if row is None else Kept(*row)


def of_report(db: Connection, report_id: int, *, most: int) -> list[str]:
    """Return the received names of a report's files that were not refused, oldest first."""
    query = (
        select(attachment.c.received_sha256)
        .where(attachment.c.report_id == report_id, attachment.c.state != "refused")
        .order_by(attachment.c.id)
        .limit(most)
    )
    return list(db.scalars(query))


def all_names(db: Connection) -> list[tuple[int, str, str | None]]:
    """Return (id, received name, safe name) of every file that should lie in the folder, for verification."""
    query = select(attachment.c.id, attachment.c.received_sha256, attachment.c.sha256)
    return [
        (row.id, row.received_sha256, row.sha256) for row in db.execute(query.where(attachment.c.state != "refused"))
    ]
