"""A head registers a woman who has no phone: she says that she asked her, then only what is not known yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dialogue.messages import Choice, Phrase, Reply, Say
from dialogue.turn import Ask, Look, look
from handlers import person, register_told
from handlers.context import Context
from handlers.register_told import Step
from storage import appointments, units
from storage.database import Connection

ABILITY = "report"
"""Who reports for a unit may hand in an application for somebody of it; officers decide on it as on any other."""

ASKED, NOT_ASKED = "asked", "not_asked"
_SEND = "send"


@dataclass(frozen=True, slots=True)
class Told:
    """Who is to be registered, confirmed by whoever registers her."""

    name: str
    birth: str
    unit_id: int
    phone: str | None


def is_meant(context: Context) -> bool:
    """Tell whether a message of somebody who reports for a unit tells of another woman."""
    return bool(context.posts_that(ABILITY)) and "member" in context.start


def consent_text(context: Context, version: str) -> Say:
    """Return what whoever registers her confirms."""
    return Say("register.other_consent", {"controller": context.controller, "version": version})


def ask_other(context: Context, version: str) -> Step:
    """Yield the questions that the message left open; return `Told`, or the key of the reply that ends it."""
    consent = consent_text(context, version)
    choices = (Choice(ASKED, Say("register.she_agreed")), Choice(NOT_ASKED, Say("register.not_asked_yet")))
    if (yield Ask(consent.key, consent.values, parse=None, choices=choices)) != ASKED:
        return "register.ask_her_first"
    told: dict[str, Any] = {
        "name": (yield from register_told.ask_name(context)),
        "birth": (yield from register_told.ask_birth(context)),
    }
    if not person.is_adult(told["birth"], context.today):
        return "register.minor"
    told["unit_id"] = yield from _ask_unit(context)
    told["phone"] = yield from register_told.ask_phone(context)
    place = yield look(units.get, told["unit_id"], context.today)
    values: dict[str, Phrase] = {
        "name": told["name"],
        "birth": person.shown_birth(told["birth"]),
        "unit": place.name if place else "",
        "phone": person.shown_phone(told["phone"]),
    }
    send = (Choice(_SEND, Say("register.send")),)
    yield Ask("register.summary", values, parse=None, choices=send, confirm=True, personal=True)
    return Told(**told)


def _ask_unit(context: Context) -> Step:
    """A head of one unit with none below means that one, unless she names another of hers."""
    scope = tuple(post.unit_id for post in context.posts_that(ABILITY))
    own: Sequence[Any] = ()
    if len(scope) == 1 and not (yield Look(units.children, (scope[0], context.today))):
        own = scope
    return own[0] if own else (yield from register_told.ask_unit(context, within=scope))


def receipt(code: str) -> Reply:
    """Return what whoever registered her gets: a code and no name."""
    return Reply((Say("register.other_kept", {"code": code}),), sort="receipt")


def is_open_to(db: Connection, context: Context, unit_id: int) -> bool:
    """Tell whether she may still register somebody in a unit: rights are read again."""
    return appointments.may(db, context.contact_id, unit_id, context.content.roles_that(ABILITY), context.today)
