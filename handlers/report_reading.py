"""What a message is read as (`figures/reading.py`), as start facts of the talks about reports: plain JSON."""

from __future__ import annotations

import re
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
from handlers.report_answers import after_verb, words_of
from handlers.report_records import MOST_RECORDS, added_photos, has_value, without_span
from storage import reports
from vietnamese.dates import find_dates
from vietnamese.fold import align, fold

REPORTING = frozenset({"report", "correct"})

AT_THE_CARD = frozenset({"outlier", "which_figure", "which_report"})
"""Settled elsewhere: an unusual value is asked for whenever it changes, figures are picked at the card."""


@dataclass(frozen=True, slots=True, eq=False)
class _Message:
    """A message to read. Equal ones are read once, though several talks ask what it is."""

    text: str
    at: datetime
    level: str
    catalogue: Catalogue
    places: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Message) and self._told() == other._told() and self.catalogue is other.catalogue

    def __hash__(self) -> int:
        return hash(self._told())

    def _told(self) -> tuple[object, ...]:
        return self.text, self.at, self.level, self.places


@lru_cache(maxsize=32)
def _read(message: _Message) -> Reading:
    return read(
        message.text,
        at=message.at,
        sender_level=message.level,
        catalogue=message.catalogue,
        place_names=message.places,
    )


def _reading(text: str, context: Context) -> Reading:
    return read_with(text, context, ())


_CODE = re.compile(rf"\b({reports.PREFIX})(-\w+)", re.IGNORECASE)


def read_with(text: str, context: Context, places: tuple[str, ...]) -> Reading:
    """Return what a text of hers says; `places` are the places it names, as typed there.

    The letters of a report's code are none of its figures; every other letter keeps its place.
    """
    text = _CODE.sub(lambda code: code[1] + " " * len(code[2]), text)
    posts = context.posts_that("report") or context.posts
    level = posts[0].level if posts else context.content.catalogue.levels[0]
    return _read(_Message(text, context.now, level, context.content.catalogue, places))


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
    """Return records and questions of a reading as JSON; each record with the `span` of its words in the text."""
    records = [{**record.as_json(), "span": list(record.span)} for record in reading.records]
    asks = [{"key": ask.key, "values": dict(ask.values)} for ask in reading.asks]
    return {"records": [record for record in records if has_value(record)][:MOST_RECORDS], "asks": asks}


def said(text: str, context: Context) -> dict[str, Any]:
    """Return records and questions of a text she types in the middle of a report, and the text with its time.

    There are none if it tells no figures. Its words are not those of the message that opened the report. `more` marks
    "thêm 20 cây", which may add to a figure told before; `dated` a report that names its day: of another day it is
    another figure.
    """
    reading = _reading(text, context)
    told = said_in(reading) if reading.intent in REPORTING else {"records": [], "asks": []}
    records = [without_span(record) for record in told["records"]]
    marks = {
        "more": after_verb(text, context, "report.more.words") is not None,
        "dated": reading.intent == "report" and bool(find_dates(align(text), context.today)),
    }
    source = {"text": text, "at": context.now.isoformat()}
    return {
        "records": records,
        "asks": told["asks"],
        **source,
        **{name: True for name, is_so in marks.items() if is_so},
    }


def is_of_figures(text: str, context: Context) -> bool:
    """Tell whether a text may speak of figures or days at all: it is no question, opinion or call for help."""
    return _reading(text, context).intent in {*REPORTING, "other"}


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


def member_in(inbound: Inbound, context: Context) -> dict[str, Json] | None:
    """Return what a message tells of somebody who is to join (`figures/members.py`); None if it is no registration."""
    reading = _reading(inbound.text, context)
    return dict(reading.member) if reading.intent == "register_member" else None


def question_of(inbound: Inbound, context: Context) -> Mapping[str, Json] | None:
    """Return indicator and period of a question for figures, else None.

    `which` where it asks how many and not of what: "tháng này báo được bao nhiêu rồi".
    """
    reading = _reading(inbound.text, context)
    asked = fold(inbound.text)
    if reading.intent != "query" or NOT_A_COUNT.search(asked):
        return None
    told: dict[str, Json] = {name: value for name, value in reading.query.items() if value}
    if told.get("indicator") in context.content.catalogue:
        return told
    counts = any(f" {word} " in f" {asked} " for word in words_of(context, "results.how_many.words"))
    period = {"period": told["period"]} if "period" in told else {}
    return {**period, "which": True} if counts else None
