"""Ask what a reading left open, one question at a time with buttons, before the card is shown."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from dialogue.answers import Invalid
from dialogue.messages import Choice, Inbound, Phrase, Say
from dialogue.text import listed
from dialogue.turn import Ask, Look
from handlers.context import Context
from handlers.figures_text import MONEY, Record, Words, amount, label_of, line_of, value_of
from handlers.report_answers import agreed, numbered_choice, start_list, worded_choice, words_of
from handlers.report_dates import ask_date
from handlers.report_numbers import Clearer, Doubt, ask_number, doubts_in, read_clearer
from handlers.report_reading import AT_THE_CARD, said
from handlers.report_records import merged, same_fact, without_span
from vietnamese.fold import fold

Asked = Mapping[str, Any]
Records = list[Record]
Step = Generator[Ask | Look, Any, Any]

PLAIN = frozenset({"breakdown", "keyboard", "not_understood", "number", "same_twice", "share_differs"})
"""Questions whose answer is "yes, so it is" or the message said anew."""

_DOUBTS_IN_WORDS = frozenset({"left", "name_or_count"})

_STILL_OPEN = frozenset({"each_or_total", "new_or_total", "parts_differ"})
"""What figures told instead of an answer leave open."""

_YES, _AGAIN = "yes", "again"


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
    return merged(records, result)


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
    records = unclear.records
    if not records:
        return None
    if any(record.get("date") is None for record in records) and not any(ask["key"] == "date" for ask in unclear.asks):
        records = yield from _ask_date(context, records, {})
    for place, ask in enumerate(unclear.asks):
        question = _QUESTIONS.get(ask["key"], _plain)
        answer = yield from question(context, records, ask)
        if isinstance(answer, Mapping):
            # She told figures instead: what was clear stays, what is open of the rest is asked still.
            rest = [*([ask] if ask["key"] in _STILL_OPEN else []), *unclear.asks[place + 1 :], *answer["asks"]]
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


def _plain(context: Context, records: Records, ask: Asked) -> Step:
    """Ask "is it so?"; return the records, what she told instead, None where it is to be said anew."""
    key = ask["key"] if ask["key"] in PLAIN else "other"
    if ask["values"].get("doubt") in _DOUBTS_IN_WORDS:
        key = f"number_{ask['values']['doubt']}"
    values: dict[str, Phrase] = {"figures": _figures(context, records)}
    choices = (Choice(_YES, Say("report.ask_yes")), Choice(_AGAIN, Say("report.ask_again")))
    answer = yield _question(context, f"report.ask.{key}", values, choices, words={})
    return answer if isinstance(answer, Mapping) else records if answer == _YES else None


def _question(
    context: Context, key: str, values: Mapping[str, Phrase], choices: tuple[Choice, ...], words: Mapping[str, str]
) -> Ask:
    """Return a question with buttons that takes her own words too. `words` is choice → key of what people say."""
    return Ask(key, values, parse=partial(_answer, context=context, choices=choices, words=words), choices=choices)


def _answer(inbound: Inbound, *, context: Context, choices: tuple[Choice, ...], words: Mapping[str, str]) -> Any:
    chosen = numbered_choice(inbound, context, choices) or worded_choice(inbound, context, choices)
    if chosen is not None:
        return chosen
    spoken = f" {fold(inbound.text)} "
    meant = [value for value, key in words.items() if any(f" {word} " in spoken for word in words_of(context, key))]
    if len(meant) == 1:
        return meant[0]
    values = {choice.value for choice in choices if isinstance(choice.value, str)}
    says_yes = agreed(inbound.text, context)
    if says_yes is not None and {_YES, _AGAIN} <= values:
        return _YES if says_yes else _AGAIN
    told = said(inbound.text, context)
    if not told["records"]:
        raise Invalid("report.pick_or_say")
    return told


def _anew(inbound: Inbound, *, context: Context) -> dict[str, Any]:
    told = said(inbound.text, context)
    if not told["records"] and not doubts_in(inbound.text, context):
        raise Invalid("report.say_again_hint")
    return told


def _ask_date(context: Context, records: Records, _ask: Asked) -> Step:
    """One day for all that have none; where each has one but it is doubtful, for all of them."""
    missing = any(record.get("date") is None for record in records)
    meant = [record for record in records if record.get("date") is None or not missing]
    words = Words(context.content, context.language)
    figures = listed([Say("report.undated", _undated(record, words)) for record in meant])
    label = yield from ask_date(context, "report.ask.date", {"figures": figures})
    return [{**record, "date": label} if record in meant else record for record in records]


def _undated(record: Record, words: Words) -> Mapping[str, Phrase]:
    return {"name": words.indicator(record["indicator"]), "value": amount(record["value"], record["unit"], words)}


def _ask_each_or_total(context: Context, records: Records, ask: Asked) -> Step:
    """Ask whether an amount is for each or for all, where there is something to multiply it with."""
    code = ask["values"].get("indicator")
    place = next((place for place, record in enumerate(records) if record["indicator"] == code), None)
    count = _count_for(context, records, code)
    if place is None or count is None:
        return records
    record = records[place]
    words = Words(context.content, context.language)
    value, product = record["value"], record["value"] * count["value"]
    shown = amount(value, record["unit"], words)
    choices = (
        Choice("total", Say("report.total_is", {"value": shown})),
        Choice("each", Say("report.each_is", {"value": shown, "total": amount(product, record["unit"], words)})),
    )
    told = {"value": shown, "count": amount(count["value"], count["unit"], words)}
    said_so = {"total": "report.total.words", "each": "report.each.words"}
    answer = yield _question(context, "report.ask.each_or_total", told, choices, said_so)
    if isinstance(answer, Mapping):
        return answer
    if answer == "each":
        changed = {**record, "value": product, "derived": f"{count['value']} x {value}"}
        return [*records[:place], changed, *records[place + 1 :]]
    return records


def _count_for(context: Context, records: Records, code: str | None) -> Record | None:
    """What an amount of `code` is for: the figure whose money it is, else the first that is not money."""
    catalogue = context.content.catalogue
    counts = [record for record in records if record["unit"] != MONEY and record["value"] > 1]
    linked = (each for each in counts if code in {(of := catalogue[each["indicator"]].links).money, of.monthly})
    return next(linked, counts[0] if counts else None)


def _ask_new_or_total(context: Context, records: Records, ask: Asked) -> Step:
    """Ask whether a figure is what is new in its period or all since the beginning."""
    code = ask["values"].get("indicator")
    place = next((place for place, record in enumerate(records) if record["indicator"] == code), None)
    if place is None:
        return records
    line = line_of(records[place], Words(context.content, context.language))
    choices = (Choice("new", Say("report.is_new")), Choice("cumulative", Say("report.is_cumulative")))
    said_so = {"new": "report.new.words", "cumulative": "report.cumulative.words"}
    answer = yield _question(context, "report.ask.new_or_total", {"line": line}, choices, said_so)
    if isinstance(answer, Mapping):
        return answer
    if answer == "cumulative":
        return [*records[:place], {**records[place], "cumulative": True}, *records[place + 1 :]]
    return records


def _ask_parts(context: Context, records: Records, ask: Asked) -> Step:
    """Ask which sum holds where the parts of an amount do not make it up."""
    parts, total = ask["values"].get("parts"), ask["values"].get("total")
    place = next((place for place, record in enumerate(records) if record["value"] == total), None)
    if place is None or parts is None:
        return records
    record = records[place]
    words = Words(context.content, context.language)
    told = {
        "line": line_of(record, words),
        "parts": amount(parts, record["unit"], words),
        "total": amount(total, record["unit"], words),
    }
    choices = (
        Choice("total", Say("report.keep_total", {"value": told["total"]})),
        Choice("parts", Say("report.take_parts", {"value": told["parts"]})),
        Choice(_AGAIN, Say("report.ask_again")),
    )
    answer = yield _question(context, "report.ask.parts_differ", told, choices, {})
    if isinstance(answer, Mapping):
        return answer
    if answer == _AGAIN:
        return None
    return [*records[:place], {**record, "value": parts}, *records[place + 1 :]] if answer == "parts" else records


def _ask_not_understood(context: Context, records: Records, ask: Asked) -> Step:
    """Ask what a number stands for that belongs to nothing; without an answer it is left out."""
    words = Words(context.content, context.language)
    value, unit = ask["values"].get("value"), ask["values"].get("unit")
    number = Say("figure.counted", {"value": str(value), "unit": words.measure(unit)}) if unit else str(value)
    choices = (Choice(_YES, Say("report.leave_out")), Choice(_AGAIN, Say("report.ask_again")))
    told = {"number": number, "figures": _figures(context, records)}
    answer = yield _question(context, "report.ask.not_understood", told, choices, {})
    return answer if isinstance(answer, Mapping) else records if answer == _YES else None


def _figures(context: Context, records: Records) -> Phrase:
    return listed([line_of(record, Words(context.content, context.language)) for record in records])


_QUESTIONS: Mapping[str, Callable[[Context, Records, Asked], Step]] = {
    "date": _ask_date,
    "each_or_total": _ask_each_or_total,
    "new_or_total": _ask_new_or_total,
    "not_understood": _ask_not_understood,
    "parts_differ": _ask_parts,
}
