"""What a message is read as (`figures/reading.py`), as start facts of the talks about reports: plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from dialogue.messages import Inbound, Json
from figures.catalogue import Catalogue
from figures.intents import NOT_A_COUNT
from figures.reading import Reading, read
from handlers.context import Context
from handlers.report_records import MOST_RECORDS, added_photos, has_value
from vietnamese.fold import fold

REPORTING = frozenset({"report", "correct"})


@dataclass(frozen=True, slots=True, eq=False)
class _Message:
    """A message to read. Equal ones are read once, though several talks ask what it is."""

    text: str
    at: datetime
    level: str
    catalogue: Catalogue

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Message) and self._told() == other._told() and self.catalogue is other.catalogue

    def __hash__(self) -> int:
        return hash(self._told())

    def _told(self) -> tuple[str, datetime, str]:
        return self.text, self.at, self.level


@lru_cache(maxsize=32)
def _read(message: _Message) -> Reading:
    return read(message.text, at=message.at, sender_level=message.level, catalogue=message.catalogue)


def _reading(text: str, context: Context) -> Reading:
    posts = context.posts_that("report") or context.posts
    level = posts[0].level if posts else context.content.catalogue.levels[0]
    return _read(_Message(text, context.now, level, context.content.catalogue))


def read_report(inbound: Inbound, context: Context) -> Mapping[str, Json] | None:
    """Return the figures and questions of a report or correction, with its photos and text; None if it is neither."""
    reading = _reading(inbound.text, context)
    if reading.intent not in REPORTING:
        return None
    start: dict[str, Json] = {**said_in(reading), "text": inbound.text}
    if inbound.attachments:
        start["photos"] = added_photos((), inbound.attachments)
    if reading.intent == "correct":
        start["corrects"] = True
    return start


def said_in(reading: Reading) -> dict[str, Any]:
    """Return records and questions of a reading as JSON."""
    records = [record.as_json() for record in reading.records]
    asks = [{"key": ask.key, "values": dict(ask.values)} for ask in reading.asks]
    return {"records": [record for record in records if has_value(record)][:MOST_RECORDS], "asks": asks}


def said(text: str, context: Context) -> dict[str, Any]:
    """Return records and questions of a text she types in the middle of a report; both empty if it tells no figures."""
    reading = _reading(text, context)
    return said_in(reading) if reading.intent in REPORTING else {"records": [], "asks": []}


def nil_period(inbound: Inbound, context: Context) -> str | None:
    """Return the period of a message that says there is nothing to report, else None."""
    reading = _reading(inbound.text, context)
    return reading.period if reading.intent == "nil_report" else None


def is_withdrawal(inbound: Inbound, context: Context) -> bool:
    """Tell whether the message asks to delete or take back a report."""
    return _reading(inbound.text, context).intent == "delete"


def is_opinion(inbound: Inbound, context: Context) -> bool:
    """Tell whether the message passes on what people say and worry about."""
    return _reading(inbound.text, context).intent == "opinion"


def question_of(inbound: Inbound, context: Context) -> Mapping[str, Json] | None:
    """Return indicator and period of a question for figures, else None."""
    reading = _reading(inbound.text, context)
    known = reading.intent == "query" and reading.query.get("indicator") in context.content.catalogue
    known = known and not NOT_A_COUNT.search(fold(inbound.text))
    return {name: value for name, value in reading.query.items() if value} if known else None
