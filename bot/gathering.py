"""Gather what one turn works on: a row with the other parts of its album, and with the edits that came meanwhile.

An album (several photos sent at once) reaches us as a row for each photo; its open rows are one message. An edited
message reaches us as a row of its own that names the first one: while that one waits, the edited text counts in its
place; once it was worked on, `bot/amends.py` decides. Everything here reads and nothing writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from storage import inbox
from storage.database import Connection
from storage.inbox import Taken, Waiting

EDITED_AT = "edited_at"
"""In the body of a row: when the text in it was written, if an edit took the first one's place."""

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """What one turn works on. `row` holds the body that counts.

    `ids` are the rows that are done with it, its own first. `edited` are bodies to keep with rows since an edit took
    their place. `follows` are earlier rows of its album, in order, when it comes late. `original` is the message it
    puts right; with `says_nothing` there is nothing in the edit that was not worked on already. `stands_for` is the key
    of a message it puts right that never came: it is that message, should the first one come after all.
    """

    row: Waiting
    ids: tuple[int, ...]
    edited: Mapping[int, Body] = field(default_factory=dict)
    follows: tuple[int, ...] = ()
    original: Original | None = None
    says_nothing: bool = False
    stands_for: str | None = None


@dataclass(frozen=True, slots=True)
class Original:
    """A message that an edit puts right. `ids` holds its row, and those of its album if it is part of one."""

    id: int
    ids: tuple[int, ...]
    state: str
    text: str | None  # as it counted until now; None where it was blanked
    sent_at: datetime
    restricted: bool


def alone(row: Waiting) -> Message:
    """Return a row as a message of its own."""
    return Message(row, (row.id,))


def gather(db: Connection, rows: Sequence[Waiting]) -> list[Message]:
    """Return the message of each row, in the same order."""
    near = _Near.read(db, rows)
    return [_message(row, near) for row in rows]


@dataclass(frozen=True)
class _Near:
    """Rows that belong with those of a batch."""

    albums: Mapping[tuple[int, str], Sequence[Taken]]
    edits: Mapping[tuple[str, str], Sequence[Taken]]  # by channel and key of what they put right, the latest last
    originals: Mapping[tuple[str, str], Taken]

    @classmethod
    def read(cls, db: Connection, rows: Sequence[Waiting]) -> _Near:
        names = [(row.channel, str(key)) for row in rows if (key := row.body.get("edits"))]
        originals = inbox.by_keys(db, names) if names else {}
        near: list[Waiting | Taken] = [*rows, *originals.values()]
        wanted = [(row.address_id, row.album) for row in near if row.album is not None]
        busy = [row.address_id for row in rows if row.behind]
        albums: dict[tuple[int, str], list[Taken]] = {}
        for part in inbox.of_albums(db, wanted) if wanted else ():
            albums.setdefault((part.address_id, str(part.album)), []).append(part)
        edits: dict[tuple[str, str], list[Taken]] = {}
        for edit in inbox.open_edits(db, busy) if busy else ():
            edits.setdefault((edit.channel, str((edit.body or {})["edits"])), []).append(edit)
        return cls(albums, edits, originals)

    def album_of(self, row: Waiting | Taken) -> Sequence[Taken]:
        """All rows of its album, oldest first; empty where it is part of none."""
        return () if row.album is None else self.albums.get((row.address_id, row.album), ())

    def latest_edit(self, row: Waiting | Taken) -> Taken | None:
        """The newest edit of a row that still waits."""
        found = [each for each in self.edits.get((row.channel, row.key), ()) if each.contact_id == row.contact_id]
        return found[-1] if found else None


def _message(row: Waiting, near: _Near) -> Message:
    key = str(row.body.get("edits") or "")
    original = near.originals.get((row.channel, key)) if key else None
    if original is not None and original.contact_id != row.contact_id:
        original = None
    if original is not None and original.state != "open":
        return _edit(row, original, near)
    if original is not None:
        # It overtook the message it puts right: that one is worked on now, as edited.
        first = _whole(_in_turn(original, row), near)
        return replace(first, ids=tuple(dict.fromkeys((*first.ids, row.id))))
    if key:
        body = {name: value for name, value in row.body.items() if name != "edits"}
        body[EDITED_AT] = row.sent_at.isoformat()
        return Message(replace(row, body=body), (row.id,), {row.id: body}, stands_for=key)
    return _whole(row, near)


def _in_turn(original: Taken, row: Waiting) -> Waiting:
    taken = {name: getattr(original, name) for name in ("id", "key", "body", "sent_at", "album")}
    return replace(row, **taken | {"body": taken["body"] or {}})


def _whole(row: Waiting, near: _Near) -> Message:
    parts = [part for part in near.album_of(row) if part.state == "open" and part.id != row.id]
    bodies, edited = _counted([(row.id, row, row.body), *((each.id, each, each.body or {}) for each in parts)], near)
    return Message(
        replace(row, body=_together(row.body, bodies)),
        (row.id, *(part.id for part in parts)),
        edited,
        follows=tuple(part.id for part in near.album_of(row) if part.state == "done"),
    )


def _counted(
    parts: Iterable[tuple[int, Waiting | Taken, Body]], near: _Near
) -> tuple[Sequence[Body], Mapping[int, Body]]:
    """The bodies of rows with their latest edits in place, and those of them that changed."""
    bodies: list[Body] = []
    edited: dict[int, Body] = {}
    for number, row, body in parts:
        edit = near.latest_edit(row)
        if edit is not None:
            body = edited[number] = edited_body(body, edit.body or {}, edit.sent_at)
        bodies.append(body)
    return bodies, edited


def edited_body(body: Body, edit: Body, edited_at: datetime) -> Body:
    """Return the body of a message with what an edit of it says in place of what stood there."""
    said = {name: edit[name] for name in ("text", "attachments", "unread") if edit.get(name)}
    return {**body, "text": "", **said, EDITED_AT: edited_at.isoformat()}


def _together(first: Body, bodies: Sequence[Body]) -> Body:
    """One body for all parts: their texts, their photos in order, what of them cannot be read."""
    if len(bodies) == 1:
        return bodies[0]
    texts = [text for body in bodies if (text := str(body.get("text") or "").strip())]
    unread = next((body["unread"] for body in bodies if body.get("unread")), None)
    attachments = [each for body in bodies for each in body.get("attachments") or ()]
    return {**first, "text": "\n".join(texts), "attachments": attachments, "unread": unread}


def _edit(row: Waiting, original: Taken, near: _Near) -> Message:
    """An edit of a message that was worked on: it counts if it is the latest and says something else."""
    album = near.album_of(original)
    body = original.body
    told = Original(
        id=original.id,
        ids=tuple(dict.fromkeys((original.id, *(part.id for part in album)))),
        state=original.state,
        text=None if body is None else str(body.get("text") or ""),
        sent_at=original.sent_at,
        restricted=original.restricted,
    )
    counts = None if body is None else edited_body(body, row.body, row.sent_at)
    same = body is not None and counts is not None and _says(counts) == _says(body)
    nothing = same or _is_overtaken(row, original, near)
    edited: dict[int, Body] = {} if nothing or counts is None else {original.id: counts}
    return Message(row, (row.id,), edited, original=told, says_nothing=nothing)


def _is_overtaken(row: Waiting, original: Taken, near: _Near) -> bool:
    latest = near.latest_edit(original)
    if latest is not None and latest.id != row.id:
        return True
    worked_on = (original.body or {}).get(EDITED_AT)
    return worked_on is not None and datetime.fromisoformat(worked_on) > row.sent_at


def _says(body: Body) -> tuple[str, list[str]]:
    return str(body.get("text") or "").strip(), [each["sha256"] for each in body.get("attachments") or ()]
