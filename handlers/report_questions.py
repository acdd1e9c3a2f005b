"""Ask what a reading left open, one question at a time with buttons, before the card is shown."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from dialogue.answers import Invalid
from dialogue.messages import Choice, Inbound, Say
from dialogue.turn import Ask, Look
from handlers.context import Context
from handlers.figures_text import Record, Words, label_of, value_of
from handlers.report_answers import start_list
from handlers.report_asks import QUESTIONS, Asked, Records, Step, ask_day, ask_plain, ask_zero
from handlers.report_numbers import Clearer, Doubt, ask_number, doubts_in, read_clearer
from handlers.report_reading import AT_THE_CARD, said
from handlers.report_records import merged, same_fact, without_span

_STILL_OPEN = frozenset({"each_or_total", "new_or_total", "parts_differ"})
"""What figures told instead of an answer leave open."""

_AGAIN = "again"


@dataclass(frozen=True, slots=True)
class _Open:
    """What was read of a message said at `at`, and what is still to be asked of it. `opens`: it opened the report."""

    records: Records
    asks: tuple[Asked, ...]
    message: Clearer
    at: datetime
    opens: bool


def settle(context: Context, told: Mapping[str, Any]) -> Generator[Ask | Look, Any, Records]:
    """Yield the questions of what was read; return the records with their answers, each with a value and a date.

    `told` holds `records`, `asks`, and the `text` they were read in, said `at` an ISO instant.
    """
    unclear = _opened(context, told)
    while True:
        outcome = yield from _settle_once(context, unclear)
        if isinstance(outcome, list):
            return outcome
        if isinstance(outcome, _Open):
            unclear = outcome
            continue
        kept: Records = outcome[_KEPT] if outcome else []
        told = outcome or (yield Ask("report.say_again", parse=partial(_anew, context=context)))
        unclear = _opened(context, {**told, "records": (yield from put_together(context, kept, told))})


def put_together(context: Context, records: Sequence[Record], told: Mapping[str, Any]) -> Generator[Ask, Any, Records]:
    """Return the records with what she told later; "thêm 20 cây" is asked: is it added, or the number itself?"""
    words = Words(context.content, context.language)
    result = []
    for record in told["records"]:
        before = next((each for each in records if same_fact(each, record)), None) if told.get("more") else None
        if before is not None:
            total = {**record, "value": before["value"] + record["value"]}
            choices = (
                Choice("add", Say("report.more_sum", {"value": value_of(total, words)})),
                Choice("only", Say("report.more_only", {"value": value_of(record, words)})),
            )
            asked = {"before": label_of(before, words), "more": value_of(record, words)}
            record = total if (yield Ask("report.more", asked, parse=None, choices=choices)) == "add" else record
        result.append(record)
    return merged(records, result, dated=bool(told.get("dated")))


_KEPT = "kept"


def _opened(context: Context, told: Mapping[str, Any]) -> _Open:
    at = told.get("at")
    return _Open(
        records=start_list(told, "records"),
        asks=tuple(_each_once(start_list(told, "asks"))),
        message=Clearer(str(told.get("text") or "")),
        at=datetime.fromisoformat(at) if isinstance(at, str) else context.said_at,
        opens=not isinstance(at, str),
    )


def _each_once(asks: Sequence[Asked]) -> list[Asked]:
    """One question of a kind for an indicator or number; the date first, since everything is shown with it."""
    told = ("indicator", "value", "doubt")
    kept = {
        (ask["key"], *(ask["values"].get(name) for name in told)): ask for ask in asks if ask["key"] not in AT_THE_CARD
    }
    return sorted(kept.values(), key=lambda ask: ask["key"] != "date")


def _settle_once(context: Context, unclear: _Open) -> Step:
    """Return the settled records, or an `_Open` that is clearer; what she said anew; None if it is to be said anew."""
    if any(ask["key"] == "number" for ask in unclear.asks) and (doubts := doubts_in(unclear.message.text, context)):
        return (yield from _number(context, unclear, doubts[0]))
    records = unclear.records or (yield from ask_zero(context, unclear.message.text, unclear.asks, unclear.at))
    if not records:
        return None
    if any(record.get("date") is None for record in records) and not any(ask["key"] == "date" for ask in unclear.asks):
        records = yield from ask_day(context, records, {})
    asks = [ask for ask in unclear.asks if ask["key"] != "zero"]
    for place, ask in enumerate(asks):
        question = QUESTIONS.get(ask["key"], ask_plain)
        answer = yield from question(context, records, ask)
        if isinstance(answer, Mapping):
            # She told figures instead: what was clear stays, what is open of the rest is asked still.
            rest = [*([ask] if ask["key"] in _STILL_OPEN else []), *asks[place + 1 :], *answer["asks"]]
            return {**answer, "asks": rest, _KEPT: records}
        if answer is None:
            return None
        records = answer
    return records


def _number(context: Context, unclear: _Open, doubt: Doubt) -> Step:
    """Ask what an unclear number is and read the message with the answer in its place."""
    typed = yield ask_number(context, unclear.message.text, doubt)
    if typed == _AGAIN:
        return None
    message = unclear.message.with_number(doubt, str(typed))
    told = read_clearer(message, replace(context, now=unclear.at))
    records = told["records"] if unclear.opens else [without_span(record) for record in told["records"]]
    return replace(unclear, records=records, asks=tuple(_each_once(told["asks"])), message=message)


def _anew(inbound: Inbound, *, context: Context) -> dict[str, Any]:
    told = said(inbound.text, context)
    if not told["records"] and not doubts_in(inbound.text, context):
        raise Invalid("report.say_again_hint")
    return told
