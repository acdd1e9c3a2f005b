"""When a message may leave: the permitted rate of a channel, a pace for each chat, waits a provider asked for.

The window is absolute, not a leaky bucket: a bucket that starts full lets nearly twice the rate out in its first
second. We do not know when the provider counts a request, only that it lies between its beginning and its answer, so
a slot stays taken for one span and for as long as the round trip exceeded the shortest one seen. Messages to many
leave at even steps, so that a reply never waits longer than one step. Waits a provider asked for are wall-clock time,
since they outlive the process; all else is counted on a monotonic clock, which a clock step cannot disturb.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heapify, heappop, heappush

from dialogue.messages import Capabilities, Pace

AHEAD_S = 0.08
"""Messages to many are taken so long before they leave: enough for a commit, few to doubt after a crash."""

CATCH_UP_S = 0.02
"""Steps missed while the program was busy that may be made good at once. More would leave a gap and a crowd behind it
that come back with every span: what left together comes free together."""

EDGE_S = 0.002
TINY_S = 2e-6
"""Waits shorter than a clock of whole microseconds can tell; `EDGE_S` is there for them."""

FAR_S = 5.0
"""Nothing is taken for a channel that opens later than this."""

BELIEVED_AFTER = 20
"""Answers before the shortest round trip is believed; until then each counts in full."""

REMEMBERED_S = 30.0
UNKNOWN_S = 0.01

Chat = tuple[str, str]


class Shut(Exception):
    """The channel was told to wait since the message was taken."""


@dataclass(slots=True)
class Window:
    """At most `most` requests in any `span_s` seconds of the provider's clock."""

    most: int
    span_s: float
    open: int = 0
    answers: int = 0
    _ended: deque[float] = field(default_factory=deque)
    _shortest_s: tuple[float, float] = (float("inf"), float("inf"))
    _turned_at: float = 0.0

    def begin(self) -> None:
        """Take a slot: a request begins."""
        self.open += 1

    def end(self, began: float, ended: float) -> None:
        """Note the answer of a request; its slot comes free when the provider must have forgotten it."""
        self.open -= 1
        self.answers += 1
        took_s = ended - began
        if ended - self._turned_at > REMEMBERED_S:
            # Two spells of time: a network that became slower is believed after the longer of them.
            self._shortest_s, self._turned_at = (took_s, self._shortest_s[0]), ended
        self._shortest_s = (min(took_s, self._shortest_s[0]), self._shortest_s[1])
        self._ended.append(ended)

    def opens_at(self, at: float) -> float:
        """Return when a request may begin: `at` itself, or later; soon where it depends on an answer still out."""
        usual_s = min(self._shortest_s) if self.answers > BELIEVED_AFTER else 0.0
        taken_s = self.span_s - usual_s + EDGE_S
        while self._ended and self._ended[0] + taken_s <= at:
            self._ended.popleft()
        if len(self._ended) + self.open < self.most:
            return at
        return self._ended[0] + taken_s if self._ended else at + UNKNOWN_S


@dataclass(order=True, slots=True)
class Turn:
    """A message's place at the gate: replies (lane 0) first, then who came first."""

    lane: int
    number: int
    called: asyncio.Event = field(default_factory=asyncio.Event, compare=False)


@dataclass(slots=True)
class Gate:
    """The one door of a channel: replies first, messages to many at even steps."""

    window: Window | None
    step_s: float
    closed_until: float
    next_step: float = 0.0
    queue: list[Turn] = field(default_factory=list)
    turns: int = 0

    def wait_s(self, lane: int, at: float) -> float:
        """Return how long a message of this lane, first in the queue, must wait."""
        if self.window is None:
            return 0.0
        opens = max(self.closed_until, self.window.opens_at(at), self.next_step if lane else at)
        return opens - at if opens - at > TINY_S else 0.0

    def pass_through(self, at: float) -> None:
        """Note that a message leaves. One that could not wait takes its step from those to many."""
        assert self.window is not None
        self.window.begin()
        self.next_step = max(self.next_step, at - CATCH_UP_S) + self.step_s

    def line_up(self, lane: int) -> Turn:
        """Join the queue."""
        self.turns += 1
        turn = Turn(lane, self.turns)
        heappush(self.queue, turn)
        return turn

    def step_out(self, turn: Turn) -> None:
        """Leave the queue and call who is first now."""
        if self.queue[0] is turn:
            heappop(self.queue)
        else:
            self.queue.remove(turn)
            heapify(self.queue)
        if self.queue:
            self.queue[0].called.set()


class Limiter:
    """The paces of all channels, by their capabilities. A channel without a rate is not limited.

    A limited channel stays shut for one whole window after the start: an earlier process may have used it up.
    `on_passed` hears of each message that leaves through a limited gate.
    """

    def __init__(
        self,
        channels: Mapping[str, Capabilities],
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        on_passed: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_passed = on_passed
        self._channels = channels
        self._now = now
        self._monotonic = monotonic
        self._sleep = sleep
        self._gates = {name: _gate(each.rate_per_s, monotonic()) for name, each in channels.items()}
        self._halts: dict[str, datetime] = {}
        self._paced = {name for name, each in channels.items() if each.per_chat or each.per_group}
        self._chats: dict[Chat, deque[float]] = {}
        self._rested: deque[tuple[float, Chat]] = deque()

    def is_shut(self, name: str) -> bool:
        """Tell whether nothing may be taken for a channel now."""
        return self.wait_s(name) > FAR_S or self._monotonic() < self._gates[name].closed_until or self._is_halted(name)

    def ahead(self, name: str) -> int | None:
        """Return how many more messages to many may be taken now; None where there is no limit."""
        gate = self._gates[name]
        if gate.window is None:
            return None
        return max(0, _ahead(gate.step_s) - sum(1 for turn in gate.queue if turn.lane))

    def wait_s(self, name: str) -> float:
        """Return how long until something may leave on a channel; 0 if it may now."""
        halted = self.halted_until(name)
        halt_s = 0.0 if halted is None else (halted - self._now()).total_seconds()
        return max(halt_s, self._gates[name].wait_s(0, self._monotonic()))

    def resting(self) -> frozenset[Chat]:
        """Return the addresses, with their channels, that had as much as their own pace permits."""
        at = self._monotonic()
        while self._rested and self._rested[0][0] <= at:
            _, chat = self._rested.popleft()
            if chat in self._chats and self._rest_s(chat, at) <= 0 and self._chats[chat][-1] <= at:
                del self._chats[chat]
        return frozenset(chat for chat in self._chats if self._rest_s(chat, at) > 0)

    def rest_s(self) -> float | None:
        """Return how long until the next of the resting addresses may be written to; None if none rests."""
        waits = [wait for chat in self._chats if (wait := self._rest_s(chat, self._monotonic())) > 0]
        return min(waits, default=None)

    async def enter(self, name: str, chat: str, lane: int, *, is_first: bool = True) -> float:
        """Wait for a slot and take it; return when that was. `leave` must follow with the answer.

        The first part of a message does not wait for a channel that was told to wait: `Shut`.
        """
        gate = self._gates[name]
        if name in self._paced:
            await self._rest((name, chat))
        is_halted = self._is_halted(name)
        if gate.window is None:
            if is_halted:
                await self._sit_out(name, is_first=is_first)
        elif is_halted or gate.queue or gate.wait_s(lane, self._monotonic()) > 0:
            await self._queue(name, gate, lane, is_first=is_first)
        began = self._monotonic()
        if gate.window is not None:
            gate.pass_through(began)
            self._on_passed()
        return began

    async def _queue(self, name: str, gate: Gate, lane: int, *, is_first: bool) -> None:
        turn = gate.line_up(lane)
        try:
            while True:
                turn.called.clear()
                await self._sit_out(name, is_first=is_first)
                if gate.queue[0] is not turn:
                    await turn.called.wait()
                elif (wait_s := gate.wait_s(lane, self._monotonic())) > 0:
                    await self._sleep(wait_s)
                else:
                    return
        finally:
            gate.step_out(turn)

    async def _rest(self, chat: Chat) -> None:
        while (rest_s := self._rest_s(chat, self._monotonic())) > 0:
            await self._sleep(rest_s)

    async def _sit_out(self, name: str, *, is_first: bool) -> None:
        while (until := self.halted_until(name)) is not None:
            if is_first:
                raise Shut
            await self._sleep(max(UNKNOWN_S, (until - self._now()).total_seconds()))

    def leave(self, name: str, chat: str, began: float, *, is_group: bool = False) -> None:
        """Note that a request begun at `began` has its answer, or never will."""
        at = self._monotonic()
        window = self._gates[name].window
        if window is not None:
            window.end(began, at)
        pace = self._pace(name, is_group=is_group)
        if pace is not None:
            until = at + pace.span_s
            self._chats.setdefault((name, chat), deque(maxlen=pace.most)).append(until)
            self._rested.append((until, (name, chat)))

    def _pace(self, name: str, *, is_group: bool) -> Pace | None:
        own = self._channels[name]
        return own.per_group if is_group else own.per_chat

    def _rest_s(self, chat: Chat, at: float) -> float:
        ends = self._chats.get(chat)
        rest_s = ends[0] - at if ends is not None and len(ends) == ends.maxlen else 0.0
        return rest_s if rest_s > TINY_S else 0.0

    def halt(self, name: str, until: datetime) -> None:
        """Let nothing out on a channel before `until`; an earlier end never shortens a longer wait."""
        known = self._halts.get(name)
        self._halts[name] = until if known is None else max(known, until)

    def halted_until(self, name: str) -> datetime | None:
        """Return when a channel's wait ends; None if it is not waiting."""
        return self._halts[name] if self._is_halted(name) else None

    def _is_halted(self, name: str) -> bool:
        until = self._halts.get(name)
        return until is not None and self._now() < until


def _gate(rate_per_s: float | None, at: float) -> Gate:
    if not rate_per_s:
        return Gate(None, 0.0, at)
    span_s = max(1.0, 1.0 / rate_per_s)
    window = Window(max(1, int(rate_per_s * span_s + 1e-9)), span_s, _turned_at=at)
    return Gate(window, 1.0 / rate_per_s, closed_until=at + span_s, next_step=at + span_s)


def _ahead(step_s: float) -> int:
    return 1 if step_s >= 1.0 else max(2, round(AHEAD_S / step_s))
