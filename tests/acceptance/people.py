"""Put heads of chi hội into a demonstration database, each with a phone of her own."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from storage import appointments, contacts, units
from storage.database import Connection
from storage.sites import Place, passing_engine

SINCE = date(2025, 7, 1)


@dataclass
class Head:
    """A head with a logged-in browser. `promised` grows with every receipt she has seen."""

    contact_id: int
    cookies: dict[str, str]
    external_id: str
    first_number: int
    chat: int = 0
    promised: list[int] = field(default_factory=list)


def appoint_heads(
    place: Place, count: int, *, channel: str = "web_chat", first_chat: int = 0, address: Callable[[int], str] = str
) -> list[Head]:
    """Appoint `count` heads in làng Bối and return them; the program must not be running.

    On another channel than the web chat they have the `address` of the numbers from `first_chat` on, and are deputies.
    """
    with passing_engine(place) as engine, engine.begin() as db:
        village = units.search(db, "làng Bối", datetime.now(UTC).date())[0]
        if first_chat:
            numbers = range(first_chat, first_chat + count)
            heads = [_appoint_there(db, village.id, channel, each, address(each)) for each in numbers]
        else:
            heads = [_appoint(db, village.id, number) for number in range(count)]
    return heads


def _appoint(db: Connection, unit_id: int, number: int) -> Head:
    now = datetime.now(UTC)
    cookie = secrets.token_hex(32)
    external_id = hashlib.sha256(cookie.encode()).hexdigest()
    contact_id = contacts.create(db, at=now, language="vi", name=f"Người thử {number}")
    contacts.add_address(db, contact_id, "web_chat", external_id, at=now)
    appointments.appoint(db, contact_id, unit_id, "chi_hoi_truong", since=SINCE)
    return Head(contact_id, {"lantoa_visitor": cookie}, external_id, first_number=100 + number)


def _appoint_there(db: Connection, unit_id: int, channel: str, chat: int, external_id: str) -> Head:
    now = datetime.now(UTC)
    contact_id = contacts.create(db, at=now, language="vi", name=f"Người thử {chat}")
    contacts.add_address(db, contact_id, channel, external_id, at=now)
    appointments.appoint(db, contact_id, unit_id, "chi_hoi_pho", since=SINCE)
    return Head(contact_id, {}, external_id, first_number=100 + chat % 1000, chat=chat)
