"""Read one message into the JSON contract of `lantoa understand`: its intent, its figures, and what to ask first.

Deterministic, no history: the same text, time, level and catalogue give the same reading. Never raises on any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta, timezone

from figures.catalogue import Catalogue
from figures.corrections import correction
from figures.draft import Draft, Place
from figures.emergency import is_emergency
from figures.intents import (
    ADMITTED,
    ANNOUNCED,
    ASKED,
    DONE,
    FORWARDED,
    GIVEN_THANKS,
    GREETED,
    LATER,
    MOOD,
    NIL,
    NONE_OF_IT,
    PRIVATE,
    REQUESTED,
    SEVERAL,
    intent_of,
    questions,
)
from figures.members import read_member
from figures.missed import beside_a_day, missed
from figures.reading_types import Ask, Reading, Record
from figures.records import build
from figures.scan import Scan, scan
from figures.when import told_dates
from vietnamese.dates import DateFound
from vietnamese.fold import Aligned, align, fold, one_line, parted, written_out
from vietnamese.keyboards import plain_letters, single_letters

__all__ = ["MAX_CHARS", "Ask", "Reading", "Record", "is_emergency", "read"]

MAX_CHARS = 5_000
_LEAST_VND = 10_000
_SHORT_WORDS = {"c": "chi", "e": "em", "ch": "chi hoi", "ms": "moi", "vs": "voi", "r": "roi"}
_NOON = 12
_TOLD = frozenset({"deed", "done", "target"})
_IN_THE_UNION = re.compile(
    r"\b(?:chi hoi|hoi vien|hv|to phu nu|bao cao|bc|cac chi|chi em|gay quy|quy hoi|ve chai|hoi phi)\b"
)
_SHARE = re.compile(r"\b(?:phan tram|t[iy] le)\b|%")
_VIETNAM = timezone(timedelta(hours=7))


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
    aligned = written_out(aligned, _SHORT_WORDS)
    aligned = parted(single_letters(aligned, catalogue.vocabulary.known), catalogue.vocabulary.joined)
    line = one_line(aligned)
    intent = intent_of(line)
    if intent == "delete":
        return Reading("delete", confirm=True, asks=(Ask("which_report"),), target="last")
    if intent == "opinion":
        return Reading("opinion", restricted=True)
    if intent == "register_member":
        member = read_member(text[:MAX_CHARS], aligned)
        return Reading("register_member", confirm=True, asks=_member_asks(member), member=member)
    found = scan(aligned, today, catalogue)

    def build_from(left: Scan) -> Draft:
        draft = _draft(left, catalogue, today, sender_level, place_names)
        if keyboard:
            draft.asks.append(Ask("keyboard"))
        return draft

    if intent == "correct":
        return correction(found, build_from)
    if intent is None and FORWARDED.search(line.text):
        return Reading("other")
    draft = build_from(found)
    if intent is None and _is_asked_of_others(line, [said for _, said in found.dates], at.astimezone(_VIETNAM)):
        return Reading("other")
    if intent == "query" and not _asks_back(draft, line):
        return _query(draft, line)
    return _figures(draft, line.text, today)


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


def _is_asked_of_others(line: Aligned, days: Iterable[DateFound], at: datetime) -> bool:
    """Tell whether it only asks others to do or to come to something, or tells an hour of today still to come."""
    later = LATER.search(line.text)
    if later:
        hour = int(later["hour1"] or later["hour2"])
        afternoon = (later["part1"] or later["part2"]) in {"chieu", "toi", "dem"} and hour < _NOON
        if hour + _NOON * afternoon > at.hour:
            return True
    asked = [match for match in REQUESTED.finditer(line.text) if not _is_house(match, line)]
    polite = all(match["particle"] for match in asked) and any(
        said.label and said.label < f"{at:%Y-%m-%d}" for said in days
    )
    return bool(asked) and not polite and not DONE.search(line.text)


def _is_house(match: re.Match[str], line: Aligned) -> bool:
    """Tell whether "nha các chị" is typed nhà các chị."""
    return bool(match["particle"]) and line.typed(*match.span("particle")) == "nhà"


def _asks_back(draft: Draft, line: Aligned) -> bool:
    """Tell whether figures are reported and the question is only about them: "hv mới 2, cây 30. Vậy được chưa chị?"."""
    return not ASKED.search(line.text) and bool(_outside_questions(draft, line))


def _outside_questions(draft: Draft, line: Aligned) -> list[Record]:
    """Return the figures that do not stand in a clause that asks."""
    asked = [_clause(line, match) for match in (*ASKED.finditer(line.text), *questions(line))]
    return [
        record
        for _, record in draft.rows
        if not any(start < record.span[1] and record.span[0] < end for start, end in asked)
    ]


def _clause(line: Aligned, match: re.Match[str]) -> tuple[int, int]:
    """Return the offsets in the original of the clause a match stands in."""
    starts = [line.text.rfind(sign, 0, max(match.start(), 0)) + 1 for sign in ",.;!?"]
    ends = [place for sign in ",.;!?" if (place := line.text.find(sign, match.end())) >= 0]
    return line.origins[max(starts)], line.origins[min(ends, default=len(line.text))]


def _query(draft: Draft, line: Aligned) -> Reading:
    found = draft.found
    query: dict[str, str] = {}
    if found.mentions:
        query["indicator"] = _asked(draft, found.mentions[0].codes[0], line)
    label = next((said.label for _, said in found.dates if said.label), None)
    if label:
        query["period"] = label
    unclear = _outside_questions(draft, line) if ASKED.search(line.text) else found.quantities and found.mentions
    if unclear:
        return Reading("query", query=query, confirm=True, asks=(Ask("question_or_report"),))
    return Reading("query", query=query)


def _asked(draft: Draft, code: str, line: Aligned) -> str:
    """Return the indicator asked for: of a part whose share is asked ("bao nhiêu phần trăm") the share."""
    shares = (each.code for each in draft.catalogue if each.kind == "ratio" and each.numerator == code)
    return next(shares, code) if _SHARE.search(line.text) else code


def _figures(draft: Draft, folded: str, today: date) -> Reading:
    records = tuple(record for _, record in draft.rows)
    if (
        all(_is_no_activity(record, draft) for record in records)
        and not draft.sorted.doubtful
        and NIL.search(folded)
        and not _counts(draft)
    ):
        return Reading("nil_report", period=_nil_period(draft.found, today))
    if PRIVATE.search(folded) and not _IN_THE_UNION.search(folded):
        return Reading("other")
    lost = () if _is_talk(draft, folded) else missed(draft)
    asks = tuple({str(ask): ask for ask in (*draft.asks, *lost)}.values())
    if not records and not asks and draft.found.mentions and NONE_OF_IT.search(folded):
        return Reading("report", confirm=True, asks=(Ask("zero"),))
    if not records and MOOD.search(folded):
        return Reading("opinion", restricted=True)
    if not records and not asks and draft.found.mentions and ADMITTED.search(folded) and not _is_talk(draft, folded):
        asks = () if draft.sorted.silent else (Ask("number", {"doubt": "vague"}),)
        return Reading("report" if asks else "other", confirm=bool(asks), asks=asks)
    if not records and (_is_talk(draft, folded) or not (lost or _is_about_figures(draft))):
        asks = () if _is_talk(draft, folded) else beside_a_day(draft)
        return Reading("report" if asks else "other", confirm=bool(asks), asks=asks)
    asks = asks or _unsure(draft, folded)
    return Reading("report", records, bool(asks), asks, draft.derived)


def _is_talk(draft: Draft, folded: str) -> bool:
    """Tell whether it is an announcement, or a greeting in which no figure is named."""
    return bool(ANNOUNCED.search(folded)) or (bool(GREETED.search(folded)) and not draft.found.mentions)


def _unsure(draft: Draft, folded: str) -> tuple[Ask, ...]:
    """Ask where she does not remember well, names several without counting, or "trăm" may be hundreds of thousands."""
    if any(name == "unsure" for _, _, name in draft.found.cues):
        return (Ask("number", {"doubt": "unsure"}),)
    if GIVEN_THANKS.search(folded) and draft.rows:
        return (Ask("number", {"doubt": "vague"}),)
    if not draft.found.quantities and SEVERAL.search(folded):
        return (Ask("number", {"doubt": "vague"}),)
    small = any(record.unit == "vnd" and 0 < record.value < _LEAST_VND for _, record in draft.rows)
    return (Ask("number", {"doubt": "thousands"}),) if small else ()


def _is_about_figures(draft: Draft) -> bool:
    """Tell whether a message without records still reports something: an unclear number of things, or beside a deed."""
    if not draft.asks:
        return False
    counted = any("unit" in ask.values for ask in draft.asks)
    return counted or bool(draft.found.mentions) or any(name in _TOLD for _, _, name in draft.found.cues)


def _counts(draft: Draft) -> bool:
    return any(quantity.number.value != 0 for quantity in draft.found.quantities)


def _is_no_activity(record: Record, draft: Draft) -> bool:
    """Tell whether a figure says that there was no activity at all, which is a nil report."""
    return record.value == 0 and any(record.indicator == other.links.activity for other in draft.catalogue)


def _nil_period(found: Scan, today: date) -> str:
    label = next((said.label for _, said in found.dates if said.label), None)
    return label or f"{today:%Y-%m}"
