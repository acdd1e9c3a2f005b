"""A woman asks to join: consent, name, birth, her unit, perhaps a phone; nothing is kept before she sends it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from dialogue.messages import NOTHING, Choice, Notice, Reply, Say, opening, reply
from dialogue.turn import Ask, Conversation, Script, look
from handlers import person, register_other, register_told
from handlers.context import Context
from handlers.register_other import Told
from storage import applications, appointments, audit, consents, contacts, erasure, members, units
from storage.applications import NewApplication
from storage.consents import NewConsent
from storage.database import Connection
from storage.sealing import Sealer

CONSENT_VERSION = "2026-11"

_AGREED = "agree"
_REFUSED = "refuse"
_SEND = "send"


@dataclass(frozen=True, slots=True)
class Wish:
    """What she asks for, confirmed by her. `birth` is 1990 or 1990-05-12, `phone` +84… or nothing."""

    name: str
    birth: str
    unit_id: int
    phone: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """The talk ended without a wish. `forget` blanks what she wrote."""

    said: Reply
    forget: bool = False


def conversation(sealer: Sealer) -> Conversation:
    """Return the conversation; `sealer` locks birth date and phone."""
    return Conversation(
        "register", ask=ask_member, done=partial(submit, sealer), words="register.words", opens=register_told.opens
    )


def ask_member(context: Context) -> Script:
    """Yield the questions a message left open; return a `Wish`, `Told` of another woman, or `Ended` with nothing."""
    if register_other.is_meant(context):
        told = yield from register_other.ask_other(context, CONSENT_VERSION)
        return Ended(reply(told), forget=told == "register.minor") if isinstance(told, str) else told
    if context.member_of:
        return Ended(reply("register.already", unit=context.member_of[0][1]))
    waiting = yield look(applications.open_of, context.contact_id)
    if waiting is not None:
        return Ended(_waiting(waiting))
    consent = _consent(context)
    agreed = yield Ask(consent.key, consent.values, parse=None, choices=_YES_OR_NO)
    if agreed != _AGREED:
        return Ended(reply("register.no_consent"))
    name = yield from register_told.ask_name(context)
    birth = yield from register_told.ask_birth(context)
    if not person.is_adult(birth, context.today):
        return Ended(reply("register.minor"), forget=True)
    unit_id = yield from register_told.ask_unit(context)
    phone = yield from register_told.ask_phone(context)
    return (yield from _ask_summary(context, Wish(name, birth, unit_id, phone)))


_YES_OR_NO = (Choice(_AGREED, Say("register.agree")), Choice(_REFUSED, Say("register.refuse")))


def _consent(context: Context) -> Say:
    """What she is asked to agree to: that the Union keeps what she says. What goes abroad is asked by itself."""
    return Say("register.consent", {"controller": context.controller, "version": CONSENT_VERSION})


def _anew(ask: Callable[[Context], register_told.Step], context: Context) -> register_told.Step:
    """Ask for something once more, whatever her message told."""
    return ask(replace(context, start=NOTHING))


_EDITS: dict[str, Callable[[Context], register_told.Step]] = {
    "name": partial(_anew, register_told.ask_name),
    "birth": partial(_anew, register_told.ask_birth),
    "unit_id": partial(_anew, register_told.ask_unit),
    "phone": partial(_anew, register_told.ask_phone),
}


def _ask_summary(context: Context, wish: Wish) -> Generator[Any, Any, Wish | Ended]:
    """Yield the summary until she sends it, each time after one answer was given anew."""
    while True:
        place = yield look(units.get, wish.unit_id, context.today)
        values = {
            "name": wish.name,
            "birth": person.shown_birth(wish.birth),
            "unit": place.name if place else "",
            "phone": person.shown_phone(wish.phone),
        }
        answer = yield Ask(
            "register.summary", values, parse=None, choices=_SUMMARY_CHOICES, confirm=True, personal=True
        )
        if answer == _SEND:
            return wish
        changed: dict[str, Any] = {answer: (yield from _EDITS[answer](context))}
        wish = replace(wish, **changed)
        if not person.is_adult(wish.birth, context.today):
            return Ended(reply("register.minor"), forget=True)


_SUMMARY_CHOICES = (
    Choice(_SEND, Say("register.send")),
    Choice("name", Say("register.edit_name")),
    Choice("birth", Say("register.edit_birth")),
    Choice("unit_id", Say("register.edit_unit")),
    Choice("phone", Say("register.edit_phone")),
)


def submit(sealer: Sealer, db: Connection, context: Context, result: Wish | Told | Ended) -> Sequence[Reply | Notice]:
    """Keep the application with her consent and tell the nearest officers that there is one, without her name."""
    if isinstance(result, Ended):
        if result.forget:
            erasure.blank_messages(db, context.contact_id, inbox_id=context.inbox_id)
        return [result.said]
    if isinstance(result, Told):
        return _submit_other(sealer, db, context, result)
    belongs_to = members.units_of_contacts(db, [context.contact_id], context.today)
    if belongs_to:
        return [reply("register.already", unit=belongs_to[context.contact_id][0][1])]
    waiting = applications.open_of(db, context.contact_id)
    if waiting is not None:
        return [_waiting(waiting)]
    erasure.welcome_back(db, context.contact_id)
    _keep_consent(db, context, context.contact_id, _consent(context))
    new = NewApplication(context.contact_id, result.unit_id, result.name, result.birth, result.phone)
    code = _kept(sealer, db, context, new)
    said = Reply((Say("register.kept", {"code": code}),), sort="receipt")
    return [said, *_notices(db, context, code, result.unit_id)]


def _submit_other(sealer: Sealer, db: Connection, context: Context, told: Told) -> Sequence[Reply | Notice]:
    """Keep the application of a woman who has no address here: nothing is sent to her before she opens a channel."""
    if not register_other.is_open_to(db, context, told.unit_id):
        return [reply("turn.not_allowed")]
    contact_id = contacts.create(db, at=context.now, language=context.language)
    _keep_consent(db, context, contact_id, register_other.consent_text(context, CONSENT_VERSION))
    new = NewApplication(contact_id, told.unit_id, told.name, told.birth, told.phone)
    code = _kept(sealer, db, context, new)
    return [register_other.receipt(code), *_notices(db, context, code, told.unit_id)]


def _kept(sealer: Sealer, db: Connection, context: Context, new: NewApplication) -> str:
    code = applications.submit(db, sealer, new, at=context.now)
    audit.record(
        db,
        at=context.now,
        actor_id=context.contact_id,
        channel=context.channel,
        act="application.submitted",
        subject=f"application:{code}",
        after=[new.full_name, new.birth, new.unit_id, new.phone],
        key=sealer.keys.digest,
    )
    return code


def _keep_consent(db: Connection, context: Context, contact_id: int, shown: Say) -> None:
    new = NewConsent(
        contact_id=contact_id,
        purpose=consents.MEMBERSHIP,
        text_version=CONSENT_VERSION,
        text_shown=context.content.wording.phrase(shown, context.language),
        channel=context.channel,
        recorded_by=context.contact_id,
        given_at=context.now,
    )
    consents.give(db, new)


def _notices(db: Connection, context: Context, code: str, unit_id: int) -> list[Notice]:
    roles = context.content.roles_that("admit")
    officers = appointments.nearest_holders(db, unit_id, roles, context.today, without=context.contact_id)
    place = units.get(db, unit_id, context.today)
    open_it = opening("admit", Say("admit.open"), code=code)
    told = reply("admit.notice", open_it, code=code, unit=place.name if place else "")
    return [Notice(officer, told) for officer in officers]


def _waiting(waiting: applications.Application) -> Reply:
    return reply("register.waiting", code=waiting.code, sent_at=waiting.created_at)
