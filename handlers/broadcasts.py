"""What became of the messages an officer sent: progress, pause, resume, cancel, for her own and those in her scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dialogue.messages import Choice, Inbound, Json, Lines, Notice, Phrase, Reply, Say, opening, reply
from dialogue.turn import Ask, Conversation, Script, look
from handlers.broadcast import ABILITY
from handlers.context import Context
from storage import appointments, broadcasts, campaigns, codes, deliveries, schedules, units
from storage.broadcasts import Broadcast
from storage.campaigns import PREFIX, Campaign
from storage.database import Connection
from storage.schedules import ONCE, Schedule

PAGE = 8
SHOWN_CHARS = 60
NAMES = 20
SURE = "sure"
NEEDS_CONFIRMING = ("cancel", "cancel_run")


@dataclass(frozen=True, slots=True)
class Wish:
    """Which campaign she asks for (None: the list, from `before` on) and what is to be done with it."""

    campaign_id: int | None
    act: str | None = None
    before: int | None = None


def code_in(inbound: Inbound, _context: Context) -> Mapping[str, Json] | None:
    """Return the code in a message that is nothing but one (`TN-7K3M`)."""
    code = codes.read_short_code(inbound.text, PREFIX)
    return {"code": code} if code else None


def ask_wish(context: Context) -> Script:
    """Yield a question only before something is cancelled; return a `Wish`."""
    start = context.start
    campaign_id = _number(start.get("campaign"))
    if "code" in start:
        by_code: Campaign | None = yield look(campaigns.by_code, str(start["code"]))
        campaign_id = by_code.id if by_code else 0
    act = start.get("act")
    scope = tuple(post.unit_id for post in context.posts_that(ABILITY))
    if campaign_id is not None and act in NEEDS_CONFIRMING:
        seen: Campaign | None = yield look(campaigns.seen, campaign_id, context.contact_id, scope, context.today)
        if seen is not None:
            values = {"code": seen.code, "text": _shortened(seen.text)}
            choices = (Choice(SURE, Say(f"broadcasts.{act}")),)
            yield Ask(f"broadcasts.sure_{act}", values, parse=None, choices=choices, confirm=True)
    return Wish(campaign_id, str(act) if act is not None else None, _number(start.get("before")))


def _number(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def do_wish(db: Connection, context: Context, wish: Wish) -> Sequence[Reply | Notice]:
    """Do what she asked for, if it is hers to do and still possible, and show how things stand now."""
    roles = context.content.roles_that(ABILITY)
    scope = appointments.scope_of(db, context.contact_id, roles, context.today)
    if wish.campaign_id is None:
        return [_list(db, context, scope, wish.before)]
    campaign = campaigns.seen(db, wish.campaign_id, context.contact_id, scope, context.today)
    if campaign is None:
        return [reply("broadcasts.not_found", _to_list())]
    run = broadcasts.latest(db, campaign.id)
    plan = schedules.of_campaign(db, campaign.id)
    head: tuple[Say, ...] = ()
    if wish.act in ACTS:
        changed = ACTS[wish.act](db, run, plan)
        head = (Say(f"broadcasts.did_{wish.act}" if changed else "broadcasts.too_late"),)
    return [_card(db, context, campaign, head)]


def _pause(db: Connection, run: Broadcast | None, _plan: Schedule | None) -> bool:
    return run is not None and broadcasts.pause(db, run.id)


def _resume(db: Connection, run: Broadcast | None, _plan: Schedule | None) -> bool:
    return run is not None and broadcasts.resume(db, run.id)


def _cancel_run(db: Connection, run: Broadcast | None, _plan: Schedule | None) -> bool:
    return run is not None and broadcasts.cancel(db, run.id)


def _cancel(db: Connection, run: Broadcast | None, plan: Schedule | None) -> bool:
    ended = plan is not None and schedules.end(db, plan.id)
    return _cancel_run(db, run, plan) or ended


def _pause_plan(db: Connection, _run: Broadcast | None, plan: Schedule | None) -> bool:
    return plan is not None and schedules.pause(db, plan.id)


def _resume_plan(db: Connection, _run: Broadcast | None, plan: Schedule | None) -> bool:
    return plan is not None and schedules.resume(db, plan.id)


ACTS: Mapping[str | None, Callable[[Connection, Broadcast | None, Schedule | None], bool]] = {
    "pause": _pause,
    "resume": _resume,
    "cancel_run": _cancel_run,
    "cancel": _cancel,
    "pause_plan": _pause_plan,
    "resume_plan": _resume_plan,
}


def _card(db: Connection, context: Context, campaign: Campaign, head: tuple[Say, ...]) -> Reply:
    run = broadcasts.latest(db, campaign.id)
    plan = schedules.of_campaign(db, campaign.id)
    unit = units.get(db, campaign.unit_id, context.today)
    to = Say(f"role.{campaign.role}") if campaign.role else Say("broadcast.everybody")
    values: dict[str, Phrase] = {
        "code": campaign.code,
        "text": _shortened(campaign.text),
        "to": to,
        "unit": unit.name if unit else "",
    }
    lines = [*_plan_lines(plan), *_run_lines(db, context, run)]
    return Reply(
        (*head, Say("broadcasts.card", values), Lines(tuple(lines))), (*_buttons(campaign, run, plan), _to_list())
    )


def _plan_lines(plan: Schedule | None) -> list[Phrase]:
    if plan is None or plan.state == "ended":
        return []
    if plan.state == "paused":
        return [Say("broadcasts.plan_paused")]
    if plan.next_due_at is None:
        return []
    return [Say("broadcasts.next", {"due": plan.next_due_at})]


def _run_lines(db: Connection, context: Context, run: Broadcast | None) -> list[Phrase]:
    """How the last run stands: its state, recipients by state (they add up), and the doubtful ones by name."""
    if run is None:
        return []
    counts = deliveries.counts(db, run.id)
    lines: list[Phrase] = [Say(f"broadcasts.run.{run.state}", {"code": run.code, "total": sum(counts.values())})]
    if run.state == "paused" and run.reason is not None:
        lines.append(_reason(context, run.reason))
    lines += [Say(f"broadcast.state.{state}", {"count": count}) for state, count in counts.items() if count]
    # Names never go to a channel abroad.
    if counts["unknown"] and not context.capabilities.data_abroad:
        names = deliveries.in_doubt(db, run.id, most=NAMES)
        more = counts["unknown"] - len(names)
        lines.append(Say("broadcasts.in_doubt", {"names": ", ".join(names)}))
        lines.append(Say("broadcasts.more_in_doubt", {"count": more}) if more else None)
    return lines


def _reason(context: Context, reason: str) -> Say:
    key = f"broadcast.reason.{reason}"
    known = context.content.wording.has(key)
    return Say(key) if known else Say("broadcast.other_reason", {"reason": reason})


def _buttons(campaign: Campaign, run: Broadcast | None, plan: Schedule | None) -> list[Choice]:
    acts: list[str] = []
    is_open = run is not None and run.state in ("freezing", "running", "paused")
    repeats = plan is not None and plan.rule != ONCE and plan.state != "ended"
    if run is not None and is_open:
        acts.append("resume" if run.state == "paused" else "pause")
        acts += ["cancel_run"] if repeats else []
    if plan is not None and plan.state == "active" and repeats:
        acts.append("pause_plan")
    if plan is not None and plan.state == "paused":
        acts.append("resume_plan")
    if is_open or (plan is not None and plan.state != "ended"):
        acts.append("cancel")
    again = opening("broadcasts", Say("broadcasts.again"), campaign=campaign.id)
    steer = [opening("broadcasts", Say(f"broadcasts.{act}"), campaign=campaign.id, act=act) for act in acts]
    return [again, *steer] if acts else []


def _to_list() -> Choice:
    return opening("broadcasts", Say("broadcasts.list_button"))


def _list(db: Connection, context: Context, scope: Sequence[int], before: int | None) -> Reply:
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
    run = broadcasts.latest(db, campaign.id)
    plan = schedules.of_campaign(db, campaign.id)
    values: dict[str, Phrase] = {"code": campaign.code, "text": _shortened(campaign.text)}
    if plan is not None and plan.state == "active" and plan.next_due_at is not None:
        return Say("broadcasts.line_waiting", values | {"due": plan.next_due_at})
    state = run.state if run is not None else "cancelled"
    return Say(f"broadcasts.line.{state}", values)


def _shortened(text: str) -> str:
    first = " ".join(text.split())
    return first if len(first) <= SHOWN_CHARS else f"{first[:SHOWN_CHARS].rsplit(' ', 1)[0]} …"


BROADCASTS = Conversation(
    "broadcasts", ask=ask_wish, done=do_wish, words="broadcasts.words", opens=code_in, needs=ABILITY
)
