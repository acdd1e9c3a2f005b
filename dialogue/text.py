"""Put replies into words: sentences by key and language, numbers, dates and money as people write them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal

from dialogue.messages import Button, Choice, Json, Lines, Marked, Money, Phrase, Rendered, Reply, Say
from vietnamese.fold import fold

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_OPENS, _CLOSES, _FOREIGN = "\ufdd0", "\ufdd1", "\ufffd"
"""Noncharacters, which Unicode keeps for use inside a program: they carry marks through sentences to `render`."""

_MARK = re.compile(f"[{_OPENS}{_CLOSES}]")


class UnknownWording(KeyError):
    """A sentence has no words in the default language."""


@dataclass(frozen=True)
class Wording:
    """All sentences: language → key → text. The first language is the default and must be complete."""

    languages: Mapping[str, Mapping[str, str]]
    zone: tzinfo = VIETNAM

    @property
    def default(self) -> str:
        """The language used where nothing else is known."""
        return next(iter(self.languages))

    def sentence(self, key: str, language: str) -> str:
        """Return the text of `key`, in the default language where `language` lacks it; `UnknownWording` if none."""
        text = self.languages.get(language, {}).get(key) or self.languages[self.default].get(key)
        if text is None:
            raise UnknownWording(key)
        return text

    def has(self, key: str) -> bool:
        """Tell whether `key` has words."""
        return key in self.languages[self.default]

    def words(self, key: str, language: str) -> frozenset[str]:
        """Return the folded alternatives of a `…words` entry, written `menu | bắt đầu`."""
        return _alternatives(self.sentence(key, language))

    def phrase(self, phrase: Phrase, language: str) -> str:
        """Return one phrase in words. Numbers, money, days and instants follow the language's custom."""
        match phrase:
            case str():
                return phrase
            case Say():
                values = {name: self.phrase(value, language) for name, value in phrase.values.items()}
                text = self.sentence(phrase.key, language)
                return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text) if values else text
            case Lines():
                return "\n".join(filter(None, (self.phrase(item, language) for item in phrase.items)))
            case Marked():
                return _with_marks(phrase)
            case Money():
                return self.phrase(Say("money", {"amount": phrase.amount_vnd}), language)
            case datetime():
                local = phrase.astimezone(self.zone)
                words: dict[str, Phrase] = {
                    "time": format_time(local, "HH:mm", locale=_locale(language)),
                    "day": local.date(),
                }
                return self.phrase(Say("moment", words), language)
            case None:
                return ""
            case _:
                return _plain(phrase, language)

    def render(self, reply: Reply, language: str, *, ask: str | None = None) -> Rendered:
        """Return `reply` in words; `ask` names the question its choices answer."""
        text = "\n\n".join(filter(None, (self.phrase(part, language).rstrip() for part in reply.text)))
        text, marks = _unmarked(text)
        buttons = tuple(self.button(choice, language, ask=ask) for choice in reply.choices)
        picture: dict[str, Json] | None = None
        if reply.picture is not None:
            description = self.phrase(reply.picture.description, language)
            picture = {"kind": reply.picture.kind, "spec": dict(reply.picture.spec), "description": description}
        return Rendered(text, buttons, picture, reply.sort, reply.file, marks)

    def button(self, choice: Choice, language: str, *, ask: str | None = None) -> Button:
        """Return a choice in words. Our own begin with a capital ("Tháng 10/2026"); a name stays as it is."""
        label = self.phrase(choice.label, language)
        if isinstance(choice.label, Say):
            label = label[:1].upper() + label[1:]
        return Button(choice.value, label, ask)


@lru_cache(maxsize=512)
def _alternatives(text: str) -> frozenset[str]:
    return frozenset(fold(word).strip() for word in text.split("|") if word.strip())


def _plain(value: int | Decimal | date, language: str) -> str:
    if isinstance(value, date):
        return format_date(value, _DATE.get(language, "short"), locale=_locale(language))
    return _number(value, language)


_DATE = {"vi": "dd/MM/yyyy", "en": "d MMM yyyy"}


@lru_cache(maxsize=8)
def _locale(language: str) -> Locale:
    return Locale.parse(language)


@lru_cache(maxsize=4096)
def _number(value: int | Decimal, language: str) -> str:
    return format_decimal(value, format="#,##0.###", locale=_locale(language))


def _with_marks(marked: Marked) -> str:
    text = _MARK.sub(_FOREIGN, marked.text)
    for start, end in reversed(marked.spans):
        text = f"{text[:start]}{_OPENS}{text[start:end]}{_CLOSES}{text[end:]}"
    return text


def _unmarked(text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Take the marks out of a text; return it with where they stood."""
    if _OPENS not in text:
        return text, ()
    starts: list[int] = []
    ends: list[int] = []
    for number, found in enumerate(_MARK.finditer(text)):
        (starts if found[0] == _OPENS else ends).append(found.start() - number)
    return _MARK.sub("", text), tuple(zip(starts, ends, strict=True))


def nfc(text: str) -> str:
    """Return `text` in Unicode NFC, the one form used inside."""
    return unicodedata.normalize("NFC", text)


def listed(items: Sequence[Phrase]) -> Lines:
    """Return the phrases one under the other."""
    return Lines(tuple(items))
