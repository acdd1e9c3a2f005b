"""What must be true at the end of every run, judged by the platform's own ledger and the journal of states.

Each judge is named after its promise (`docs/reliability.md`) and yields what breaks it, in words.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.sending import REQUEST_TIMEOUT_S
from dialogue.text import VIETNAM
from storage.deliveries import BROADCASTS
from tests.simulation.plan import CRON, IN_PARTS
from tests.simulation.platform import PATIENCE_S, UNCLEAR, Request
from tests.simulation.store import START, stored
from tests.simulation.world import World

FINAL = {"sent", "failed", "unknown", "cancelled", "skipped"}
MOVES = {
    ("ready", "sending"),
    ("ready", "cancelled"),
    ("ready", "skipped"),
    ("ready", "failed"),
    *(("sending", state) for state in (*FINAL - {"skipped"}, "ready")),
}
"""How a delivery may change its state; out of a final one only a pressed button leads."""


@dataclass(frozen=True, slots=True)
class Change:
    """A row of the journal."""

    at: float
    by: str
    kind: str
    row: int
    was: str | None
    now: str | None
    reason: str | None
    owner: str | None
    attempt: int | None
    lease_until: str | None
    wall: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A delivery as it is at the end."""

    id: int
    contact_id: int
    broadcast_id: int | None
    lane: int
    sort: str
    state: str
    reason: str | None
    body: str | None
    attempt: int


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt."""

    delivery_id: int
    number: int
    owner: str
    result: str
    reason: str | None


class Evidence:
    """What the judges look at."""

    def __init__(self, world: World) -> None:
        raw = world.store.raw
        self.world = world
        self.platform = world.platform
        self.plan = world.plan
        query = "select at, by, kind, row, was, now, reason, owner, attempt, lease_until, wall from journal order by id"
        self.journal = [Change(*each) for each in raw.execute(query)]
        query = (
            "select id, contact_id, broadcast_id, lane, sort, state, reason, body, attempt from delivery order by id"
        )
        self.rows = {row[0]: Row(*row) for row in raw.execute(query)}
        query = "select delivery_id, number, owner, result, reason from attempt order by id"
        self.attempts: dict[int, list[Tried]] = defaultdict(list)
        for each in raw.execute(query):
            self.attempts[each[0]].append(Tried(*each))
        self.requests: dict[int, list[Request]] = defaultdict(list)
        for request in self.platform.requests:
            self.requests[request.delivery_id].append(request)
        query = "select a.external_id, e.said from effect e join inbox i on i.id = e.inbox_id"
        self.effects: dict[str, list[str]] = defaultdict(list)
        for person, said in raw.execute(f"{query} join address a on a.id = i.address_id order by e.id"):
            self.effects[person].append(said)

    def copies(self, row: Row) -> int:
        """Return in how many attempts a message arrived, in part or as a whole."""
        return len({request.attempt for request in self.requests[row.id] if request.arrived is not None})

    def is_whole(self, row: Row) -> bool:
        """Tell whether all parts of a message arrived in some attempt."""
        parts: dict[int, list[bool]] = defaultdict(list)
        for request in self.requests[row.id]:
            parts[request.attempt].append(request.arrived is not None)
        return any(all(arrived) for arrived in parts.values())

    def doubts(self, row: Row) -> int:
        """Return how many attempts of a message are recorded as doubtful."""
        return sum(each.result == "unknown" for each in self.attempts[row.id])


Judge = Callable[[Evidence], Iterator[str]]


def one_effect(seen: Evidence) -> Iterator[str]:
    """What a person said took effect once, in the order she said it."""
    wanted: dict[str, list[str]] = defaultdict(list)
    for said in seen.platform.said:
        wanted[str(said.person)].append(said.means)
    for person in {*wanted, *seen.effects}:
        if wanted[person] != seen.effects[person]:
            yield f"{person} said {wanted[person]}, done was {seen.effects[person]}"


def final_states(seen: Evidence) -> Iterator[str]:
    """Every message is in a final state; nobody disappears."""
    for row in seen.rows.values():
        if row.state not in FINAL:
            yield f"delivery {row.id} is {row.state} ({row.reason})"


def sent_is_received(seen: Evidence) -> Iterator[str]:
    """What we call sent arrived."""
    for row in seen.rows.values():
        if row.state == "sent" and not seen.is_whole(row):
            yield f"delivery {row.id} is sent and never arrived"


def received_is_known(seen: Evidence) -> Iterator[str]:
    """What arrived is sent, or in doubt, or was in doubt before: never simply failed."""
    for row in seen.rows.values():
        if seen.copies(row) and row.state not in ("sent", "unknown") and not seen.doubts(row):
            yield f"delivery {row.id} arrived and is {row.state} without a doubt"
    for delivery_id in seen.requests:
        if delivery_id not in seen.rows:
            yield f"delivery {delivery_id} was sent and is no row"


def copies_are_explained(seen: Evidence) -> Iterator[str]:
    """A second copy has a recorded doubt."""
    for row in seen.rows.values():
        copies, doubts = seen.copies(row), seen.doubts(row)
        if copies > 1 and doubts < copies - 1:
            yield f"delivery {row.id} arrived {copies} times with {doubts} doubts"


def doubt_is_bounded(seen: Evidence) -> Iterator[str]:
    """A doubt has a cause: a request that ended unclear, or a process disturbed; of those W each time at most."""
    unexplained: list[Tried] = []
    for tries in seen.attempts.values():
        for each in tries:
            if each.result == "unknown" and not _was_unclear(seen, each):
                unexplained.append(each)
    found = Counter(each.owner for each in unexplained)
    everywhere = sum(not each.process for each in seen.world.disturbances)
    for owner, doubts in found.items():
        disturbed = everywhere + sum(each.process == owner for each in seen.world.disturbances)
        if doubts > disturbed * seen.plan.window:
            yield f"{doubts} doubts of {owner}, which was disturbed {disturbed} times"


def _was_unclear(seen: Evidence, tried: Tried) -> bool:
    """Tell whether a request of it ended unclear; of several parts one that went wrong or had to wait is enough."""
    own = [each for each in seen.requests[tried.delivery_id] if each.attempt == tried.number]
    if any(each.fate in UNCLEAR for each in own):
        return True
    went_wrong = any(each.fate != "taken" for each in own) or bool(seen.platform.halts)
    return seen.plan.text_limit == IN_PARTS and bool(own) and went_wrong


def audience_is_whole(seen: Evidence) -> Iterator[str]:
    """A broadcast has one row for everybody it is meant for; the states add up to them."""
    store = seen.world.store
    query = "select b.id, c.unit_id, b.state from broadcast b join campaign c on c.id = b.campaign_id"
    excused = {change.row for change in seen.journal if change.kind == "stopped"}
    excused |= _dead(seen)
    for broadcast_id, unit_id, state in store.raw.execute(query):
        members = store.members[unit_id]
        got = Counter(row.contact_id for row in seen.rows.values() if row.broadcast_id == broadcast_id)
        missing = {each for each in members if each not in got and each not in excused}
        twice = {each for each, count in got.items() if count > 1 or each not in members}
        if state not in ("done", "cancelled"):
            yield f"broadcast {broadcast_id} is {state}"
        if twice or (missing and not _was_cancelled(seen, broadcast_id)):
            yield f"broadcast {broadcast_id}: missing {sorted(missing)}, too many {sorted(twice)}"


def _dead(seen: Evidence) -> set[int]:
    """Whom a message could not reach at some time: one who writes again has a living address at the end."""
    query = """select contact_id from address where state = 'dead' union
               select address.contact_id from attempt join address on address.id = attempt.address_id
               where attempt.reason = 'blocked'"""
    return {row[0] for row in seen.world.store.raw.execute(query)}


def _was_cancelled(seen: Evidence, broadcast_id: int) -> bool:
    changes = [each for each in seen.journal if each.kind == "broadcast" and each.row == broadcast_id]
    return any(each.was == "freezing" and each.now == "cancelled" for each in changes)


def owner_is_told(seen: Evidence) -> Iterator[str]:
    """A broadcast that ended is told to its owner once."""
    told = Counter(row.body for row in seen.rows.values() if row.body and '"broadcast.account.done' in row.body)
    done = seen.world.store.raw.execute("select count(*) from broadcast where state = 'done'").fetchone()[0]
    if sum(told.values()) != done:
        yield f"{done} broadcasts are done, {sum(told.values())} are told of"


def due_times_fire_once(seen: Evidence) -> Iterator[str]:
    """Each due time fired once or was skipped with a notice to its owner, none is passed over."""
    raw = seen.world.store.raw
    query = "select schedule_id, due_at, outcome, id from firing order by due_at"
    fired: dict[int, list[tuple[str, str, int]]] = defaultdict(list)
    for schedule_id, due, outcome, firing_id in raw.execute(query):
        fired[schedule_id].append((due, outcome, firing_id))
    started = Counter(row[0] for row in raw.execute("select firing_id from broadcast"))
    for number, planned in enumerate(seen.plan.schedules, 1):
        wanted = [stored(due) for due in _due_times(seen, number, planned)]
        got = [due for due, _, _ in fired[number]]
        if got != wanted:
            yield f"schedule {number} was due at {wanted} and fired at {got}"
        for due, outcome, firing_id in fired[number]:
            made, notices = started[firing_id], _notices(seen, number, due)
            if (made, notices) != ((1, 0) if outcome == "fired" else (0, 1)):
                yield f"schedule {number} at {due} {outcome}: {made} broadcasts, {notices} notices"


def _due_times(seen: Evidence, number: int, planned: Any) -> list[datetime]:
    if not planned.cron:
        return [START + timedelta(seconds=planned.due)]
    latest = seen.world.ended_rules.get(number)
    if latest is None:
        return []
    due, times = START + timedelta(seconds=CRON[1]), []
    while stored(due) < latest:
        times.append(due)
        due += timedelta(seconds=CRON[1])
    return times


def _notices(seen: Evidence, number: int, due: str) -> int:
    local = datetime.fromisoformat(due + "+00:00").astimezone(VIETNAM)
    ours = [row.body for row in seen.rows.values() if row.body and f'"skipped TN-{number} ' in row.body]
    return sum(body.count(f"{local:%H:%M}") for body in ours)


def rate_is_kept(seen: Evidence) -> Iterator[str]:
    """In no second of the platform's clock more requests are counted than are permitted.

    What nobody can answer for is left out: what a dead or a replaced process, or one out of patience, left behind.
    """
    rate = seen.plan.rate_per_s
    if rate is None:
        return
    counted = sorted(request.counted for request in seen.platform.requests if _is_ours(seen, request))
    for first, last in zip(counted, counted[int(rate) :], strict=False):
        if last - first < 1.0 - 1e-9:
            yield f"more than {rate:g} requests between {first:.3f} and {last:.3f}"


def _is_ours(seen: Evidence, request: Request) -> bool:
    dead_at = seen.world.died.get(request.process, math.inf)
    return not request.stale and request.counted < min(dead_at, request.begun + PATIENCE_S)


def waits_are_kept(seen: Evidence) -> Iterator[str]:
    """Nobody sends before the end of a wait that was heard of or stored before; a leap of the clock excuses."""
    for halt in seen.platform.halts:
        stored_at = [each.at for each in seen.journal if each.kind == "halt" and halt.since <= each.at < halt.until]
        for request in seen.platform.requests:
            started = seen.world.started[request.process]
            knows = halt.told.get(request.process, math.inf)
            if any(at < started for at in stored_at):
                knows = min(knows, started)
            if knows < request.begun < halt.until and not _set_forward(seen, halt.since, request.begun):
                yield f"request at {request.begun:.2f} in a wait until {halt.until:.2f}"


def _set_forward(seen: Evidence, since: float, until: float) -> bool:
    return any(since <= at <= until and step > 0 for at, step in seen.world.wall_steps)


def stopped_gets_nothing(seen: Evidence) -> Iterator[str]:
    """Nothing of a broadcast is taken for somebody after she said stop, or of a run that is paused or over."""
    stopped: set[int] = set()
    running: set[int] = set()
    for change in seen.journal:
        if change.kind == "stopped":
            (stopped.discard if change.now is None else stopped.add)(change.row)
        elif change.kind == "broadcast":
            (running.add if change.now == "running" else running.discard)(change.row)
        elif (
            change.kind == "delivery" and change.now == "sending" and (row := seen.rows[change.row]).lane == BROADCASTS
        ):
            if row.sort != "alert" and row.contact_id in stopped:
                yield f"delivery {row.id} was taken at {change.at:.2f} for somebody who had stopped"
            if row.broadcast_id not in running:
                yield f"delivery {row.id} was taken at {change.at:.2f} while its broadcast did not run"


def final_is_final(seen: Evidence) -> Iterator[str]:
    """A final state changes only by proof: a button of the message was pressed."""
    for change in seen.journal:
        if change.kind != "delivery" or (change.was, change.now) in MOVES:
            continue
        if (change.was, change.now, change.reason) != ("unknown", "sent", "pressed"):
            yield f"delivery {change.row} went from {change.was} to {change.now} at {change.at:.2f} ({change.reason})"


def leases_are_respected(seen: Evidence) -> Iterator[str]:
    """A message is taken from its sender only when the lease is over, and a lease outlasts any healthy request."""
    for change in seen.journal:
        if change.kind != "delivery" or change.was != "sending":
            continue
        if change.reason == "lease" and str(change.wall) < str(change.lease_until):
            yield f"delivery {change.row} was given up at {change.wall}, its lease ends at {change.lease_until}"
    for change in seen.journal:
        if change.kind == "delivery" and change.now == "sending":
            least = datetime.fromisoformat(str(change.wall)) + timedelta(seconds=1.5 * REQUEST_TIMEOUT_S)
            if change.lease_until is None or datetime.fromisoformat(change.lease_until) < least:
                yield f"delivery {change.row} was taken at {change.wall} with a lease to {change.lease_until}"


def window_is_kept(seen: Evidence) -> Iterator[str]:
    """Never more than W messages of a process are under way, beside those whose result could not be stored."""
    under_way: dict[str | None, set[int]] = defaultdict(set)
    for change in seen.journal:
        if change.kind != "delivery":
            continue
        for held in under_way.values():
            held.discard(change.row)
        if change.now == "sending":
            under_way[change.owner].add(change.row)
            left = sum(each.process == change.owner and each.since < change.at for each in seen.world.disturbances)
            if len(under_way[change.owner]) > seen.plan.window * (1 + left):
                yield f"{change.owner} has {len(under_way[change.owner])} messages under way at {change.at:.2f}"


def nothing_breaks(seen: Evidence) -> Iterator[str]:
    """No part of a process fails, and everything that was said is worked on."""
    yield from seen.world.trouble
    for row in seen.world.store.raw.execute("select id, state, reason from inbox where state != 'done'"):
        yield f"inbox row {row[0]} is {row[1]} ({row[2]})"
    if seen.platform.pending or any(seen.world.posting.values()):
        yield "the platform still has updates that nobody took"


JUDGES: tuple[Judge, ...] = (
    one_effect,
    final_states,
    sent_is_received,
    received_is_known,
    copies_are_explained,
    doubt_is_bounded,
    audience_is_whole,
    owner_is_told,
    due_times_fire_once,
    rate_is_kept,
    waits_are_kept,
    stopped_gets_nothing,
    final_is_final,
    leases_are_respected,
    window_is_kept,
    nothing_breaks,
)


def judge(world: World) -> list[tuple[str, str]]:
    """Return what is wrong with a run: the judge's name, and what it saw."""
    seen = Evidence(world)
    return [(each.__name__, what) for each in JUDGES for what in each(seen)]
