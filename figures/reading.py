"""Read one message into the JSON contract of `lantoa understand`: its intent, its figures, and what to ask first.

Deterministic, no history: the same text, time, level and catalogue give the same reading. Never raises on any text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

from figures.catalogue import Catalogue
from figures.draft import Draft, Place
from figures.emergency import is_emergency
from figures.intents import NIL, NONE_OF_IT, NOT, TALK, intent_of
from figures.members import read_member
from figures.reading_types import Ask, Reading, Record
from figures.records import build
from figures.scan import Scan, scan
from figures.when import told_dates
from vietnamese.fold import align, fold
from vietnamese.keyboards import plain_letters

__all__ = ["MAX_CHARS", "Ask", "Reading", "Record", "is_emergency", "read"]

MAX_CHARS = 5_000
_VIETNAM = timezone(timedelta(hours=7))
_OLD_AFTER = re.compile(
    rf"(?:\bchu {NOT} phai(?: la)?|\bthay vi|\bchu {NOT}|\b{NOT} phai(?: la)?|\bnham (?:thanh|la)"
    r"|\b(?:bao|ghi) nham(?: la| thanh)?|\btu)\D{0,12}?(\d+)\b"
)
_OLD_BEFORE = re.compile(r"\bsua\D{0,20}?(\d+)\D{0,12}? thanh\b|\b(\d+)\D{0,12}? (?:la nham|bi nham|nham roi|la sai)\b")


def read(
    text: str, *, at: datetime, sender_level: str, catalogue: Catalogue, place_names: Sequence[str] = ()
) -> Reading:
    """Return what a message says. `at` is the aware instant it was received; days are counted in Vietnam (UTC+7).

    `sender_level` is a level code of the catalogue; `place_names` are units a record may be placed in, as written.
    Only the first 5,000 characters are read.
    """
    today = at.astimezone(_VIETNAM).date()
    topic = is_emergency(text)
    if topic:
        return Reading("emergency", topic=topic, restricted=True)
    aligned, keyboard = plain_letters(align(text[:MAX_CHARS]))
    folded = " ".join(aligned.text.split())
    intent = intent_of(folded)
    if intent == "delete":
        return Reading("delete", confirm=True, asks=(Ask("which_report"),), target="last")
    if intent == "opinion":
        return Reading("opinion", restricted=True)
    if intent == "register_member":
        member = read_member(text[:MAX_CHARS], aligned)
        return Reading("register_member", confirm=True, asks=_member_asks(member), member=member)
    found = scan(aligned, today, catalogue)
    if intent == "query":
        return _query(found)
    draft = _draft(found, catalogue, today, sender_level, place_names)
    if keyboard:
        draft.asks.append(Ask("keyboard"))
    return _figures(draft, folded, intent, today)


def _draft(found: Scan, catalogue: Catalogue, today: date, level: str, place_names: Sequence[str]) -> Draft:
    told = told_dates(found, today, catalogue.default_periods.get(level, "day"))
    return build(found, catalogue, told, level, _places(found, place_names))


def _places(found: Scan, names: Sequence[str]) -> tuple[Place, ...]:
    places = []
    for name in names:
        key = fold(name)
        offset = found.text.text.find(key) if key else -1
        if offset >= 0:
            at = sum(token.start < offset for token in found.tokens)
            places.append(Place(at, name))
    return tuple(sorted(places, key=lambda place: place.at))


def _member_asks(member: dict[str, str | int]) -> tuple[Ask, ...]:
    birth = () if "birth" in member else (Ask("full_birth_date"),)
    return (*birth, Ask("consent"))


def _query(found: Scan) -> Reading:
    query: dict[str, str] = {}
    if found.mentions:
        query["indicator"] = found.mentions[0].codes[0]
    label = next((said.label for _, said in found.dates if said.label), None)
    if label:
        query["period"] = label
    if found.quantities and found.mentions:
        return Reading("query", query=query, confirm=True, asks=(Ask("question_or_report"),))
    return Reading("query", query=query)


def _figures(draft: Draft, folded: str, intent: str | None, today: date) -> Reading:
    records = tuple(record for _, record in draft.rows)
    if intent == "correct":
        return _correction(draft, records, folded)
    if not records and not draft.sorted.doubtful and NIL.search(folded) and not draft.found.quantities:
        return Reading("nil_report", period=_nil_period(draft.found, today))
    asks = tuple({str(ask): ask for ask in draft.asks}.values())
    if not records and not asks and draft.found.mentions and NONE_OF_IT.search(folded):
        return Reading("report", confirm=True, asks=(Ask("zero"),))
    if not records and (TALK.search(folded) or not _is_about_figures(draft)):
        return Reading("other")
    return Reading("report", records, bool(asks), asks, draft.derived)


def _is_about_figures(draft: Draft) -> bool:
    """Tell whether a message without records still reports something: an unclear number of things, or beside a deed."""
    if not draft.asks:
        return False
    counted = any("unit" in ask.values for ask in draft.asks)
    return counted or bool(draft.found.mentions) or any(name == "deed" for _, _, name in draft.found.cues)


def _nil_period(found: Scan, today: date) -> str:
    label = next((said.label for _, said in found.dates if said.label), None)
    return label or f"{today:%Y-%m}"


def _correction(draft: Draft, records: tuple[Record, ...], folded: str) -> Reading:
    """Tell the right number from the wrong one: "5 chứ không phải 3", "3 nhầm, 5 mới đúng", "sửa 3 thành 5"."""
    old = _old_value(folded)
    asks = {
        str(ask): ask
        for ask in draft.asks
        if old is None or (ask.key != "same_twice" and str(old) != ask.values.get("value"))
    }
    kept = [record for record in records if old is None or record.value != old]
    if old is not None and len(kept) == 1:
        kept = [replace(kept[0], replaces=old)]
    elif old is not None and not kept and records:
        new = [q.number.value for q in draft.found.quantities if q.number.value not in {None, old}]
        value = new[0] if len(new) == 1 else None
        if isinstance(value, int):
            kept = [replace(records[0], value=value, replaces=old)]
            asks = {key: ask for key, ask in asks.items() if ask.values.get("value") != str(value)}
    if len(kept) != 1:
        asks["which_figure"] = Ask("which_figure")
    return Reading("correct", tuple(kept), bool(asks), tuple(asks.values()), draft.derived)


def _old_value(folded: str) -> int | None:
    match = _OLD_AFTER.search(folded) or _OLD_BEFORE.search(folded)
    if not match:
        return None
    digits = next(group for group in match.groups() if group)
    return int(digits) if len(digits) <= 12 else None
