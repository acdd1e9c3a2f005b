"""What became of the messages an officer sent: progress, pause, resume, skip, cancel, for her own and those in her
scope."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from math import ceil
from typing import Any

from dialogue.messages import Choice, Inbound, Json, Notice, Phrase, Reply, Say, opening, reply
from dialogue.text import listed as listed_lines
from dialogue.turn import Ask, Conversation, Script, look
from handlers.broadcast import ABILITY, record
from handlers.broadcast_card import Standing, card, listed, shortened, standing, to_list
from handlers.broadcast_times import Planning
from handlers.context import Context
from storage import appointments, broadcasts, campaigns, codes, deliveries, invitations, schedules
from storage.campaigns import PREFIX, Campaign
from storage.database import Connection
from storage.schedules import Due
from storage.sealing import Sealer

SURE = "sure"
NEEDS_CONFIRMING = ("cancel", "cancel_run", "resend")
ARRIVED_AFTER_ALL = 0.9
"""Of messages in doubt more than so many had in fact arrived (measured; `docs/reliability.md`)."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which campaign she asks for (None: the list, from `before` on) and what is to be done with it.

    `due` is the run she saw as the coming one, `run` the run whose doubtful messages she wants sent again.
    """

    campaign_id: int | None
    act: str | None = None
    before: int | None = None
    due: str | None = None
    run: int | None = None


def conversation(sealer: Sealer, planning: Planning) -> Conversation:
    """Return the conversation; `sealer` has the key of the audit."""
    return Conversation(
        "broadcasts",
        ask=ask_wish,
        done=partial(do_wish, sealer, planning),
        words="broadcasts.words",
        opens=code_in,
        needs=ABILITY,
    )


def code_in(inbound: Inbound, _context: Context) -> Mapping[str, Json] | None:
    """Return the code in a message that is nothing but one (`TN-7K3M`)."""
    code = codes.read_short_code(inbound.text, PREFIX)
    return {"code": code} if code else None


def ask_wish(context: Context) -> Script:
    """Yield a question only before something that cannot be undone; return a `Wish`."""
    start = context.start
    campaign_id = _number(start.get("campaign"))
    if "code" in start:
        by_code: Campaign | None = yield look(campaigns.by_code, str(start["code"]))
        campaign_id = by_code.id if by_code else 0
    act, run_id = _word(start.get("act")), _number(start.get("run"))
    if campaign_id is not None and act in NEEDS_CONFIRMING:
        yield from _ask_sure(context, campaign_id, act, run_id)
    return Wish(campaign_id, act, _number(start.get("before")), _word(start.get("due")), run_id)


def _ask_sure(context: Context, campaign_id: int, act: str, run_id: int | None) -> Generator[Any, Any, None]:
    scope = tuple(post.unit_id for post in context.posts_that(ABILITY))
    seen: Campaign | None = yield look(campaigns.seen, campaign_id, context.contact_id, scope, context.today)
    if seen is None:
        return
    values: dict[str, Phrase] = {"code": seen.code, "text": shortened(seen.text)}
    if act != "resend":
        choices = (Choice(SURE, Say(f"broadcasts.{act}")),)
        yield Ask(f"broadcasts.sure_{act}", values, parse=None, choices=choices, confirm=True)
        return
    doubtful = (yield look(deliveries.counts, run_id or 0))["unknown"]
    if doubtful:
        values |= {"count": doubtful, "twice": ceil(doubtful * ARRIVED_AFTER_ALL)}
        choices = (Choice(SURE, Say("broadcasts.resend", {"count": doubtful})),)
        yield Ask("broadcasts.sure_resend", values, parse=None, choices=choices, confirm=True, exact=True)


def _number(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _word(value: Json) -> str | None:
    return str(value) if value is not None else None


@dataclass(frozen=True, slots=True)
class Steering:
    """What an act needs: the campaign as it stands now and what she wished."""

    db: Connection
    planning: Planning
    context: Context
    now: Standing
    wish: Wish

    @property
    def at(self) -> datetime:
        """When her wish reached us, not when a phone without a line says it was written."""
        return invitations.arrived_at(self.db, self.context.inbox_id)


def do_wish(
    sealer: Sealer, planning: Planning, db: Connection, context: Context, wish: Wish
) -> Sequence[Reply | Notice]:
    """Do what she asked for, if it is hers to do and still possible, and show how things stand now."""
    roles = context.content.roles_that(ABILITY)
    scope = appointments.scope_of(db, context.contact_id, roles, context.today)
    if wish.campaign_id is None:
        return [listed(db, context, scope, wish.before)]
    campaign = campaigns.seen(db, wish.campaign_id, context.contact_id, scope, context.today)
    if campaign is None:
        return [reply("broadcasts.not_found", to_list())]
    if wish.act == "sheet":
        return [_sheet(db, planning, context, campaign)]
    if wish.act == "link":
        return [_linked(sealer, db, context, campaign)]
    if wish.act not in ACTS:
        return [card(db, planning, context, campaign.id)]
    if not ACTS[wish.act](Steering(db, planning, context, standing(db, campaign), wish)):
        return [card(db, planning, context, campaign.id, (Say("broadcasts.too_late"),))]
    record(sealer, db, context, campaign, f"broadcast.{wish.act}", after={"due": wish.due, "run": wish.run})
    did = Say(f"broadcasts.did_{wish.act}")
    return [card(db, planning, context, campaign.id, (did,)), *told_owner(context, campaign, did)]


def _sheet(db: Connection, planning: Planning, context: Context, campaign: Campaign) -> Reply:
    """Return the link to the account of the last run; where files cannot be opened, the numbers and where they can."""
    run = broadcasts.latest(db, campaign.id)
    if run is None:
        return card(db, planning, context, campaign.id, (Say("broadcasts.too_late"),))
    if context.capabilities.files and not context.capabilities.data_abroad:
        back = opening("broadcasts", Say("broadcasts.open"), campaign=campaign.id)
        return Reply((Say("broadcasts.sheet_here", {"code": run.code}),), (back,), file=f"{run.code}.xlsx")
    shown = card(db, planning, context, campaign.id, (Say("broadcasts.sheet_elsewhere"),))
    on_the_page = opening("continue", Say("continue.open"))
    return shown if on_the_page in shown.choices else replace(shown, choices=(*shown.choices, on_the_page))


def _linked(sealer: Sealer, db: Connection, context: Context, campaign: Campaign) -> Reply:
    """Let whoever has the link read the campaign, and return the links of all channels that have one."""
    back = opening("broadcasts", Say("broadcasts.open"), campaign=campaign.id)
    links = [link.replace("{payload}", campaign.code) for link in context.chat_links]
    if not links:
        return reply("broadcasts.no_links", back)
    campaigns.link(db, campaign.id, at=invitations.arrived_at(db, context.inbox_id))
    record(sealer, db, context, campaign, "broadcast.linked")
    return reply("broadcasts.links", back, code=campaign.code, links=listed_lines(links))


def told_owner(context: Context, campaign: Campaign, did: Say) -> list[Notice]:
    """Return what its owner hears when a colleague changed a campaign of hers."""
    if campaign.created_by == context.contact_id:
        return []
    button = opening("broadcasts", Say("broadcasts.open"), campaign=campaign.id)
    return [Notice(campaign.created_by, reply("broadcasts.by_colleague", button, code=campaign.code, what=did))]


def _pause(steering: Steering) -> bool:
    run = steering.now.run
    return run is not None and broadcasts.pause(steering.db, run.id)


def _resume(steering: Steering) -> bool:
    run = steering.now.run
    return run is not None and broadcasts.resume(steering.db, run.id)


def _cancel_run(steering: Steering) -> bool:
    run = steering.now.run
    return run is not None and broadcasts.cancel(steering.db, run.id)


def _cancel(steering: Steering) -> bool:
    plan = steering.now.plan
    ended = plan is not None and schedules.end(steering.db, plan.id)
    return _cancel_run(steering) or ended


def _pause_plan(steering: Steering) -> bool:
    plan = steering.now.plan
    return plan is not None and schedules.pause(steering.db, plan.id)


def _resume_plan(steering: Steering) -> bool:
    plan = steering.now.plan
    return plan is not None and schedules.resume(steering.db, plan.id)


def _skip(steering: Steering) -> bool:
    """Skip the coming run, if it is still the one she saw: a second press must not skip a second run."""
    plan = steering.now.plan
    if plan is None or plan.next_due_at is None or plan.next_due_at.isoformat() != steering.wish.due:
        return False
    following = steering.planning.next_runs(plan.rule, plan.next_due_at)
    campaign = steering.now.campaign
    due = Due(plan.id, campaign.id, plan.rule, plan.next_due_at, plan.catch_up_s, campaign.code, campaign.created_by)
    return schedules.skip(steering.db, due, next_due_at=following[0] if following else None, now=steering.at)


def _resend(steering: Steering) -> bool:
    run = steering.now.run
    is_same = run is not None and run.id == steering.wish.run
    return is_same and run is not None and broadcasts.send_again(steering.db, run.id, at=steering.at) > 0


ACTS: Mapping[str | None, Callable[[Steering], bool]] = {
    "pause": _pause,
    "resume": _resume,
    "cancel_run": _cancel_run,
    "cancel": _cancel,
    "pause_plan": _pause_plan,
    "resume_plan": _resume_plan,
    "skip": _skip,
    "resend": _resend,
}
