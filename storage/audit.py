"""The audit trail: who did what to whom and when, with keyed digests instead of the values themselves.

Rows are only ever added. The chain over them is sealed by a job of its own.
"""

from __future__ import annotations

import hmac
import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from storage.schema import audit


def record(
    db: Connection,
    *,
    at: datetime,
    actor_id: int | None,
    channel: str | None,
    act: str,
    subject: str,
    before: Any = None,
    after: Any = None,
    key: bytes,
) -> int:
    """Add a row in the transaction of the act itself and return its id.

    `act` is noun.verb (`application.admitted`), `subject` what it was done to (`application:DK-4T9P`).
    `before` and `after` are JSON values; only their keyed digests are kept, so erasing a person later
    does not break the trail.
    """
    values = {
        "at": at,
        "actor_id": actor_id,
        "channel": channel,
        "act": act,
        "subject": subject,
        "before_digest": _digest(before, key),
        "after_digest": _digest(after, key),
    }
    return int(db.execute(audit.insert().values(**values).returning(audit.c.id)).scalar_one())


def actors_of(db: Connection, subject: str) -> list[int]:
    """Return the contacts who did or saw anything of `subject`."""
    query = select(audit.c.actor_id).where(audit.c.subject == subject, audit.c.actor_id.is_not(None)).distinct()
    return [int(actor) for actor in db.scalars(query) if actor is not None]


def _digest(value: Any, key: bytes) -> bytes | None:
    if value is None:
        return None
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hmac.digest(key, text.encode(), "sha256")
