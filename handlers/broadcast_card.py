"""How a campaign stands, as an officer sees it: its plan, its last run by state, who is in doubt, what may be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dialogue import rhythms
from dialogue.messages import Choice, Lines, Phrase, Reply, Say, opening, reply
from dialogue.text import Wording
from handlers.broadcast import audience_in_words
from handlers.broadcast_times import Planning, runs_in_words, runs_of
from handlers.context import Context
from storage import broadcasts, campaigns, deliveries, schedules, units
from storage.broadcasts import Broadcast
from storage.campaigns import Campaign
from storage.database import Connection
from storage.schedules import ONCE, Schedule

PAGE = 8
SHOWN_CHARS = 60
NAMES = 20
OPEN = ("freezing", "running", "paused")


@dataclass(frozen=True, slots=True)
class Standing:
    """A campaign with its last run and its schedule, as they are now."""

    campaign: Campaign
    run: Broadcast | None
    plan: Schedule | None

    @property
    def is_planned(self) -> bool:
        """Whether its schedule may still bring runs."""
        return self.plan is not None and self.plan.state != "ended"

    @property
    def repeats(self) -> bool:
        """Whether it comes again and again."""
        return self.is_planned and self.plan is not None and self.plan.rule != ONCE

    @property
    def is_open(self) -> bool:
        """Whether its last run may still send."""
        return self.run is not None and self.run.state in OPEN


def standing(db: Connection, campaign: Campaign) -> Standing:
    """Read how a campaign stands."""
    return Standing(campaign, broadcasts.latest(db, campaign.id), schedules.of_campaign(db, campaign.id))


def card(db: Connection, planning: Planning, context: Context, campaign_id: int, head: tuple[Say, ...] = ()) -> Reply:
    """Return the card of a campaign, under `head`."""
    campaign = campaigns.get(db, campaign_id)
    assert campaign is not None
    now = standing(db, campaign)
    unit = units.get(db, campaign.unit_id, context.today)
    values: dict[str, Phrase] = {
        "code": campaign.code,
        "text": shortened(campaign.text),
        "to": audience_in_words(campaign.role),
        "unit": unit.name if unit else "",
    }
    counts = deliveries.counts(db, now.run.id) if now.run is not None else {}
    lines = Lines((*_plan_lines(planning, context, now.plan), *_run_lines(db, context, now.run, counts)))
    buttons = (*_buttons(planning, context, now, counts.get("unknown", 0)), to_list())
    return Reply((*head, Say("broadcasts.card", values), lines), buttons)


def _plan_lines(planning: Planning, context: Context, plan: Schedule | None) -> list[Phrase]:
    if plan is None or plan.state == "ended":
        return []
    if plan.state == "paused":
        return [Say("broadcasts.plan_paused")]
    runs = runs_of(planning, plan, context.now)
    if plan.rule == ONCE:
        return [Say("broadcasts.next", {"due": run}) for run in runs]
    return [Say("broadcasts.rhythm", {"rhythm": rhythms.in_words(plan.rule)}), runs_in_words(runs)]


def _run_lines(db: Connection, context: Context, run: Broadcast | None, counts: dict[str, int]) -> list[Phrase]:
    """How the last run stands: its state, recipients by state (they add up), failures by reason, who is in doubt."""
    if run is None:
        return []
    lines: list[Phrase] = [Say(f"broadcasts.run.{run.state}", {"code": run.code, "total": sum(counts.values())})]
    if run.state == "paused" and run.reason is not None:
        lines.append(_reason(context, run.reason))
    for state, count in counts.items():
        lines += [Say(f"broadcast.state.{state}", {"count": count})] if count else []
        if state == "failed" and count:
            lines += [_failure(context, *each) for each in deliveries.failures(db, run.id)]
    return [*lines, *_doubts(db, context, run, counts["unknown"])]


def _reason(context: Context, reason: str) -> Say:
    key = f"broadcast.reason.{reason}"
    known = context.content.wording.has(key)
    return Say(key) if known else Say("broadcast.other_reason", {"reason": reason})


def _failure(context: Context, reason: str, count: int) -> Say:
    words = failure_in_words(context.content.wording, reason)
    return Say("broadcasts.failure", {"count": count, "reason": words})


def failure_in_words(wording: Wording, reason: str | None) -> Say:
    """Return why a message failed, in plain words where there are some for it."""
    key = f"broadcast.failed.{reason}"
    known = bool(reason) and wording.has(key)
    return Say(key) if known else Say("broadcast.failed_otherwise", {"reason": reason or ""})


def _doubts(db: Connection, context: Context, run: Broadcast, count: int) -> list[Phrase]:
    if not count:
        return []
    if context.capabilities.data_abroad:
        return [Say("broadcasts.names_elsewhere")]  # names never go to a channel abroad
    names = deliveries.in_doubt(db, run.id, most=NAMES)
    more = count - len(names)
    return [
        Say("broadcasts.in_doubt", {"names": ", ".join(names)}),
        Say("broadcasts.more_in_doubt", {"count": more}) if more else None,
    ]


def _buttons(planning: Planning, context: Context, now: Standing, doubtful: int) -> list[Choice]:
    acts = _acts(now)
    steer = [_act(now.campaign, act) for act in acts]
    if now.repeats and now.plan is not None and now.plan.state == "active":
        coming = runs_of(planning, now.plan, context.now)
        steer += [_act(now.campaign, "skip", due=coming[0].isoformat())] if now.plan.next_due_at is not None else []
    if now.is_planned:
        steer.append(opening("broadcast_edit", Say("broadcast_edit.open"), campaign=now.campaign.id))
    if acts:
        again = opening("broadcasts", Say("broadcasts.again"), campaign=now.campaign.id)
        steer = [again, *steer]
    if doubtful and now.run is not None and now.run.state in ("paused", "done"):
        label = Say("broadcasts.resend", {"count": doubtful})
        resend = opening("broadcasts", label, campaign=now.campaign.id, act="resend", run=now.run.id)
        steer.append(resend)
    if now.run is not None and now.run.state in ("paused", "done", "cancelled"):
        steer.append(_act(now.campaign, "sheet"))
    if doubtful and context.capabilities.data_abroad:
        steer.append(opening("continue", Say("continue.open")))
    if context.chat_links:
        steer.append(_act(now.campaign, "link"))
    return steer


def _acts(now: Standing) -> list[str]:
    acts: list[str] = []
    if now.run is not None and now.is_open:
        acts.append("resume" if now.run.state == "paused" else "pause")
        acts += ["cancel_run"] if now.repeats else []
    if now.repeats and now.plan is not None and now.plan.state == "active":
        acts.append("pause_plan")
    if now.plan is not None and now.plan.state == "paused":
        acts.append("resume_plan")
    if now.is_open or now.is_planned:
        acts.append("cancel")
    return acts


def _act(campaign: Campaign, act: str, **more: str) -> Choice:
    return opening("broadcasts", Say(f"broadcasts.{act}"), campaign=campaign.id, act=act, **more)


def to_list() -> Choice:
    """Return the button that leads to all campaigns."""
    return opening("broadcasts", Say("broadcasts.list_button"))


def listed(db: Connection, context: Context, scope: Sequence[int], before: int | None) -> Reply:
    """Return a page of the campaigns she may see, newest first."""
    found = campaigns.listed(db, context.contact_id, scope, context.today, most=PAGE + 1, before=before)
    if not found:
        return reply("broadcasts.none", opening("broadcast", Say("broadcast.open")))
    page = found[:PAGE]
    lines = Lines(tuple(_line(db, campaign) for campaign in page))
    choices = [opening("broadcasts", campaign.code, campaign=campaign.id) for campaign in page]
    if len(found) > PAGE:
        choices.append(opening("broadcasts", Say("broadcasts.more"), before=page[-1].id))
    choices.append(opening("broadcast", Say("broadcast.open")))
    return Reply((Say("broadcasts.list"), lines), tuple(choices))


def _line(db: Connection, campaign: Campaign) -> Say:
    now = standing(db, campaign)
    values: dict[str, Phrase] = {"code": campaign.code, "text": shortened(campaign.text)}
    if now.plan is not None and now.plan.state == "active" and now.plan.next_due_at is not None:
        return Say("broadcasts.line_waiting", values | {"due": now.plan.next_due_at})
    state = now.run.state if now.run is not None else "cancelled"
    return Say(f"broadcasts.line.{state}", values)


def shortened(text: str) -> str:
    """Return the beginning of a text on one line."""
    first = " ".join(text.split())
    return first if len(first) <= SHOWN_CHARS else f"{first[:SHOWN_CHARS].rsplit(' ', 1)[0]} …"
