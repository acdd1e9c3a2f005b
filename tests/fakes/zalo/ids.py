"""Names of things as the platform writes them: opaque, 20 hexadecimal digits; the ledger counts in numbers."""

from __future__ import annotations

import hashlib


def id_of(number: int, kind: str = "person") -> str:
    """Return the id of a person, a group or a message by a number of the tests."""
    return hashlib.sha256(f"{kind} {number}".encode()).hexdigest()[:20]


def number_of(external_id: str) -> int:
    """Return the number under which the ledger keeps a chat."""
    return int(hashlib.sha256(external_id.encode()).hexdigest()[:15], 16)
