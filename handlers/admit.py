"""An officer opens an application by its code and admits or declines. One decision stands, whoever was first."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from dialogue.messages import Choice, Inbound, Json, Notice, Phrase, Reply, Say, opening, reply
from dialogue.turn import Ask, Conversation, Script, look
from handlers import person
from handlers.abroad import web_door
from handlers.context import Context
from storage import applications, appointments, audit, codes, consents, contacts, members, units
from storage.applications import Application
from storage.database import Connection
from storage.members import NewMember
from storage.sealing import Sealer
from vietnamese.fold import fold

ADMIT = "admit"
DECLINE = "decline"
REASONS = ("admit.reason.elsewhere", "admit.reason.member_already", "admit.reason.meet_first")
_OPEN_WORDS = re.compile(r"(?:(?:mo|xem|duyet|open|see)\s+)?(?:don\s+)?(\S+(?:\s\S+)?)")
_CONFIRMED = "yes"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the officer wants done with an application: see it (no decision yet), admit, decline with a reason."""

    code: str
    decision: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class List:
    """She wants to see what waits for her."""


def conversation(sealer: Sealer) -> Conversation:
    """Return the conversation; `sealer` opens birth date and phone."""
    return Conversation(
        "admit", ask=ask_officer, done=partial(act, sealer), words="admit.words", opens=code_in, needs="admit"
    )


def code_in(inbound: Inbound, _context: Context) -> Mapping[str, Json] | None:
    """Return the code of "mở DK-4T9P" or of a bare code."""
    match = _OPEN_WORDS.fullmatch(fold(inbound.text))
    code = codes.read_short_code(match[1], applications.PREFIX) if match else None
    return {"code": code} if code else None


def ask_officer(context: Context) -> Script:
    """Yield a reason and its confirmation where she declines; return `Wanted`, `List` or a refusal."""
    code = context.start.get("code")
    if not isinstance(code, str):
        return List()
    decision = context.start.get("decision")
    if decision != DECLINE:
        return Wanted(code, ADMIT if decision == ADMIT else None)
    roles = context.content.roles_that("admit")
    found = yield look(visible, code, context.contact_id, roles, context.today)
    if found is None:
        return Wanted(code)
    choices = tuple(Choice(key, Say(key)) for key in REASONS)
    reason = yield Ask("admit.reason", {"code": code}, parse=_reason, choices=choices)
    summary = {"code": code, "reason": _said(reason)}
    confirmed = (Choice(_CONFIRMED, Say("admit.decline_now")),)
    yield Ask("admit.decline_summary", summary, parse=None, choices=confirmed, confirm=True)
    return Wanted(code, DECLINE, reason)


def _reason(inbound: Inbound) -> str:
    return person.words_or_choice(inbound, REASONS)


def visible(db: Connection, code: str, contact_id: int, roles: Collection[str], today: date) -> Application | None:
    """Return an application of her scope; a foreign, unknown or own one is None alike."""
    found = applications.by_code(db, code)
    if found is None or found.contact_id == contact_id:
        return None
    return found if appointments.may(db, contact_id, found.unit_id, roles, today) else None


def act(sealer: Sealer, db: Connection, context: Context, result: Wanted | List) -> Sequence[Reply | Notice]:
    """Show, admit or decline; rights are read again here."""
    roles = context.content.roles_that("admit")
    if isinstance(result, List):
        return [_list(db, context)]
    found = visible(db, result.code, context.contact_id, roles, context.today)
    if found is None:
        return [reply("admit.unknown", code=result.code)]
    if found.state != "submitted":
        return [_decided_before(db, context, found)]
    match result.decision:
        case "admit":
            return _admit(sealer, db, context, found)
        case "decline":
            return _decline(sealer, db, context, found, result.reason or "")
        case _:
            return [_card(sealer, db, context, found)]


def _list(db: Connection, context: Context) -> Reply:
    scope = [post.unit_id for post in context.posts_that("admit")]
    waiting = applications.waiting_in(db, scope, context.today, without=context.contact_id)
    if not waiting:
        return reply("admit.none_waiting")
    buttons = [
        opening("admit", Say("admit.list_line", {"code": each.code, "sent_at": each.created_at}), code=each.code)
        for each in waiting
    ]
    return reply("admit.list", *buttons, count=len(waiting))


def _card(sealer: Sealer, db: Connection, context: Context, found: Application) -> Reply:
    if context.capabilities.data_abroad:
        return reply("admit.not_here", *web_door(context), code=found.code)
    kept = applications.details(db, sealer, found)
    _record(sealer, db, context, found, "application.viewed")
    values: dict[str, Phrase] = {
        "code": found.code,
        "name": found.full_name,
        "birth_year": (kept.birth or "")[:4],
        "unit": _unit_name(db, context, found.unit_id),
        "phone": person.masked_phone(kept.phone),
        "sent_at": found.created_at,
    }
    namesakes = members.count_namesakes(db, found.full_name, found.unit_id, context.today)
    warning = Say("admit.namesakes", {"count": namesakes}) if namesakes else None
    choices = (
        opening("admit", Say("admit.admit"), code=found.code, decision=ADMIT),
        opening("admit", Say("admit.decline"), code=found.code, decision=DECLINE),
    )
    return Reply((Say("admit.card", values), warning), choices)


def _admit(sealer: Sealer, db: Connection, context: Context, found: Application) -> list[Reply | Notice]:
    if not _decide(db, context, found, "admitted", None):
        return [_lost(db, context, found)]
    kept = applications.details(db, sealer, found)
    new = NewMember(found.contact_id, found.full_name, kept.birth, kept.phone)
    member_id = members.add(db, sealer, new, at=context.now)
    members.join(db, member_id, found.unit_id, since=context.today)
    contacts.set_name(db, found.contact_id, found.full_name)
    _record(sealer, db, context, found, "application.admitted")
    unit = _unit_name(db, context, found.unit_id)
    return [
        reply("admit.admitted" if _is_own(db, found) else "admit.admitted_for", code=found.code, unit=unit),
        *_told(
            db,
            found,
            herself=reply("admit.welcome", opening("menu", Say("menu.open")), unit=unit),
            other=reply("admit.other_admitted", code=found.code, unit=unit),
        ),
    ]


def _told(db: Connection, found: Application, *, herself: Reply, other: Reply) -> list[Notice]:
    """Tell the applicant; for one who was registered by somebody else and is reached nowhere, tell that one a code."""
    recorder = consents.recorder_of(db, found.contact_id, consents.MEMBERSHIP)
    return [Notice(found.contact_id, herself)] if recorder is None or _is_own(db, found) else [Notice(recorder, other)]


def _is_own(db: Connection, found: Application) -> bool:
    """Tell whether she applied herself."""
    return consents.recorder_of(db, found.contact_id, consents.MEMBERSHIP) in {None, found.contact_id}


def _decline(sealer: Sealer, db: Connection, context: Context, found: Application, reason: str) -> list[Reply | Notice]:
    if not _decide(db, context, found, "declined", reason):
        return [_lost(db, context, found)]
    _record(sealer, db, context, found, "application.declined")
    told = reply("admit.sorry", code=found.code, reason=_said(reason))
    other = reply("admit.other_declined", code=found.code, reason=_said(reason))
    key = "admit.declined" if _is_own(db, found) else "admit.declined_for"
    return [reply(key, code=found.code), *_told(db, found, herself=told, other=other)]


def _decide(db: Connection, context: Context, found: Application, state: str, reason: str | None) -> bool:
    by, at = context.contact_id, context.now
    return applications.decide(db, found.id, state=state, reason=reason, by=by, at=at)


def _record(sealer: Sealer, db: Connection, context: Context, found: Application, what: str) -> None:
    audit.record(
        db,
        at=context.now,
        actor_id=context.contact_id,
        channel=context.channel,
        act=what,
        subject=f"application:{found.code}",
        before=found.state,
        key=sealer.keys.digest,
    )


def _lost(db: Connection, context: Context, found: Application) -> Reply:
    return _decided_before(db, context, applications.by_code(db, found.code) or found)


def _decided_before(db: Connection, context: Context, found: Application) -> Reply:
    """Tell what was decided, when and by the officer of which unit; names of officers stay out of messages."""
    if found.state == "withdrawn" or found.decided_by is None or found.decided_at is None:
        return reply("admit.withdrawn", code=found.code)
    if found.decided_by == context.contact_id:
        by: Phrase = Say("admit.by_you")
    else:
        roles = context.content.roles_that("admit")
        held = appointments.of_contacts(db, [found.decided_by], context.today).get(found.decided_by, [])
        unit = next((post.unit_name for post in held if post.role in roles), None)
        by = Say("admit.by_unit", {"unit": unit}) if unit else Say("admit.by_another")
    key = "admit.was_admitted" if found.state == "admitted" else "admit.was_declined"
    return reply(key, code=found.code, by=by, at=found.decided_at)


def _said(reason: str) -> Phrase:
    return Say(reason) if reason in REASONS else reason


def _unit_name(db: Connection, context: Context, unit_id: int) -> str:
    place = units.get(db, unit_id, context.today)
    return place.name if place else ""
