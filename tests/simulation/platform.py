"""A chat platform that keeps its own ledger: what people said, what it was asked to send, what arrived.

It is strict (a wait it asked for holds for everybody) and unkind as the plan says: requests are lost, answers are
lost, updates come twice, their numbers start again lower down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from telegram.error import NetworkError

from bot.channels.base import (
    Channel,
    ContentError,
    NotSent,
    Outgoing,
    Refused,
    SendError,
    TooManyRequests,
    Unclear,
    Unreachable,
)
from dialogue.messages import Capabilities, Pace
from tests.sending.world import MORNING as START
from tests.sending.world import ROAD
from tests.simulation.timeline import Loop, Timeline

if TYPE_CHECKING:
    from tests.simulation.plan import Plan

BOT_ID = "77"
PATIENCE_S = 30.0
"""How long a sender waits for an answer."""

PER_CHAT = Pace(1, 1.0)
BATCH = 4
POLL_S = 3.0


@dataclass(slots=True)
class Said:
    """What somebody said: a text, or a button she pressed. `means` is what its effect must be."""

    number: int
    person: int
    at: datetime
    means: str
    text: str = ""
    pressed: str = ""


@dataclass(slots=True)
class Update:
    """Something said, under the number the platform gave it this time."""

    id: int
    said: Said

    def raw(self) -> dict[str, Any]:
        """Return it as it is written on the wire."""
        said = self.said
        who = {"id": said.person, "is_bot": False, "first_name": "Sen"}
        chat = {"id": said.person, "type": "private", "first_name": "Sen"}
        message = {"message_id": 100 + said.number, "date": int(said.at.timestamp()), "chat": chat}
        if said.text:
            return {"update_id": self.id, "message": {**message, "from": who, "text": said.text}}
        press = {"id": f"9{said.number}", "from": who, "chat_instance": "1", "data": said.pressed, "message": message}
        return {"update_id": self.id, "callback_query": press}


@dataclass(slots=True)
class Request:
    """One request to send, as the platform saw it. Times are seconds of the timeline.

    `counted` is when its limits count it: somewhere between its beginning and its answer.
    """

    delivery_id: int
    to: str
    text: str
    attempt: int
    process: str
    begun: float
    fate: str
    counted: float
    stale: bool = False
    arrived: float | None = None
    ended: float | None = None


@dataclass(slots=True)
class Halt:
    """A wait the platform asked for. `told`: which process heard of it, and when."""

    since: float
    until: float
    told: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mood:
    """How unkind it is. `unkind` is the share of requests that meet a fate other than "taken"."""

    unkind: float = 0.0
    fates: tuple[str, ...] = ("taken",)
    slow: float = 0.0


KIND = Mood()

FATES = (
    "slow",
    "too slow",
    "never comes",
    "no connection",
    "answer lost",
    "request lost",
    "refused",
    "unreachable",
    "wrong content",
    "halt",
)
UNCLEAR = {"too slow", "never comes", "answer lost", "request lost"}


class Platform:
    """The world outside. `note` hears of everything for the trace."""

    def __init__(self, timeline: Timeline, random: Random, note: Callable[..., None]) -> None:
        self.timeline = timeline
        self.random = random
        self.note = note
        self.mood = KIND
        self.said: list[Said] = []
        self.pending: list[Update] = []
        self.requests: list[Request] = []
        self.halts: list[Halt] = []
        self.on_arrival: Callable[[Request, Outgoing], None] = lambda request, message: None
        self.attempt_of: Callable[[int], int] = lambda delivery_id: 0
        self.on_halt: Callable[[], None] = lambda: None
        self._next_id = 1000
        self._silences = 0
        self._waiting: list[Callable[[], None]] = []

    def say(self, person: int, means: str, *, text: str = "", pressed: str = "") -> None:
        """Let somebody say something."""
        at = START + timedelta(seconds=self.timeline.now)
        self.said.append(Said(len(self.said), person, at, means, text, pressed))
        self.note("says", person, means)
        self._offer(self.said[-1])

    def repeat(self) -> None:
        """Offer something again that was offered before."""
        if self.said:
            said = self.random.choice(self.said)
            self.note("repeats", said.number)
            self._offer(said)

    def restart_numbers(self) -> None:
        """Begin to number lower down, as after a week of silence: only where there was some."""
        if not self.pending and self._silences > 0 and self._next_id > 100:
            self._next_id = self.random.randint(1, 50)
            self.note("numbers restart", self._next_id)

    def _offer(self, said: Said) -> None:
        self.pending.append(Update(self._next_id, said))
        self._next_id += 1
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for wake in waiting:
            wake()

    async def updates(self, loop: Loop, offset: int | None) -> list[Update]:
        """Return what nobody confirmed yet, some of it; everything below `offset` is confirmed. Waits for the first."""
        self._confirm(offset)
        if not self.pending:
            future = loop.create_future()
            self._waiting.append(lambda: loop.settle(future))
            if offset is not None and not self._silences:
                # After the first empty answer it does not matter when the next one comes: time need not pass for it.
                self.timeline.after(POLL_S, lambda: loop.settle(future))
            await future
            self._confirm(offset)
        if not self.pending:
            self._silences += 1
            return []
        self._silences = 0
        await loop.sleep(self.random.uniform(0.01, 0.2))
        if self.random.random() < self.mood.unkind / 2:
            raise NetworkError("updates lost")
        batch = self.pending[:BATCH]
        if len({each.said.person for each in batch}) == len(batch):
            self.random.shuffle(batch)
        return batch

    def _confirm(self, offset: int | None) -> None:
        if offset is not None:
            self.pending = [each for each in self.pending if each.id >= offset]

    def is_halted(self) -> Halt | None:
        """Return the wait that holds now."""
        now = self.timeline.now
        return next((halt for halt in self.halts if halt.since <= now < halt.until), None)

    async def take(self, loop: Loop, message: Outgoing, *, stale: bool) -> str:
        """Take a request, or not. `stale` marks one of a process that another took over from."""
        fate = self._fate(message)
        arrives_s, answers_s = self._times(fate)
        request = Request(
            delivery_id=message.delivery_id,
            to=message.external_id,
            text=message.rendered.text,
            attempt=self.attempt_of(message.delivery_id),
            process=loop.name,
            begun=self.timeline.now,
            fate=fate,
            counted=self.timeline.now + arrives_s,
            stale=stale,
        )
        self.requests.append(request)
        self.note("request", loop.name, request.delivery_id, request.to, fate)
        if fate in ("taken", "slow", "too slow", "answer lost"):
            self.timeline.after(arrives_s, lambda: self._arrive(request, message))
        answer = self._answer(fate)
        future = loop.create_future()
        if answers_s is not None:
            self.timeline.after(answers_s, lambda: self._end(request, loop, future, answer))
        return str(await future)

    def _fate(self, message: Outgoing) -> str:
        if self.is_halted() is not None:
            return "halted"
        if self.random.random() >= self.mood.unkind:
            return "taken"
        return self.random.choice(self.mood.fates)

    def _times(self, fate: str) -> tuple[float, float | None]:
        """After how many seconds a message arrives and its answer is there."""
        quick = self.random.uniform(0.02, 0.4)
        if fate == "slow":
            slow = self.random.uniform(3.0, PATIENCE_S - 0.5)
            return self.random.uniform(0, slow), slow
        if fate == "too slow":
            return self.random.uniform(0, PATIENCE_S + 20), self.random.uniform(PATIENCE_S + 0.5, PATIENCE_S + 30)
        if fate == "never comes":
            return 0.0, None
        return self.random.uniform(0, quick), quick

    def _answer(self, fate: str) -> str | SendError:
        match fate:
            case "no connection":
                return NotSent("connect")
            case "answer lost" | "request lost":
                return Unclear("reset")
            case "refused":
                return Refused("refused")
            case "unreachable":
                return Unreachable("blocked")
            case "wrong content":
                return ContentError("parse")
            case "halt":
                now = self.timeline.now
                self.halts.append(Halt(now, now + self.random.choice((1, 3, 8, 20, 40))))
                self.on_halt()
                return self._told(self.halts[-1])
            case "halted":
                halt = self.is_halted()
                assert halt is not None
                return self._told(halt)
            case _:
                return f"m{len(self.requests)}"

    def _told(self, halt: Halt) -> SendError:
        wait_s = max(0.0, halt.until - self.timeline.now)
        return TooManyRequests("flood", retry_after_s=float(-(-wait_s // 1)))

    def heard(self, process: str) -> None:
        """Note that a process was told to wait."""
        halt = self.is_halted()
        if halt is not None:
            halt.told.setdefault(process, self.timeline.now)

    def _arrive(self, request: Request, message: Outgoing) -> None:
        request.arrived = self.timeline.now
        self.note("arrives", request.delivery_id, request.to)
        self.on_arrival(request, message)

    def _end(self, request: Request, loop: Loop, future: Any, answer: str | SendError) -> None:
        if loop.dead or future.done():
            return
        request.ended = self.timeline.now
        self.note("answers", request.delivery_id, answer if isinstance(answer, str) else answer.reason)
        loop.settle(future, answer)


@dataclass
class Door(Channel):
    """The channel of one process to the platform."""

    platform: Platform
    loop: Loop
    plan: Plan
    is_stale: Callable[[], bool]
    name: str = ROAD

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            buttons=True,
            pictures=False,
            text_limit=self.plan.text_limit,
            window=self.plan.window,
            rate_per_s=self.plan.rate_per_s,
            per_chat=PER_CHAT if self.plan.rate_per_s else None,
        )

    async def send(self, message: Outgoing) -> str:
        try:
            return await self.platform.take(self.loop, message, stale=self.is_stale())
        except TooManyRequests:
            self.platform.heard(self.loop.name)
            raise
