"""Questions about a person that several conversations ask: name, birth, phone; and how these are shown."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import date
from functools import partial
from typing import Any

from dialogue.answers import Invalid, plain_text
from dialogue.messages import Inbound, Phrase, Say
from dialogue.turn import Ask
from handlers.context import Context
from vietnamese import dates, names, phones

ADULT = 18
OLDEST = 110


def full_name(inbound: Inbound) -> str:
    """Read a name as its owner writes it."""
    text = plain_text(inbound)
    try:
        return names.clean_name(text)
    except ValueError as error:
        raise Invalid("person.name.retry") from error


def mobile(inbound: Inbound) -> str:
    """Read a mobile number into +84…; numbers of eleven digits become today's ten."""
    text = plain_text(inbound)
    try:
        return phones.mobile_number(text)
    except ValueError as error:
        raise Invalid("person.phone.retry") from error


def ask_birth(context: Context) -> Generator[Ask, Any, str]:
    """Yield the questions for a birth date and return 1990 or 1990-05-12.

    The year alone is enough, except where it leaves open whether she is of age today.
    """
    birth: str = yield Ask("person.birth", parse=partial(birth_of, today=context.today), personal=True)
    if is_adult(birth, context.today) is None:
        birth = yield from ask_birth_day(context)
    return birth


def ask_birth_day(context: Context) -> Generator[Ask, Any, str]:
    """Yield the question for the whole date of birth and return it."""
    birth: str = yield Ask("person.birth_day", parse=partial(_birth_day, today=context.today), personal=True)
    return birth


def is_adult(birth: str, today: date) -> bool | None:
    """Tell whether somebody is 18 on a day; None if only the year is known and the birthday decides.

    Who was born on 29 February is a year older on 1 March of a common year.
    """
    age = today.year - int(birth[:4])
    if len(birth) == 4:
        return None if age == ADULT else age > ADULT
    born = date.fromisoformat(birth)
    return age - ((today.month, today.day) < (born.month, born.day)) >= ADULT


def words_or_choice(inbound: Inbound, choices: Sequence[str]) -> str:
    """Read words of her own, or the number of one of `choices` where there are no buttons to press."""
    text = plain_text(inbound)
    if not any(letter.isalnum() for letter in text):
        raise Invalid("answer.text_wanted")
    number = text.rstrip(".)")
    is_choice = number.isdecimal() and len(number) < 3 and 0 < int(number) <= len(choices)
    return choices[int(number) - 1] if is_choice else text


def shown_birth(birth: str) -> Phrase:
    """Return a birth date or year as people write it."""
    return birth if len(birth) == 4 else date.fromisoformat(birth)


def shown_phone(phone: str | None) -> Phrase:
    """Return a phone in full, or the words for none."""
    return phones.displayed(phone) if phone else Say("person.no_phone")


def masked_phone(phone: str | None) -> Phrase:
    """Return a phone with its middle hidden, or the words for none."""
    if not phone:
        return Say("person.no_phone")
    digits = phones.displayed(phone).replace(" ", "")
    return f"{digits[:3]}••••{digits[-3:]}"


def birth_of(inbound: Inbound, today: date) -> str:
    """Read a birth date or year into 1990-05-12 or 1990."""
    text = plain_text(inbound)
    try:
        birth = dates.birth(text)
    except ValueError as error:
        raise Invalid("person.birth.retry") from error
    year = int(birth[:4])
    future = birth > today.isoformat() if len(birth) > 4 else year > today.year
    if future or today.year - year > OLDEST:
        raise Invalid("person.birth.implausible", year=str(year))
    return birth


def _birth_day(inbound: Inbound, today: date) -> str:
    birth = birth_of(inbound, today)
    if len(birth) == 4:
        raise Invalid("person.birth_day.retry")
    return birth
