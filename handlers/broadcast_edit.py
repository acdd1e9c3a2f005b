"""An officer changes the text, the photo or the time of a planned message. Runs that have begun stay as they are."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from dialogue.campaign_text import ALERT
from dialogue.messages import Choice, Lines, Notice, Phrase, Reply, Say, reply
from dialogue.turn import Ask, Conversation, Script, look
from handlers.broadcast import ABILITY, kept_photo, record, sample, time_notes
from handlers.broadcast_card import Standing, card, standing, to_list
from handlers.broadcast_text import fitting_text, read_photo, read_text, text_notes
from handlers.broadcast_times import LATER, Planning, When, ask_when
from handlers.broadcasts import told_owner
from handlers.context import Context
from storage import appointments, campaigns, invitations, schedules
from storage.audiences import Audience
from storage.campaigns import Campaign
from storage.database import Connection
from storage.sealing import Sealer

TEXT, PHOTO, TIME = "text", "photo", "time"


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be changed, and how it stood when she confirmed: one of text, photo (None: no photo) and time."""

    before: Standing
    what: str
    text: str = ""
    photo: str | None = None
    when: When | None = None


def conversation(sealer: Sealer, planning: Planning) -> Conversation:
    """Return the conversation; `sealer` has the key of the audit."""
    ask, done = partial(ask_change, planning), partial(change, sealer, planning)
    return Conversation("broadcast_edit", ask=ask, done=done, needs=ABILITY)


def ask_change(planning: Planning, context: Context) -> Script:
    """Yield what to change, the new value and a summary; return a `Change`, or None if there is nothing to change."""
    campaign_id = context.start.get("campaign")
    scope = tuple(post.unit_id for post in context.posts_that(ABILITY))
    seen: Campaign | None = yield look(campaigns.seen, campaign_id, context.contact_id, scope, context.today)
    if seen is None:
        return None
    before: Standing = yield look(standing_of, seen.id)
    if not before.is_planned:
        return Change(before, TEXT)
    choices = tuple(Choice(what, Say(f"broadcast_edit.{what}")) for what in (TEXT, PHOTO, TIME))
    what = yield Ask("broadcast_edit.what", {"code": seen.code}, parse=None, choices=choices)
    after = yield from _ask_after(planning, context, before, what)
    yield _summary(planning, context, after)
    return after


def standing_of(db: Connection, campaign_id: int) -> Standing:
    """Read how a campaign stands."""
    campaign = campaigns.get(db, campaign_id)
    assert campaign is not None
    return standing(db, campaign)


def _ask_after(planning: Planning, context: Context, before: Standing, what: str) -> Generator[Any, Any, Change]:
    campaign = before.campaign
    who = Audience(campaign.unit_id, campaign.role, context.today, is_alert=campaign.sort == ALERT)
    has_photo = campaign.attachment_id is not None
    if what == TEXT:
        text = yield Ask("broadcast.text", parse=read_text, announces=True)
        text = yield from fitting_text(planning, context, text, who, has_photo=has_photo)
        return Change(before, what, text=text)
    if what == PHOTO:
        photo = yield Ask("broadcast_edit.new_photo", parse=read_photo, optional=True)
        text = yield from fitting_text(planning, context, campaign.text, who, has_photo=photo is not None)
        return Change(before, what, text=text, photo=photo)
    when = yield from ask_when(planning, context, LATER)
    return Change(before, what, when=when)


def _summary(planning: Planning, context: Context, after: Change) -> Ask:
    campaign = after.before.campaign
    text = after.text or campaign.text
    has_photo = campaign.attachment_id is not None if after.what != PHOTO else after.photo is not None
    notes: list[Phrase] = text_notes(planning, text, has_photo=has_photo)
    if after.when is not None:
        notes = [Say("broadcast_edit.goes", {"when": after.when.words}), *time_notes(planning, context, after.when)]
    shown = sample(context, text, is_alert=campaign.sort == ALERT)
    values: dict[str, Phrase] = {"code": campaign.code, "sample": shown, "notes": Lines(tuple(notes))}
    choices = (Choice("save", Say("broadcast_edit.save")),)
    return Ask("broadcast_edit.summary", values, parse=None, choices=choices, confirm=True)


def change(
    sealer: Sealer, planning: Planning, db: Connection, context: Context, result: Change | None
) -> Sequence[Reply | Notice]:
    """Make the change, if the campaign is still hers to change and nobody else is changing it right now."""
    roles = context.content.roles_that(ABILITY)
    scope = appointments.scope_of(db, context.contact_id, roles, context.today)
    if result is None:
        return [reply("broadcasts.not_found", to_list())]
    campaign = campaigns.seen(db, result.before.campaign.id, context.contact_id, scope, context.today)
    if campaign is None:
        return [reply("broadcasts.not_found", to_list())]
    if not result.before.is_planned or not _changed(db, context, result):
        return [card(db, planning, context, campaign.id, (Say("broadcasts.too_late"),))]
    record(sealer, db, context, campaign, "broadcast.edited", before=_said(result.before), after={"what": result.what})
    did = Say("broadcast_edit.did", {"what": Say(f"broadcast_edit.{result.what}")})
    return [card(db, planning, context, campaign.id, (did,)), *told_owner(context, campaign, did)]


def _changed(db: Connection, context: Context, result: Change) -> bool:
    before = result.before
    plan = schedules.of_campaign(db, before.campaign.id)
    if plan is None or plan.state == "ended":
        return False
    if result.when is not None:
        first = result.when.first
        assert before.plan is not None and first is not None
        return schedules.reschedule(db, before.plan, rule=result.when.rule, next_due_at=first)
    now = invitations.arrived_at(db, context.inbox_id)
    photo_id = before.campaign.attachment_id if result.what == TEXT else kept_photo(db, context, result.photo, now)
    return campaigns.change(db, before.campaign, text=result.text, attachment_id=photo_id)


def _said(before: Standing) -> dict[str, Any]:
    plan = before.plan
    return {"text": before.campaign.text, "photo": before.campaign.attachment_id, "rule": plan.rule if plan else None}
