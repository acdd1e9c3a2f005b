"""Read a phrase typed at the card of a report: it takes a line out, moves a day, puts a number right or tells more.

What is read is JSON for the log of answers: `do` is say, drop, date, value; `among` are the lines it may speak of, by
their place, empty for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dialogue.answers import Invalid
from dialogue.messages import Inbound
from figures.intents import CORRECT
from figures.scan import scan
from handlers.context import Context
from handlers.figures_text import Record, as_json
from handlers.report_answers import after_verb, phrases_of, words_of, words_typed
from handlers.report_dates import dates_in, sure_label, without_denied
from handlers.report_reading import AT_THE_CARD, is_of_figures, said
from vietnamese.fold import align, fold
from vietnamese.numbers import Number, find_numbers

_WORD = re.compile(r"[^\W_]+")
MOST_WORDS_BESIDE_A_DATE = 4
SAY, DROP, MOVE, VALUE = "say", "drop", "date", "value"


def at_card(inbound: Inbound, *, context: Context, records: Sequence[Record]) -> dict[str, Any]:
    """Return what a phrase wants of the card's figures; `Invalid` where it fits none of them."""
    phrase = _Phrase(inbound.text, context, records)
    read = phrase.taken_out()
    if read is None and is_of_figures(inbound.text, context):
        read = phrase.said_anew(whole=True) or phrase.moved() or phrase.put_right() or phrase.said_anew(whole=False)
    if read is None and inbound.attachments:
        read = {"do": SAY, "records": [], "asks": []}
    if read is None:
        raise Invalid("report.card_hint")
    return {**read, "photos": [each.sha256 for each in inbound.attachments]}


def says(text: str, context: Context, key: str) -> bool:
    """Tell whether a text is one of the phrases of a `…words` entry with nothing but soft words about it.

    Accents that were typed must agree: "đừng gửi" holds no "đúng".
    """
    soft = set(phrases_of(text, context, "report.soft.words"))
    words = words_typed(text)
    for phrase in (each.split() for each in phrases_of(text, context, key)):
        for at in range(len(words) - len(phrase) + 1):
            rest = (*words[:at], *words[at + len(phrase) :])
            if words[at : at + len(phrase)] == phrase and all(word in soft for word in rest):
                return True
    return False


class _Phrase:
    """One phrase at one card."""

    def __init__(self, typed: str, context: Context, records: Sequence[Record]) -> None:
        self.typed = typed.strip()
        self.text = align(self.typed)
        self.context = context
        self.records = records
        self.told = said(self.typed, context)
        self.dates = dates_in(self.text, context)
        self.words = _WORD.findall(self.text.text)

    def taken_out(self) -> dict[str, Any] | None:
        """Read "bỏ cây", "xóa dòng 2"."""
        rest = after_verb(self.typed, self.context, "report.drop.words")
        if rest is None or self._tells_other_values():
            return None
        among = self._numbered() or self._lines_with([word for word in rest if not word.isdigit()])
        if among and len(self.records) == 1:
            raise Invalid("report.only_figure")
        if not among and not self._leftover(rest):
            raise Invalid("report.discard_hint")
        return {"do": DROP, "among": among} if among else None

    def _tells_other_values(self) -> bool:
        """Tell whether it holds a figure that does not stand on the card as it is: "xóa 2 nhà tạm" is a deed."""
        held = {(record["indicator"], record["value"]) for record in self.records}
        return any((record["indicator"], record["value"]) not in held for record in self.told["records"])

    def said_anew(self, *, whole: bool) -> dict[str, Any] | None:
        """Read "hv mới là 5", "thêm 2 con bò giống": figures with their words; unless `whole`, also "thêm vài cây"."""
        asks = [] if whole else [ask for ask in self.told["asks"] if ask["key"] not in AT_THE_CARD]
        if self._numbered() or not (self.told["records"] or asks):
            return None
        days = {str(record["date"]) for record in self.records}
        told = self.told
        if told.get("more") and not self.dates and len(days) == 1:
            # What is added to a card without a day of its own was done on the card's day.
            told = {**told, "records": [{**record, "date": self.records[0]["date"]} for record in told["records"]]}
        return {"do": SAY, **told}

    def moved(self) -> dict[str, Any] | None:
        """Read "ngày 20/11", "hv mới là hôm qua", "hôm qua chứ không phải hôm nay"."""
        if not self.dates or self._numbers():
            return None
        if len({found.label for found in self.dates}) > 1:
            raise Invalid("report.one_date")
        left = without_denied(self.text).blanked((found.start, found.end) for found in self.dates)
        beside = self._leftover(_WORD.findall(left.text.replace("\0", " ")))
        among = self._numbered() or (self._lines_with(beside) if beside else [])
        if beside and not among and len(beside) > MOST_WORDS_BESIDE_A_DATE:
            return None
        return {"do": MOVE, "label": sure_label(self.dates[0]), "among": among}

    def put_right(self) -> dict[str, Any] | None:
        """Read a number without words of its own: "là 5", "160 chứ không phải 150", "dòng 2 là 30"."""
        numbers = [number for number in self._numbers() if number.value is not None]
        numbered = self._numbered()
        if not numbers or len(numbers) > 2:
            return None
        if self.typed.isdecimal() and not self.context.capabilities.buttons:
            return None  # a slip in choosing by number must change nothing
        if len(numbers) == 2:
            return self._changed_from(*numbers)
        beside = self._leftover([word for word in self.words if not any(letter.isdigit() for letter in word)])
        among = numbered or self._lines_with(beside) if beside else numbered
        if beside and not among:
            return None
        return {"do": VALUE, "number": self._typed(numbers[0]), "among": among}

    def _changed_from(self, first: Number, second: Number) -> dict[str, Any] | None:
        if not CORRECT.search(" ".join(self.text.text.split())):
            return None
        for old, new in ((first, second), (second, first)):
            if old.value is None:
                continue
            among = [place for place, record in enumerate(self.records) if record["value"] == as_json(old.value)]
            if among and new.value != old.value:
                return {"do": VALUE, "number": self._typed(new), "among": among}
        return None

    def _typed(self, number: Number) -> str:
        start, end = self.text.span(number.start, (number.of or number).end)
        return self.typed[start:end]

    def _numbers(self) -> list[Number]:
        """The numbers that are not those of a line or a day."""
        spans = [(found.start, found.end) for found in self.dates]
        line = self._line()
        spans += [line.span()] if line else []
        return find_numbers(self.text.blanked(spans), self.context.content.catalogue.vocabulary.counted)

    def _line(self) -> re.Match[str] | None:
        names = sorted(map(re.escape, words_of(self.context, "report.line.words")), key=len, reverse=True)
        return re.search(rf"\b(?:{'|'.join(names)}) (\d{{1,2}})\b", self.text.text)

    def _numbered(self) -> list[int]:
        """The line it names by its number, if there is such a line."""
        line = self._line()
        if line is None:
            return []
        place = int(line[1]) - 1
        if not 0 <= place < len(self.records):
            raise Invalid("report.no_such_line", count=len(self.records))
        return [place]

    def _leftover(self, words: Sequence[str]) -> list[str]:
        idle = words_of(self.context, "report.idle.words")
        return [word for word in words if word not in idle and len(word) > 1]

    def _lines_with(self, words: Sequence[str]) -> list[int]:
        """The lines that these words name: by what the catalogue reads in them, else by words of the lines."""
        wanted = set(self._leftover(words))
        codes = set(self._codes())
        exact = [place for place, record in enumerate(self.records) if record["indicator"] in codes]
        if not wanted:
            return exact
        within = exact or range(len(self.records))
        by_words = [place for place in within if wanted <= set(_vocabulary(self.records[place], self.context))]
        by_name = [place for place in by_words if wanted <= self._name(place)]
        return by_name or by_words or exact

    def _name(self, place: int) -> set[str]:
        """The words of a line's name, as she reads it on the card."""
        name = self.context.content.catalogue[self.records[place]["indicator"]].name(self.context.language)
        return set(_WORD.findall(fold(name)))

    def _codes(self) -> Iterator[str]:
        for mention in scan(self.text, self.context.today, self.context.content.catalogue).mentions:
            yield from mention.codes


def _vocabulary(record: Record, context: Context) -> Iterator[str]:
    """Yield the folded words by which somebody may name a line: those of its indicator, of its part, its own."""
    indicator = context.content.catalogue[record["indicator"]]
    parts = [word for values in _parts(record, indicator.by) for word in values]
    for phrase in (*indicator.names.values(), *indicator.words, *indicator.one, *parts, str(record.get("place") or "")):
        yield from _WORD.findall(fold(phrase))


def _parts(record: Record, known: Mapping[str, Mapping[str, tuple[str, ...]]]) -> Iterator[tuple[str, ...]]:
    for dimension, value in (record.get("by") or {}).items():
        if isinstance(value, str):
            yield (*known.get(dimension, {}).get(value, ()), value)
