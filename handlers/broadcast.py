"""An officer plans a message to the people of a unit: text, photo, audience, time, and a summary to confirm."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any

from dialogue.answers import Invalid, plain_text
from dialogue.campaign_text import ALERT, personal_text
from dialogue.messages import Choice, Inbound, Lines, Notice, Phrase, Reply, Say, opening, reply
from dialogue.turn import Ask, Conversation, Script, look
from handlers.broadcast_text import fitting_text, read_photo, read_text, text_notes
from handlers.broadcast_times import LATER, NOW, Planning, When, ask_when, runs_in_words
from handlers.context import Context
from storage import appointments, attachments, audiences, audit, campaigns, invitations, schedules, units
from storage.audiences import Audience, Size
from storage.campaigns import Campaign, NewCampaign
from storage.database import Connection
from storage.schedules import CATCH_UP_S, ONCE
from storage.sealing import Sealer

ABILITY = "broadcast"
EVERYBODY = "everybody"
SHORTEST_REASON, LONGEST_REASON = 10, 500


@dataclass(frozen=True, slots=True)
class Message:
    """What the officer confirmed. `photo` is the SHA-256 of a photo she sent; `alert_reason` makes it urgent."""

    text: str
    photo: str | None
    unit_id: int
    role: str | None
    when: When
    alert_reason: str | None = None


def conversation(sealer: Sealer, planning: Planning) -> Conversation:
    """Return the conversation; `sealer` has the key of the audit."""
    ask, done = partial(ask_message, planning), partial(plan_message, sealer)
    return Conversation("broadcast", ask=ask, done=done, words="broadcast.words", needs=ABILITY)


def ask_message(planning: Planning, context: Context) -> Script:
    """Yield text, photo, audience, time and the summary; return a `Message`."""
    text = yield Ask("broadcast.text", parse=read_text, announces=True)
    photo = yield Ask("broadcast.photo", parse=read_photo, optional=True)
    unit_id, role = yield from _ask_audience(context)
    unit = yield look(units.get, unit_id, context.today)
    to = audience_in_words(role)
    who = Audience(unit_id, role, context.today, is_alert=True)
    if (yield look(audiences.is_empty, who)):
        # Nobody to send to: the only ways on are back and out.
        yield Ask("broadcast.nobody", {"to": to, "unit": unit.name}, parse=None)
    when = yield from ask_when(planning, context, (NOW, *LATER, ALERT))
    reason = (yield Ask("broadcast.alert_reason", parse=_reason, announces=True)) if when.is_alert else None
    who = replace(who, is_alert=when.is_alert)
    size = yield look(audiences.size, who)
    if not size.people:
        yield Ask("broadcast.nobody", {"to": to, "unit": unit.name}, parse=None)
    text = yield from fitting_text(planning, context, text, who, has_photo=photo is not None)
    message = Message(text, photo, unit_id, role, when, reason)
    values: dict[str, Phrase] = {"count": size_in_words(size), "to": to, "unit": unit.name}
    yield _summary(planning, context, message, values)
    return message


def _reason(inbound: Inbound) -> str:
    text = plain_text(inbound)
    if not SHORTEST_REASON <= len(text) <= LONGEST_REASON:
        raise Invalid("broadcast.alert_reason_length", least=SHORTEST_REASON, most=LONGEST_REASON)
    return text


def _summary(planning: Planning, context: Context, message: Message, values: dict[str, Phrase]) -> Ask:
    values |= {"sample": sample(context, message.text, is_alert=message.when.is_alert)}
    notes = text_notes(planning, message.text, has_photo=message.photo is not None)
    if message.when.is_alert:
        values |= {"reason": message.alert_reason, "notes": Lines(tuple(notes))}
        choices = (Choice("send", Say("broadcast.alert_confirm")),)
        return Ask("broadcast.alert_summary", values, parse=None, choices=choices, confirm=True, exact=True)
    values |= {"when": message.when.words, "notes": Lines((*notes, *time_notes(planning, context, message.when)))}
    choices = (Choice("send", Say("broadcast.confirm")),)
    return Ask("broadcast.summary", values, parse=None, choices=choices, confirm=True)


def sample(context: Context, text: str, *, is_alert: bool = False) -> Say:
    """Return a message as she herself would get it."""
    own = personal_text(text, context.name, "…") if context.name else text
    if is_alert:
        return Say("broadcast.sample_urgent", {"head": Say("broadcast.urgent", {"code": "…"}), "text": own})
    return Say("broadcast.sample", {"text": own, "opt_out": Say("broadcast.opt_out")})


def time_notes(planning: Planning, context: Context, when: When) -> list[Phrase]:
    """Return what is to be said of the time: the next runs, quiet hours, what happens if we are away then."""
    notes: list[Phrase] = [runs_in_words(when.runs)] if when.rule != ONCE else []
    until = planning.quiet.end_of_quiet(when.first or context.now)
    if until is not None:
        key = "broadcast.quiet_but_demo" if context.demo else "broadcast.quiet_wait"
        notes.append(Say(key, {"until": until}))
    if when.first is not None:
        notes.append(Say("broadcast.catch_up", {"hours": CATCH_UP_S // 3600}))
    return notes


def size_in_words(size: Size) -> Phrase:
    """Return how many people it is, with a word that says so where it is an estimate."""
    return size.people if size.is_exact else Say("broadcast.about", {"count": size.people})


def audience_in_words(role: str | None) -> Say:
    """Return whom a campaign is for, within its unit."""
    return Say(f"role.{role}") if role else Say("broadcast.everybody")


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


def plan_message(sealer: Sealer, db: Connection, context: Context, result: Message) -> Sequence[Reply | Notice]:
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
        attachment_id=kept_photo(db, context, result.photo, now),
        sort=ALERT if result.alert_reason else "broadcast",
        alert_reason=result.alert_reason,
    )
    campaign, is_new = campaigns.create(db, new, at=now)
    if is_new:
        schedules.create(db, campaign.id, rule=result.when.rule, next_due_at=result.when.first or now)
        _audit_alert(sealer, db, context, campaign, now)
    progress = opening("broadcasts", Say("broadcasts.progress"), campaign=campaign.id)
    cancel = opening("broadcasts", Say("broadcasts.cancel"), campaign=campaign.id, act="cancel")
    return [reply("broadcast.planned", progress, cancel, code=campaign.code, when=_planned_for(result.when))]


def _planned_for(when: When) -> Say:
    if when.rule == ONCE or when.first is None:
        return when.words
    return Say("broadcast.goes.first", {"rhythm": when.words, "first": when.first})


def _audit_alert(sealer: Sealer, db: Connection, context: Context, campaign: Campaign, now: datetime) -> None:
    if campaign.sort == ALERT:
        record(sealer, db, context, campaign, "broadcast.alert", after={"reason": campaign.alert_reason}, at=now)


def record(
    sealer: Sealer,
    db: Connection,
    context: Context,
    campaign: Campaign,
    act: str,
    *,
    at: datetime | None = None,
    before: Any = None,
    after: Any = None,
) -> None:
    """Note in the audit what an officer did to a campaign."""
    audit.record(
        db,
        at=at or context.now,
        actor_id=context.contact_id,
        channel=context.channel,
        act=act,
        subject=f"campaign:{campaign.code}",
        before=before,
        after=after,
        key=sealer.keys.digest,
    )


def kept_photo(db: Connection, context: Context, photo: str | None, now: datetime) -> int | None:
    """Return the attachment of a photo she sent; None for none."""
    if photo is None:
        return None
    return attachments.receive(db, [photo], contact_id=context.contact_id, at=now)[0]
