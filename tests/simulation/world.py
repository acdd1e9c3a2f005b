"""One run: the world a plan describes, from the first word to the moment when everything rests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bot.channels.base import Outgoing
from storage import broadcasts, schedules
from storage.deliveries import BROADCASTS
from tests.simulation.plan import CRON, PEACE_S, Fault, Plan, Speech
from tests.simulation.platform import KIND, Door, Platform, Request, Update
from tests.simulation.process import Process
from tests.simulation.store import START, Call, Link, Store, stored
from tests.simulation.talk import OPENS
from tests.simulation.timeline import FOREVER, Loop, Timeline

POST_AGAIN_S = (0.5, 2.0, 4.0, 8.0, 16.0)
READERS = {
    "inbox": ("work",),
    "address": ("work", "send"),
    "contact": ("send",),
    "installation": ("send",),
    "delivery": ("send", "tick"),
    "broadcast": ("send", "tick"),
    "campaign": ("send", "tick"),
    "schedule": ("tick",),
}
"""Which parts of a process look for work in which tables."""

POST_PATIENCE_S = 10.0


@dataclass(slots=True)
class Disturbance:
    """Something that may leave messages in doubt: which process, from when to when."""

    process: str
    since: float
    until: float


@dataclass
class World:
    """Everything of one run. `trace` holds what happened, in order."""

    plan: Plan
    store: Store
    trace: list[tuple[Any, ...]] = field(default_factory=list)
    disturbances: list[Disturbance] = field(default_factory=list)
    started: dict[str, float] = field(default_factory=dict)
    died: dict[str, float] = field(default_factory=dict)
    wall_steps: list[tuple[float, float]] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    ended_rules: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = Random(self.plan.seed ^ 0x5EED)
        self.timeline = Timeline(self.random)
        self.timeline.next_work = self._next_work
        self.platform = Platform(self.timeline, self.random, self.note)
        self.platform.mood = self.plan.mood
        self.platform.on_arrival = self._arrived
        self.platform.attempt_of = self._attempt_of
        self.platform.on_halt = self._halted
        self.process: Process | None = None
        self.peace = False
        self.store.on_touch = lambda table: self.timeline.tell(READERS.get(table, ()))
        self._known_work: tuple[tuple[int, float], float] = (-1, 0.0), 0.0
        self._away_until = -1.0
        self._offset_s = 0.0
        self._commits = 0
        self._names = 0
        self.posting: dict[int, list[Update]] = {}
        self._restarts = list(self.plan.restart_s)

    # --- clocks

    def wall(self) -> datetime:
        """Return the time on the clock of the machine, which may be set back and forth."""
        return START + timedelta(seconds=self.timeline.now + self._offset_s)

    def note(self, *what: Any) -> None:
        """Write something into the trace."""
        self.trace.append((self.timeline.now, *what))

    def _next_work(self) -> float:
        if self._known_work[0] != (self.store.changes, self._offset_s) or self._known_work[1] <= self.timeline.now:
            instant = self.store.next_work()
            at = FOREVER if instant is None else (instant - START).total_seconds() - self._offset_s
            self._known_work = (self.store.changes, self._offset_s), max(at, self.timeline.now) + 0.001
        return self._known_work[1]

    # --- the run

    def run(self) -> None:
        """Let everything happen."""
        plan, at = self.plan, self.timeline.at
        self._plan_schedules()
        for speech in plan.speeches:
            at(speech.at, lambda speech=speech: self._speak(speech))  # type: ignore[misc]
        for fault in plan.faults:
            at(max(0.0, fault.at), lambda fault=fault: self._befall(fault))  # type: ignore[misc]
        at(PEACE_S, self._make_peace)
        self.start()
        try:
            self.timeline.run()
            while self._resume():
                self.timeline.run()
        finally:
            for loop in self.timeline.loops:
                self.trouble += loop.trouble

    def close(self) -> None:
        """Sweep up."""
        for loop in self.loops:
            loop.bury()

    def _plan_schedules(self) -> None:
        for number, each in enumerate(self.plan.schedules, 1):
            due = stored(START + timedelta(seconds=CRON[1] if each.cron else each.due))
            unit_id, text = self.store.units[each.unit], f'{{"vi":"run {number}"}}'
            self._insert(
                "campaign",
                id=number,
                code=f"TN-{number}",
                created_by=self.store.officer,
                unit_id=unit_id,
                texts=text,
                sort=each.sort,
                client_key=f"k{number}",
                created_at=stored(START),
            )
            self._insert(
                "schedule",
                id=number,
                campaign_id=number,
                rule=CRON[0] if each.cron else schedules.ONCE,
                next_due_at=None if each.frozen else due,
                catch_up_s=each.catch_up_s,
                state="ended" if each.frozen else "active",
            )
            if each.frozen:
                self._freeze(number, text, each.sort, self.store.members[unit_id])

    def _freeze(self, number: int, text: str, sort: str, people: Sequence[int]) -> None:
        """Let a run be at the point where its audience is complete."""
        at = stored(START)
        self._insert("firing", id=number, schedule_id=number, due_at=at, fired_at=at, outcome="fired")
        own = {"id": number, "code": f"TN-{number}", "campaign_id": number, "firing_id": number}
        frozen = {"state": "running", "failed_in_row": 0, "frozen_at": at, "audience": len(people)}
        self._insert("broadcast", **own, **frozen, created_at=at, texts=text)
        for contact_id in people:
            values = {"contact_id": contact_id, "broadcast_id": number, "lane": BROADCASTS, "sort": sort}
            state = {"state": "ready", "attempt": 0, "tries": 0, "restricted": False, "doubts": 0}
            self._insert("delivery", **values, **state, due_at=at, created_at=at)

    def _insert(self, table: str, **values: Any) -> None:
        names, places = ", ".join(values), ", ".join("?" * len(values))
        self.store.raw.execute(f"insert into {table} ({names}) values ({places})", tuple(values.values()))

    # --- processes

    def start(self) -> None:
        """Start a process, unless one runs."""
        if self.process is not None:
            return
        self._names += 1
        name = f"process{self._names}"
        loop = self.timeline.open_loop(name)
        self.loops.append(loop)
        link = Link(self.store, loop, name, lambda calls: self._fate(name, calls))
        door = Door(self.platform, loop, self.plan, lambda: self.process is not process)
        process = Process(name, loop, link, door, self.wall, self._ended, self.plan.way_in == "polling")
        link.on_changed = lambda calls: self._changed(name, calls)
        link.on_death = lambda: self._die(process)
        self.process = process
        self.note("starts", name)
        self.started[name] = self.timeline.now
        self.store.raw.execute("delete from run_scope")  # a new connection knows nothing of it
        loop.call_soon(process.start)
        self.timeline.tell_all()
        self._post_all()

    def _ended(self, process: Process, how: str) -> None:
        if how.startswith("failed:"):
            self.trouble.append(f"{process.name} {how}")
        self.note("ends", process.name, how)
        self._die(process)

    def _die(self, process: Process) -> None:
        if process.loop.dead:
            return
        self.note("dies", process.name)
        self.died[process.name] = self.timeline.now
        self.disturbances.append(Disturbance(process.name, -1.0, self.timeline.now))
        process.loop.die()
        self.timeline.loops.remove(process.loop)
        self.trouble += process.loop.trouble
        if self.process is process:
            self.process = None
            self.timeline.after(self._restarts.pop() if self._restarts else 1.0, self.start)

    def _fate(self, process: str, calls: Sequence[Call]) -> str:
        if self.timeline.now < self._away_until:
            self._disturb(process)
            return "lost"
        if not calls or self.peace:
            return ""
        self._commits += 1
        fate = self.plan.commits.get(self._commits, "")
        if fate:
            self.note("commit", process, fate, *(call.fn.__name__ for call in calls))
            self.timeline.tell_all()
            self._disturb(process)
        return fate

    def _changed(self, process: str, calls: Sequence[Call]) -> None:
        self.note("writes", process, *(call.fn.__name__ for call in calls))

    def _disturb(self, process: str) -> None:
        now = self.timeline.now
        last = self.disturbances[-1] if self.disturbances else None
        if last is not None and last.process == process and last.until == self._away_until > now:
            return
        self.disturbances.append(Disturbance(process, now, max(now, self._away_until)))

    def _attempt_of(self, delivery_id: int) -> int:
        found = self.store.raw.execute("select attempt from delivery where id = ?", (delivery_id,)).fetchone()
        return int(found[0]) if found else 0

    def _halted(self) -> None:
        process = self.process
        if process is not None and not self.peace and self.random.random() < self.plan.dies_waiting:
            self.timeline.after(self.random.uniform(0.5, 2.0), lambda: self._die(process))

    # --- what people do

    def _speak(self, speech: Speech) -> None:
        text = f"{speech.what} {len(self.platform.said)}"
        self.platform.say(speech.person, text, text=text)
        self._post_all()

    def _arrived(self, request: Request, message: Outgoing) -> None:
        means = _meant_by_button(message)
        if means is not None and not self.peace and self.random.random() < self.plan.press:
            pressed = f"{message.delivery_id}.0"
            self.timeline.after(self.random.uniform(0.5, 60.0), lambda: self._press(int(request.to), pressed, means))

    def _press(self, person: int, pressed: str, means: str) -> None:
        if not any(said.pressed == pressed for said in self.platform.said):
            self.platform.say(person, means, pressed=pressed)
            self._post_all()

    # --- the platform posts what is said

    def _post_all(self) -> None:
        """Give each person's next update to the process, where updates are posted."""
        if self.plan.way_in == "polling":
            return
        pending, self.platform.pending = self.platform.pending, []
        for update in pending:
            queue = self.posting.setdefault(update.said.person, [])
            queue.append(update)
            if len(queue) == 1:
                self._post(queue, 0)

    def _post(self, queue: list[Update], tries: int) -> None:
        update = queue[0]
        answered: list[bool] = []

        def answer(kept: bool) -> None:
            if answered:
                return
            answered.append(kept)
            if kept and self.random.random() >= self.platform.mood.unkind / 2:
                queue.pop(0)
                if queue:
                    self._post(queue, 0)
                return
            again_s = POST_AGAIN_S[min(tries, len(POST_AGAIN_S) - 1)]
            self.timeline.after(again_s, lambda: self._post(queue, tries + 1))

        self.note("posts", update.id, update.said.number)
        process = self.process
        self.timeline.after(POST_PATIENCE_S, lambda: answer(False))
        if process is None:
            answer(False)
        else:
            process.loop.call_soon(process.post, update, answer)

    # --- what goes wrong

    def _befall(self, fault: Fault) -> None:
        self.note("fault", fault.kind, round(fault.amount, 1))
        process, after = self.process, self.timeline.after
        match fault.kind:
            case "crash" if process is not None:
                self._die(process)
            case "pause" | "take over" if process is not None and not process.loop.held:
                self._pause(process, fault)
            case "clock":
                self.wall_steps.append((self.timeline.now, fault.amount))
                self._offset_s += fault.amount
                self.timeline.tell_all()
                self.disturbances.append(Disturbance("", self.timeline.now, self.timeline.now))
            case "away":
                self._away_until = self.timeline.now + fault.amount
                after(fault.amount, self.timeline.tell_all)
            case "stop" if process is not None:
                process.loop.call_soon(process.stop)
            case "repeat":
                self.platform.repeat()
                self._post_all()
            case "numbers":
                self.platform.restart_numbers()
            case "steer":
                self._steer(fault.amount)

    def _pause(self, process: Process, fault: Fault) -> None:
        process.loop.held = True
        self.disturbances.append(Disturbance(process.name, self.timeline.now, self.timeline.now + fault.amount))
        self.timeline.after(fault.amount, lambda: self._wake(process))
        if fault.kind == "take over":
            self.process = None
            self.timeline.after(fault.amount * self.random.random(), self.start)

    def _wake(self, process: Process) -> None:
        process.loop.held = False
        self.timeline.tell_all()
        self.note("wakes", process.name)
        if self.process is not process:
            self.timeline.after(self.random.uniform(0.1, 5.0), lambda: self._die(process))

    def _steer(self, what: float) -> None:
        act = (broadcasts.pause, broadcasts.cancel, broadcasts.resume)[int(what * 3)]
        self.store.process = "officer"
        for (row,) in self.store.raw.execute("select id from broadcast where settled_at is null").fetchall():
            self.note("officer", act.__name__, row)
            act(self.store.connection, row)
        self.timeline.tell_all()

    def _make_peace(self) -> None:
        self.peace = True
        self.note("peace")
        self.platform.mood = KIND
        self._away_until = -1.0
        self._end_rules()
        # Who looked in vain at this very moment looks once more.
        self.timeline.after(1.5, self.timeline.tell_all)

    def _end_rules(self) -> None:
        """End what would come due for ever, at a moment when none of it is due."""
        raw, now = self.store.raw, stored(self.wall())
        self.store.process = "officer"
        query = "select id, next_due_at from schedule where state = 'active' and rule != 'once'"
        for row, due in raw.execute(query).fetchall():
            if due is not None and due > now:
                self.ended_rules[row] = due
                schedules.end(self.store.connection, row)
            else:
                self.timeline.after(5.0, self._end_rules)
        self.timeline.tell_all()

    def _resume(self) -> bool:
        """Let everything go on that waits for its officer; tell whether there was anything."""
        self.store.process = "officer"
        paused = self.store.raw.execute("select id from broadcast where state = 'paused'").fetchall()
        for (row,) in paused:
            broadcasts.resume(self.store.connection, row)
        self.timeline.tell_all()
        return bool(paused)


def _meant_by_button(message: Outgoing) -> str | None:
    """Return what pressing the button of an answer does in our small talk; None where it has none of ours."""
    for button in message.rendered.buttons:
        if isinstance(button.value, Mapping) and button.value.get("open") == OPENS:
            start = button.value["start"]
            assert isinstance(start, Mapping)
            return str(start["said"])
    return None
