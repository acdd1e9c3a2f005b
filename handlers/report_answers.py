"""Read what she types while reporting: one number for one indicator, a choice by its number or in her words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
    wording = context.content.wording
    entries = (wording.sentence(key, language) for language in wording.languages)
    phrases = [phrase.strip().lower() for entry in entries for phrase in entry.split("|") if phrase.strip()]
    typed = text.lower()
    has_accents = fold(typed) != " ".join(typed.split())
    words = _WORD.findall(typed if has_accents else fold(typed))
    shown = f" {' '.join(words)} "
    return any(f" {phrase if has_accents else fold(phrase)} " in shown for phrase in phrases)


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


def after_verb(words: Sequence[str], verbs: frozenset[str]) -> list[str] | None:
    """Return the words after a verb of one to three words at the head; None if none of `verbs` stands there."""
    return next((list(words[length:]) for length in (3, 2, 1) if " ".join(words[:length]) in verbs), None)


def worded_choice(
    inbound: Inbound, context: Context, choices: tuple[Choice, ...], *, by_number: bool = False
) -> object:
    """Return the value of the choice whose words she typed, whole or enough of them, or its number; else None."""
    buttons = [context.content.wording.button(choice, context.language) for choice in choices]
    picked = pick(inbound, buttons, by_number=by_number) or pick_by_words(inbound, buttons)
    return picked.value if picked is not None else None


def agreed(text: str, context: Context) -> bool | None:
    """Tell whether she says yes ("ừ đúng rồi") or no ("không phải đâu"); None if it is neither."""
    words = fold(text).replace(",", " ").replace(".", " ").split()
    if not words or len(words) > MOST_WORDS_OF_AN_ANSWER:
        return None
    idle = words_of(context, "report.idle.words")
    if _made_of(words, words_of(context, "turn.yes.words"), idle):
        return True
    no = words_of(context, "turn.no.words") | words_of(context, "report.wrong.words")
    return False if _made_of(words, no, idle | words_of(context, "turn.yes.words")) else None


def _made_of(words: list[str], phrases: frozenset[str], idle: frozenset[str]) -> bool:
    """Tell whether a phrase is one of `phrases` with small words about it."""
    known = {word for phrase in phrases for word in phrase.split()}
    return any(word in known for word in words) and all(word in known or word in idle for word in words)


def yes_no(yes: Sentence, no: Sentence) -> tuple[Choice, ...]:
    """Return two buttons, `yes` and `no`."""
    return (Choice("yes", yes), Choice("no", no))


def start_list(start: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list from the facts a talk was opened with; empty where it is missing."""
    found = start.get(name)
    return list(found) if isinstance(found, list | tuple) else []
