"""What a sentence tells of a woman who is to join: "ket nap hv: Rơ Châm H'Bia sn 2003 dt 0162 345 6789 làng Bối"."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import date
from functools import partial
from typing import Any

from dialogue.answers import Invalid
from dialogue.messages import Choice, Inbound, Json, Say
from dialogue.turn import Ask, Look, look
from handlers import person
from handlers.context import Context
from handlers.report_reading import member_in
from storage import applications, units
from storage.database import Connection

Step = Generator[Ask | Look, Any, Any]


def opens(inbound: Inbound, context: Context) -> Mapping[str, Json] | None:
    """Return what a message tells of somebody who is to join, if it is about that."""
    told = member_in(inbound, context)
    return None if told is None else {"member": told}


def told_in(context: Context) -> Mapping[str, Any]:
    """Return what the message told; empty where she was not told of in one."""
    told = context.start.get("member")
    return told if isinstance(told, Mapping) else {}


def ask_name(context: Context) -> Step:
    """Return the name that was told, else yield the question for it."""
    told = _read(context, "full_name", person.full_name)
    return told or (yield Ask("person.name", parse=person.full_name, personal=True))


def ask_birth(context: Context) -> Step:
    """Return the birth that was told if it is enough, else yield the questions for it."""
    told = _read(context, "birth", partial(person.birth_of, today=context.today))
    told = told or _read(context, "birth_year", partial(person.birth_of, today=context.today))
    if told is None:
        return (yield from person.ask_birth(context))
    if person.is_adult(told, context.today) is None:
        return (yield from person.ask_birth_day(context))
    return told


def ask_phone(context: Context) -> Step:
    """Return the phone that was told, else yield the question for it."""
    told = _read(context, "phone", person.mobile)
    return told or (yield Ask("person.phone", parse=person.mobile, optional=True, personal=True))


def ask_unit(context: Context, *, within: tuple[int, ...] = ()) -> Step:
    """Return the unit that was told where only one is called so, else yield the question for it.

    `within`: only units of these subtrees count.
    """
    levels = {level for code in context.content.roles_that("admit") for level in context.content.roles[code].levels}
    search_with = (context.today, tuple(sorted(levels)), within)
    told = told_in(context).get("chapter")
    found = (yield look(places_named, told, *search_with)) if isinstance(told, str) else []
    if len(found) == 1:
        return found[0].value
    return (
        yield Ask("register.unit", search=places_named, search_with=search_with, choices=tuple(found), personal=True)
    )


def places_named(
    db: Connection, text: str, today: date, levels: tuple[str, ...], within: tuple[int, ...] = ()
) -> list[Choice]:
    """Return the units she may mean, told apart by the unit above."""
    return [
        Choice(place.id, Say("register.place", {"unit": place.name, "above": place.above}))
        for place in applications.places_named(db, text, today, levels)
        if not within or units.is_within(db, place.id, within, today)
    ]


def _read(context: Context, name: str, parse: Any) -> Any:
    """Return what was told as an answer of hers, None where it was not told or is none."""
    told = told_in(context).get(name)
    if told is None:
        return None
    try:
        return parse(Inbound(context.now, str(told)))
    except Invalid:
        return None
