"""An officer plans a message to the people of a unit: text, photo, audience, time, and a summary to confirm."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from typing import Any

from dialogue.answers import Invalid, photos, plain_text
from dialogue.messages import Choice, Inbound, Lines, Notice, Phrase, Reply, Say, opening, reply
from dialogue.moments import first_run, read_clock, read_day_of_month, read_moment
from dialogue.quiet import NEVER_QUIET, QuietHours
from dialogue.turn import Ask, Conversation, Script, look
from handlers.context import Context
from storage import appointments, attachments, audiences, campaigns, invitations, schedules, units
from storage.audiences import Audience
from storage.campaigns import NewCampaign
from storage.database import Connection
from storage.schedules import ONCE

MOST_CHARS = 1_000
ADVISED_CHARS = 300
ABILITY = "broadcast"
EVERYBODY = "everybody"
NOW, AT, DAILY, WEEKLY, MONTHLY = "now", "at", "daily", "weekly", "monthly"
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class When:
    """When it goes out: the schedule's rule, its first time (None: at once) and both in words."""

    rule: str
    first: datetime | None
    words: Say


@dataclass(frozen=True, slots=True)
class Message:
    """What the officer confirmed. `photo` is the SHA-256 of a photo she sent."""

    text: str
    photo: str | None
    unit_id: int
    role: str | None
    when: When


def conversation(quiet: QuietHours = NEVER_QUIET) -> Conversation:
    """Return the conversation; `quiet` are the hours in which no broadcast is sent."""
    ask = partial(ask_message, quiet)
    return Conversation("broadcast", ask=ask, done=plan_message, words="broadcast.words", needs=ABILITY)


def ask_message(quiet: QuietHours, context: Context) -> Script:
    """Yield text, photo, audience, time and the summary; return a `Message`."""
    text = yield Ask("broadcast.text", parse=_text)
    photo = yield Ask("broadcast.photo", parse=_photo, optional=True)
    unit_id, role = yield from _ask_audience(context)
    unit = yield look(units.get, unit_id, context.today)
    count = yield look(audiences.count, Audience(unit_id, role, context.today))
    to = Say(f"role.{role}") if role else Say("broadcast.everybody")
    if not count:
        # Nobody to send to: the only ways on are back and out.
        yield Ask("broadcast.nobody", {"to": to, "unit": unit.name}, parse=None)
    when = yield from _ask_when(context)
    summary: dict[str, Phrase] = {
        "count": count,
        "to": to,
        "unit": unit.name,
        "when": when.words,
        "sample": Say("broadcast.sample", {"text": text, "opt_out": Say("broadcast.opt_out")}),
        "notes": _notes(text, photo, when.first or context.now, quiet, context),
    }
    choices = (Choice("send", Say("broadcast.confirm")),)
    yield Ask("broadcast.summary", summary, parse=None, choices=choices, confirm=True)
    return Message(text, photo, unit_id, role, when)


def _text(inbound: Inbound) -> str:
    text = plain_text(inbound)
    if len(text) > MOST_CHARS:
        raise Invalid("broadcast.text_too_long", chars=len(text), limit=MOST_CHARS)
    return text


def _photo(inbound: Inbound) -> str:
    return photos(inbound)[0]


def _ask_audience(context: Context) -> Generator[Any, Any, tuple[int, str | None]]:
    posts = context.posts_that(ABILITY)
    scope = tuple(post.unit_id for post in posts)
    own = tuple(Choice(post.unit_id, post.unit_name) for post in posts)
    unit_id = yield Ask(
        "broadcast.unit",
        parse=None,
        choices=own,
        search=units_within,
        search_with=(scope, context.today),
    )
    roles = yield look(audiences.roles_within, unit_id, context.today)
    if not roles:
        return unit_id, None
    choices = tuple(Choice(role, Say(f"role.{role}")) for role in roles)
    everybody = Choice(EVERYBODY, Say("broadcast.everybody"))
    role = yield Ask("broadcast.role", parse=None, choices=(everybody, *choices))
    return unit_id, None if role == EVERYBODY else role


def units_within(db: Connection, text: str, scope: Sequence[int], on: date) -> list[Choice]:
    """Return the units of her scope that fit what she typed, each with the unit above it."""
    return [Choice(found.id, _placed(db, found, on)) for found in units.search(db, text, on, within=scope)]


def _placed(db: Connection, found: units.Unit, on: date) -> str:
    above = units.get(db, found.parent_id, on) if found.parent_id is not None else None
    return f"{found.name} · {above.name}" if above is not None else found.name


def _ask_when(context: Context) -> Generator[Any, Any, When]:
    kinds = (NOW, AT, DAILY, WEEKLY, MONTHLY)
    choices = tuple(Choice(kind, Say(f"broadcast.when.{kind}")) for kind in kinds)
    kind = yield Ask("broadcast.when", parse=None, choices=choices)
    if kind == NOW:
        return When(ONCE, None, Say("broadcast.goes.now"))
    if kind == AT:
        typed = yield Ask("broadcast.moment", parse=partial(_moment, context.now))
        moment = datetime.fromisoformat(typed)
        return When(ONCE, moment, Say("broadcast.goes.at", {"moment": moment}))
    if kind == DAILY:
        clock = yield Ask("broadcast.clock", parse=read_clock)
        return _repeated(context, DAILY, clock)
    if kind == WEEKLY:
        days = tuple(Choice(day, Say(f"weekday.{day}")) for day in _WEEKDAYS)
        weekday = yield Ask("broadcast.weekday", parse=None, choices=days)
        clock = yield Ask("broadcast.clock", parse=read_clock)
        return _repeated(context, WEEKLY, clock, weekday=weekday)
    day = yield Ask("broadcast.day", parse=read_day_of_month)
    clock = yield Ask("broadcast.clock", parse=read_clock)
    return _repeated(context, MONTHLY, clock, day=day)


def _moment(now: datetime, inbound: Inbound) -> str:
    return read_moment(plain_text(inbound), now).isoformat()


def _repeated(context: Context, kind: str, clock: str, *, weekday: str | None = None, day: str | None = None) -> When:
    at = time.fromisoformat(clock)
    number = _WEEKDAYS.index(weekday) if weekday else None
    first = first_run(context.now, at, weekday=number, day=day)
    rule = f"{at.minute} {at.hour} {day or '*'} * {weekday or '*'}"
    return When(rule, first, Say(f"broadcast.goes.{kind}", _rhythm(clock, weekday, day) | {"first": first}))


def _rhythm(clock: str, weekday: str | None, day: str | None) -> dict[str, Phrase]:
    values: dict[str, Phrase] = {"clock": clock}
    if weekday is not None:
        values["weekday"] = Say(f"weekday.{weekday}")
    if day is not None:
        values["day"] = Say("broadcast.day_number", {"day": day}) if day.isdecimal() else Say("broadcast.last_day")
    return values


def _notes(text: str, photo: str | None, first: datetime, quiet: QuietHours, context: Context) -> Lines:
    notes: list[Phrase] = []
    if photo is not None:
        notes.append(Say("broadcast.with_photo"))
    if len(text) > ADVISED_CHARS:
        notes.append(Say("broadcast.long_text", {"chars": len(text), "advised": ADVISED_CHARS}))
    until = quiet.end_of_quiet(first)
    if until is not None:
        key = "broadcast.quiet_but_demo" if context.demo else "broadcast.quiet_wait"
        notes.append(Say(key, {"until": until}))
    return Lines(tuple(notes))


def plan_message(db: Connection, context: Context, result: Message) -> Sequence[Reply | Notice]:
    """Store the campaign and its schedule, once per confirmation, if the unit is still within her reach."""
    roles = context.content.roles_that(ABILITY)
    if not appointments.may(db, context.contact_id, result.unit_id, roles, context.today):
        return [reply("broadcast.not_allowed")]
    # When it reached us, not when a phone without a line says it was written.
    now = invitations.arrived_at(db, context.inbox_id)
    new = NewCampaign(
        created_by=context.contact_id,
        unit_id=result.unit_id,
        role=result.role,
        texts={context.content.wording.default: result.text},
        client_key=f"inbox:{context.inbox_id}",
        attachment_id=_kept_photo(db, context, result.photo, now),
    )
    campaign, is_new = campaigns.create(db, new, at=now)
    if is_new:
        schedules.create(db, campaign.id, rule=result.when.rule, next_due_at=result.when.first or now)
    progress = opening("broadcasts", Say("broadcasts.progress"), campaign=campaign.id)
    cancel = opening("broadcasts", Say("broadcasts.cancel"), campaign=campaign.id, act="cancel")
    return [reply("broadcast.planned", progress, cancel, code=campaign.code, when=result.when.words)]


def _kept_photo(db: Connection, context: Context, photo: str | None, now: datetime) -> int | None:
    if photo is None:
        return None
    return attachments.receive(db, [photo], contact_id=context.contact_id, at=now)[0]


BROADCAST = conversation()
