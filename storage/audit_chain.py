"""Chain the rows of the audit trail, so that none can be changed, removed or put in between unseen.

Each link is a keyed digest over the row and the link before it. Rows are chained some seconds after they were added;
a chain alone does not show a cut end, so the newest link is also worth keeping elsewhere (`head`).
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, select, update

from storage.schema import audit

MOST = 1000
_FIRST = b"lantoa audit"


def seal(db: Connection, key: bytes, *, most: int = MOST) -> int:
    """Chain up to `most` rows that are not yet, in the order of their ids, and return how many were."""
    link = head(db) or _FIRST
    rows = db.execute(select(audit).where(audit.c.chain.is_(None)).order_by(audit.c.id).limit(most)).all()
    for row in rows:
        link = _link(key, link, row)
        db.execute(update(audit).where(audit.c.id == row.id).values(chain=link))
    return len(rows)


def head(db: Connection) -> bytes | None:
    """Return the newest link, None while there is none."""
    newest = select(audit.c.chain).where(audit.c.chain.is_not(None)).order_by(audit.c.id.desc()).limit(1)
    link: bytes | None = db.scalar(newest)
    return link


def broken_at(db: Connection, key: bytes) -> int | None:
    """Return the id of the first row whose link does not fit, None if the whole chain does."""
    link = _FIRST
    for row in _in_order(db):
        if row.chain is None:
            return _chained_after(db, row.id)
        link = _link(key, link, row)
        if not hmac.compare_digest(link, row.chain):
            return int(row.id)
    return None


def _in_order(db: Connection) -> Iterator[Row[Any]]:
    yield from db.execution_options(yield_per=MOST).execute(select(audit).order_by(audit.c.id))


def _chained_after(db: Connection, row_id: int) -> int | None:
    """A row without a link is new; nothing after it may have one."""
    later = select(audit.c.id).where(audit.c.id > row_id, audit.c.chain.is_not(None)).order_by(audit.c.id)
    return db.scalar(later.limit(1))


def _link(key: bytes, before: bytes, row: Row[Any]) -> bytes:
    said = [
        row.id,
        row.at.isoformat(),
        row.actor_id,
        row.channel,
        row.act,
        row.subject,
        row.before_digest.hex() if row.before_digest is not None else None,
        row.after_digest.hex() if row.after_digest is not None else None,
    ]
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    return hmac.digest(key, before + text, "sha256")
