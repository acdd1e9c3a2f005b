"""The single questions about what a reading left open: each with buttons, each also answered in words.

A question returns the records with the answer in them; what she told instead, a mapping with `records`; or None where
the message is to be said anew.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from dialogue.answers import Invalid
from dialogue.messages import Choice, Inbound, Phrase, Say
from dialogue.text import listed
from dialogue.turn import Ask, Look
from figures.scan import scan
from handlers.context import VIETNAM, Context
from handlers.figures_text import MONEY, Record, Words, amount, line_of, value_of
from handlers.report_answers import agreed, numbered_choice, says_word_of, worded_choice
from handlers.report_dates import ask_date
from handlers.report_reading import said
from handlers.report_records import same_fact
from vietnamese.dates import find_dates
from vietnamese.fold import align

Asked = Mapping[str, Any]
Records = list[Record]
Step = Generator[Ask | Look, Any, Any]

PLAIN = frozenset({"breakdown", "keyboard", "number", "share_differs"})
"""Questions whose answer is "yes, so it is" or the message said anew."""

_DOUBTS_IN_WORDS = frozenset({"left", "name_or_count"})
_YES, _AGAIN = "yes", "again"
_IS = "is-"
MOST_NAMES_OFFERED = 3


def ask_plain(context: Context, records: Records, ask: Asked) -> Step:
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
    meant = [value for value, key in words.items() if says_word_of(inbound.text, context, key)]
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


def ask_zero(context: Context, text: str, asks: Sequence[Asked], at: datetime) -> Step:
    """Ask whether "hv mới: không có" is to be written down as 0; return its record, none where it is not."""
    day = at.astimezone(VIETNAM).date()
    mentions = scan(align(text), day, context.content.catalogue).mentions
    if not mentions or not any(ask["key"] == "zero" for ask in asks):
        return []
    indicator = context.content.catalogue[mentions[0].codes[0]]
    label = next((found.label for found in find_dates(align(text), day) if found.label), None)
    record = {"indicator": indicator.code, "value": 0, "unit": indicator.unit, "date": label or day.isoformat()}
    choices = (Choice(_YES, Say("report.write_zero")), Choice(_AGAIN, Say("report.ask_again")))
    told = {"line": line_of(record, Words(context.content, context.language))}
    answer = yield _question(context, "report.ask.zero", told, choices, {})
    if isinstance(answer, Mapping):
        return answer["records"]
    return [record] if answer == _YES else []


def ask_day(context: Context, records: Records, _ask: Asked) -> Step:
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
    offered = _counted_in(context, unit, records)
    choices = (
        *(Choice(f"{_IS}{code}", words.indicator(code)) for code in offered),
        Choice(_YES, Say("report.leave_out")),
        Choice(_AGAIN, Say("report.ask_again")),
    )
    told = {"number": number, "figures": _figures(context, records)}
    parse = partial(_answer_or_name, context=context, choices=choices)
    answer = yield Ask("report.ask.not_understood", told, parse=parse, choices=choices)
    if isinstance(answer, str) and answer.startswith(_IS):
        return [*records, _named(context, answer.removeprefix(_IS), value, records[0]["date"])]
    return answer if isinstance(answer, Mapping) else records if answer == _YES else None


def _counted_in(context: Context, unit: str | None, records: Records) -> list[str]:
    """The usual figures counted in a unit that are not told yet."""
    there = {record["indicator"] for record in records}
    usual = [question.indicator for kind in context.content.report_types.values() for question in kind.questions]
    catalogue = context.content.catalogue
    fitting = [code for code in dict.fromkeys(usual) if unit in {catalogue[code].unit, *catalogue[code].accepts}]
    return [code for code in fitting if code not in there][:MOST_NAMES_OFFERED]


def _answer_or_name(inbound: Inbound, *, context: Context, choices: tuple[Choice, ...]) -> Any:
    """Read an answer, or only what the number is of ("người dự")."""
    try:
        return _answer(inbound, context=context, choices=choices, words={})
    except Invalid:
        found = scan(align(inbound.text), context.today, context.content.catalogue)
        if not found.mentions or found.quantities:
            raise
        return f"{_IS}{found.mentions[0].codes[0]}"


def _named(context: Context, code: str, value: Any, day: str) -> Record:
    number = Decimal(str(value))
    plain = int(number) if number == number.to_integral_value() else float(number)
    return {"indicator": code, "value": plain, "unit": context.content.catalogue[code].unit, "date": day}


def _ask_same_twice(context: Context, records: Records, ask: Asked) -> Step:
    """Ask which holds where one message tells two figures of one kind: all of them, or one."""
    code = ask["values"].get("indicator")
    alike = [place for place, record in enumerate(records) if record["indicator"] == code]
    twins = [place for place in alike if sum(same_fact(records[place], records[other]) for other in alike) > 1]
    if len(twins) < 2:
        return records
    words = Words(context.content, context.language)
    choices = (
        Choice(_YES, Say("report.keep_all")),
        *(Choice(place, Say("report.only_this", {"value": value_of(records[place], words)})) for place in twins),
        Choice(_AGAIN, Say("report.ask_again")),
    )
    told = {"figures": _figures(context, [records[place] for place in twins])}
    answer = yield _question(context, "report.ask.same_twice", told, choices, {_YES: "report.both.words"})
    if isinstance(answer, Mapping) or answer == _AGAIN:
        return answer if isinstance(answer, Mapping) else None
    dropped = () if answer == _YES else [place for place in twins if place != answer]
    return [record for place, record in enumerate(records) if place not in dropped]


def _figures(context: Context, records: Records) -> Phrase:
    return listed([line_of(record, Words(context.content, context.language)) for record in records])


QUESTIONS: Mapping[str, Callable[[Context, Records, Asked], Step]] = {
    "date": ask_day,
    "each_or_total": _ask_each_or_total,
    "new_or_total": _ask_new_or_total,
    "not_understood": _ask_not_understood,
    "parts_differ": _ask_parts,
    "same_twice": _ask_same_twice,
}
