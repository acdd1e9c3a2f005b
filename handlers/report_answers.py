"""Read what she types while reporting: one number for one indicator, a choice by its number or in her words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dialogue.answers import Invalid
from dialogue.fit import pick, pick_by_words
from dialogue.messages import Choice, Inbound
from dialogue.messages import Say as Sentence
from figures.catalogue import Indicator
from handlers.context import Context
from handlers.figures_text import MONEY, as_json
from handlers.report_records import MOST_VALUE
from vietnamese.fold import align, fold
from vietnamese.numbers import Number, find_numbers

_WORD = re.compile(r"[^\W_]+")
SMALLEST_MONEY_VND = 1_000
PERCENT = "percent"
MOST_WORDS_OF_AN_ANSWER = 5


def value_for(inbound: Inbound, context: Context, indicator: Indicator) -> dict[str, Any]:
    """Return the one number typed for an indicator: value and, where said, qualifier and of.

    Raises `Invalid` where there is no number, several, a vague one, or money without its unit ("300").
    """
    text = inbound.text.strip()
    if fold(text) in words_of(context, "report.zero.words"):
        return {"value": 0}
    return number_in(text, context, indicator)


def number_in(text: str, context: Context, indicator: Indicator) -> dict[str, Any]:
    """Return the one number in a text as `value_for` does."""
    numbers = find_numbers(align(text), context.content.catalogue.vocabulary.counted)
    if len(numbers) != 1:
        raise Invalid("report.one_number")
    return told_of(numbers[0], indicator)


def words_of(context: Context, key: str) -> frozenset[str]:
    """Return the folded words of a `…words` entry in every language."""
    wording = context.content.wording
    return frozenset().union(*(wording.words(key, language) for language in wording.languages))


def says_word_of(text: str, context: Context, key: str) -> bool:
    """Tell whether a text has a phrase of a `…words` entry in it; typed accents must agree: mỗi is not mới."""
    shown = f" {' '.join(words_typed(text))} "
    return any(f" {phrase} " in shown for phrase in phrases_of(text, context, key))


def words_typed(text: str) -> list[str]:
    """Return the words of a text in small letters, with their accents where any were typed."""
    return _WORD.findall(text.lower() if _has_accents(text) else fold(text))


def phrases_of(text: str, context: Context, key: str) -> list[str]:
    """Return the phrases of a `…words` entry in every language, as they would be typed in such a text."""
    wording = context.content.wording
    entries = (wording.sentence(key, language) for language in wording.languages)
    phrases = [" ".join(phrase.split()).lower() for entry in entries for phrase in entry.split("|") if phrase.strip()]
    return phrases if _has_accents(text) else [fold(phrase) for phrase in phrases]


def _has_accents(text: str) -> bool:
    return fold(text) != " ".join(text.lower().split())


def told_of(number: Number, indicator: Indicator) -> dict[str, Any]:
    """Return a number as a value of an indicator; `Invalid` where it is none of it."""
    if number.value is None or number.doubt:
        raise Invalid("report.number_unclear")
    if not 0 <= number.value <= MOST_VALUE:
        raise Invalid("report.number_too_large")
    if number.percent and indicator.unit != PERCENT:
        raise Invalid("report.no_percent")
    if indicator.unit == MONEY and 0 < number.value < SMALLEST_MONEY_VND:
        raise Invalid("report.money_unit")
    of = number.of.value if number.of else None
    told = {"value": as_json(number.value), "qualifier": number.qualifier, "of": None if of is None else as_json(of)}
    return {name: value for name, value in told.items() if value is not None}


def numbered_choice(inbound: Inbound, context: Context, choices: tuple[Choice, ...]) -> object:
    """Return the value of the choice whose number she typed where buttons are shown as a numbered list, else None."""
    typed = fold(inbound.text).rstrip(".)")
    if context.capabilities.buttons or not typed.isdecimal() or len(typed) > 2:
        return None
    place = int(typed) - 1
    return choices[place].value if 0 <= place < len(choices) else None


def after_verb(text: str, context: Context, key: str) -> list[str] | None:
    """Return the folded words after a verb of a `…words` entry at the head of a text; None if none stands there.

    Typed accents must agree: "bò giống" does not begin with "bỏ".
    """
    words, verbs = words_typed(text), set(phrases_of(text, context, key))
    length = next((length for length in (3, 2, 1) if " ".join(words[:length]) in verbs), None)
    return None if length is None else [fold(word) for word in words[length:]]


def worded_choice(
    inbound: Inbound, context: Context, choices: tuple[Choice, ...], *, by_number: bool = False
) -> object:
    """Return the value of the choice whose words she typed, whole or enough of them, or its number; else None."""
    buttons = [context.content.wording.button(choice, context.language) for choice in choices]
    picked = pick(inbound, buttons, by_number=by_number) or pick_by_words(inbound, buttons)
    return picked.value if picked is not None else None


def agreed(text: str, context: Context) -> bool | None:
    """Tell whether she says yes ("ừ đúng rồi") or no ("không phải đâu"); None if it is neither."""
    words = words_typed(text)
    if not words or len(words) > MOST_WORDS_OF_AN_ANSWER:
        return None
    yes = phrases_of(text, context, "turn.yes.words")
    no = [*phrases_of(text, context, "turn.no.words"), *phrases_of(text, context, "report.wrong.words")]
    known = {word for phrase in (*yes, *no, *phrases_of(text, context, "report.soft.words")) for word in phrase.split()}
    # What begins a no makes any phrase one: "không đúng", "chưa đúng đâu".
    denies = {phrase.split()[0] for phrase in no} - {word for phrase in yes for word in phrase.split()}
    if any(word not in known for word in words):
        return None
    if denies.intersection(words):
        return False
    return True if any(word in phrase.split() for phrase in yes for word in words) else None


def yes_no(yes: Sentence, no: Sentence) -> tuple[Choice, ...]:
    """Return two buttons, `yes` and `no`."""
    return (Choice("yes", yes), Choice("no", no))


def start_list(start: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list from the facts a talk was opened with; empty where it is missing."""
    found = start.get(name)
    return list(found) if isinstance(found, list | tuple) else []
