"""Ask what an unclear number is ("vài chục", "210 hay 220", "13,577") and read the message with the answer in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from dialogue.answers import Invalid
from dialogue.messages import Choice, Inbound, Say
from dialogue.turn import Ask
from figures.scan import Quantity, Scan, scan
from handlers.context import Context
from handlers.report_answers import numbered_choice
from handlers.report_reading import REPORTING, read_with, said_in
from vietnamese.fold import align
from vietnamese.numbers import find_numbers

_DIGITS = re.compile(r"\d+")
_THOUSANDS = re.compile(r"(\d{1,3}),(\d{3})\b")
_TWO = frozenset({"either", "range"})
_AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Doubt:
    """An unclear number in a message: its place, what it is counted in, and what it may be."""

    start: int
    end: int
    said: str
    offered: tuple[str, ...]


def doubts_in(text: str, context: Context) -> list[Doubt]:
    """Return the unclear numbers of a message, in order."""
    found = scan(align(text), context.today, context.content.catalogue)
    return [_doubt(text, found, each) for each in found.quantities if each.number.value is None or each.number.doubt]


def _doubt(text: str, found: Scan, quantity: Quantity) -> Doubt:
    number = quantity.number
    start, end = found.text.span(number.start, number.end)
    _, shown_end = found.text.span(number.start, max(number.end, found.tokens[quantity.ends].end))
    typed = text[start:end]
    return Doubt(start, end, " ".join(text[start:shown_end].split()), tuple(dict.fromkeys(_offered(typed, quantity))))


def _offered(typed: str, quantity: Quantity) -> Iterator[str]:
    """Yield what the number may be, as it would be typed clearly."""
    number = quantity.number
    if number.doubt in _TWO:
        # A scale said once ("2 hay 3 triệu") belongs to both; which one it is cannot be told from digits alone.
        digits = _DIGITS.findall(typed)
        yield from digits if not number.money and len(digits) == len(_DIGITS.findall(typed)) == 2 else ()
    elif number.doubt == "thousands":
        match = _THOUSANDS.search(typed)
        if match:
            yield f"{match[1]}.{match[2]}"
    elif isinstance(number.value, int):
        yield str(number.value)


def ask_number(context: Context, text: str, doubt: Doubt) -> Ask:
    """Return the question what the number is."""
    offered = tuple(Choice(each, Say("report.number_is", {"number": each})) for each in doubt.offered)
    choices = (*offered, Choice(_AGAIN, Say("report.ask_again")))
    parse = partial(_clear_number, context=context, choices=choices)
    told = {"said": doubt.said, "text": " ".join(text.split())}
    key = "report.ask.number_offered" if offered else "report.ask.number_wanted"
    return Ask(key, told, parse=parse, choices=choices)


def _clear_number(inbound: Inbound, *, context: Context, choices: tuple[Choice, ...]) -> str:
    chosen = numbered_choice(inbound, context, choices)
    if chosen is not None:
        return str(chosen)
    text = align(inbound.text.strip())
    numbers = find_numbers(text, context.content.catalogue.vocabulary.counted)
    if len(numbers) != 1 or numbers[0].value is None or numbers[0].doubt or numbers[0].of:
        raise Invalid("report.number_unclear")
    start, end = text.span(numbers[0].start, numbers[0].end)
    return text.original[start:end].strip()


@dataclass(frozen=True, slots=True)
class Clearer:
    """A message with clear numbers put in the place of unclear ones, and where: (start, end, length of what is in)."""

    text: str
    put: tuple[tuple[int, int, int], ...] = ()

    def with_number(self, doubt: Doubt, typed: str) -> Clearer:
        """Return the message with `typed` in the place of an unclear number."""
        text = f"{self.text[: doubt.start]}{typed}{self.text[doubt.end :]}"
        return Clearer(text, (*self.put, (doubt.start, doubt.end, len(typed))))

    def as_written(self, span: Sequence[int]) -> list[int]:
        """Return where words of this text stand in the message as it was written."""
        start, end = span
        for first, last, length in reversed(self.put):
            grown = last - first - length
            start = start if start < first + length else start + grown
            end = end if end <= first else max(last, end + grown)
        return [start, end]


def read_clearer(message: Clearer, context: Context) -> dict[str, Any]:
    """Return what the clearer message tells; each record has the `span` of its words in the message as written."""
    reading = read_with(message.text, context, ())
    told = said_in(reading) if reading.intent in REPORTING else {"records": [], "asks": []}
    records = [{**record, "span": message.as_written(record["span"])} for record in told["records"]]
    return {"records": records, "asks": told["asks"]}
