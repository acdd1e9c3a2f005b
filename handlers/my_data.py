"""What is hers: see everything that is kept, correct it, withdraw her consent, be erased."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from dialogue.messages import Choice, Forget, Notice, Phrase, Reply, Say, opening, reply
from dialogue.text import listed
from dialogue.turn import Ask, Conversation, Script
from handlers import person
from handlers.abroad import web_door
from handlers.context import Context
from storage import applications, audit, consents, erasure, members, people
from storage.database import Connection
from storage.sealing import Sealer

_YES = "yes"
_ACTIONS = ("see", "correct", "withdraw", "delete")
_FIELDS = ("name", "birth", "phone", "unit")


@dataclass(frozen=True, slots=True)
class See:
    """She wants to read what is kept."""


@dataclass(frozen=True, slots=True)
class Correct:
    """A corrected `name`, `birth` or `phone`, confirmed by her."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """She withdraws her consent, confirmed."""


@dataclass(frozen=True, slots=True)
class Delete:
    """She wants to be erased, confirmed."""


Wanted = See | Correct | Withdraw | Delete | Reply


def conversation(sealer: Sealer) -> Conversation:
    """Return the conversation; `sealer` opens and locks birth date and phone."""
    return Conversation("my_data", ask=ask_person, done=partial(act, sealer), words="my_data.words")


def ask_person(context: Context) -> Script:
    """Yield what she wants done and its details; return one of `Wanted`."""
    action = context.start.get("action")
    if action not in _ACTIONS:
        choices = tuple(Choice(each, Say(f"my_data.do_{each}")) for each in _ACTIONS)
        action = yield Ask("my_data.choose", parse=None, choices=choices)
    if action == "see":
        return See()
    if action == "correct":
        return (yield from _ask_correction(context))
    choices = (Choice(_YES, Say(f"my_data.yes_{action}")),)
    yield Ask(f"my_data.sure_{action}", parse=None, choices=choices, confirm=True, exact=action == "delete")
    return Withdraw() if action == "withdraw" else Delete()


def _ask_correction(context: Context) -> Generator[Any, Any, Wanted]:
    choices = tuple(Choice(each, Say(f"my_data.field_{each}")) for each in _FIELDS)
    field = yield Ask("my_data.field", parse=None, choices=choices)
    if field == "unit":
        return reply("my_data.ask_your_officer")
    value: str
    if field == "birth":
        value = yield from person.ask_birth(context)
        if not person.is_adult(value, context.today):
            return reply("my_data.birth_of_a_minor")
        shown = person.shown_birth(value)
    elif field == "phone":
        value = yield Ask("my_data.phone", parse=person.mobile, personal=True)
        shown = person.shown_phone(value)
    else:
        value = shown = yield Ask("person.name", parse=person.full_name, personal=True)
    values = {"field": Say(f"my_data.field_{field}"), "value": shown}
    confirmed = (Choice(_YES, Say("my_data.yes_correct")),)
    yield Ask("my_data.sure_correct", values, parse=None, choices=confirmed, confirm=True)
    return Correct(field, value)


def act(sealer: Sealer, db: Connection, context: Context, result: Wanted) -> Sequence[Reply | Notice | Forget]:
    """Do what she asked; everything but reading is audited, reading by herself is not."""
    match result:
        case Reply():
            return [result]
        case See():
            return [_seen(sealer, db, context)]
        case Correct():
            return [_correct(sealer, db, context, result)]
        case Withdraw():
            return [_withdraw(sealer, db, context)]
        case Delete():
            return _delete(sealer, db, context)


def _seen(sealer: Sealer, db: Connection, context: Context) -> Reply:
    others = tuple(opening("my_data", Say(f"my_data.do_{each}"), action=each) for each in _ACTIONS[1:])
    if context.capabilities.data_abroad:
        return reply("my_data.not_here", *web_door(context), *others)
    kept = people.kept_of(db, sealer, context.contact_id, context.today)
    lines: list[Phrase] = [Say("my_data.kept_name", {"name": kept.name})] if kept.name else []
    for member in kept.members:
        lines += _about(member.full_name, member.birth, member.phone)
        lines += [Say("my_data.kept_unit", {"unit": name}) for _, name in member.units]
    for waiting, details in kept.waiting:
        lines += [Say("my_data.kept_application", {"code": waiting.code, "sent_at": waiting.created_at})]
        lines += _about(waiting.full_name, details.birth, details.phone)
    lines += [Say("my_data.kept_role", {"role": Say(f"role.{p.role}"), "unit": p.unit_name}) for p in context.posts]
    lines += [Say("my_data.kept_consent", {"given_at": each.given_at}) for each in kept.consents]
    lines += [
        Say("my_data.kept_messages", {"messages": kept.messages, "reports": kept.reports}),
        Say("my_data.kept_addresses", {"count": kept.addresses}),
    ]
    return Reply((Say("my_data.kept"), listed(lines)), others)


def _about(name: str, birth: str | None, phone: str | None) -> list[Phrase]:
    born = Say("my_data.kept_birth", {"birth": person.shown_birth(birth)}) if birth else None
    reached = Say("my_data.kept_phone", {"phone": person.shown_phone(phone)}) if phone else None
    return [Say("my_data.kept_full_name", {"name": name}), born, reached]


def _correct(sealer: Sealer, db: Connection, context: Context, wanted: Correct) -> Reply:
    if not people.correct(db, sealer, context.contact_id, wanted.field, wanted.value):
        return reply("my_data.nothing_to_correct")
    _record(sealer, db, context, f"person.{wanted.field}_corrected", after=wanted.value)
    return reply("my_data.corrected", field=Say(f"my_data.field_{wanted.field}"))


def _withdraw(sealer: Sealer, db: Connection, context: Context) -> Reply:
    consents.withdraw_all(db, context.contact_id, at=context.now)
    consents.stop_everything(db, context.contact_id, at=context.now)
    applications.withdraw(db, context.contact_id, at=context.now)
    for member_id, uid in members.ids_of_contact(db, context.contact_id):
        members.set_birth(db, sealer, member_id, uid, None)
        members.set_phone(db, sealer, member_id, uid, None)
    _record(sealer, db, context, "consent.withdrawn")
    return reply("my_data.withdrawn")


def _delete(sealer: Sealer, db: Connection, context: Context) -> Sequence[Reply | Forget]:
    _record(sealer, db, context, "person.erased")
    consents.stop_everything(db, context.contact_id, at=context.now)
    erasure.erase(db, sealer, context.contact_id, at=context.now, on=context.today, inbox_id=context.inbox_id)
    return [reply("my_data.deleted"), Forget()]


def _record(sealer: Sealer, db: Connection, context: Context, what: str, *, after: str | None = None) -> None:
    audit.record(
        db,
        at=context.now,
        actor_id=context.contact_id,
        channel=context.channel,
        act=what,
        subject=f"contact:{context.contact_id}",
        after=after,
        key=sealer.keys.digest,
    )
