"""Hold callers to strict sliding windows, by a monotonic clock, and remember who was told to wait."""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from dataclasses import dataclass
from typing import Any

Pace = tuple[int, float]
"""At most so many calls in any window of so many seconds."""


class Window:
    """The last calls that were let through. None more than `pace` allows lie in any half-open window."""

    __slots__ = ("span_s", "times")

    def __init__(self, pace: Pace) -> None:
        most, self.span_s = pace
        self.times: deque[float] = deque(maxlen=most)

    def wait_s(self, now: float, weight: int = 1) -> float:
        """Return how long `weight` more calls have to wait; 0 if they may come now."""
        times = self.times
        most = times.maxlen or 0
        over = len(times) + min(weight, most) - most
        return max(0.0, times[over - 1] + self.span_s - now) if over > 0 else 0.0

    def count(self, now: float, weight: int = 1) -> None:
        for _ in range(min(weight, self.times.maxlen or 0)):
            self.times.append(now)

    def is_idle(self, now: float) -> bool:
        return not self.times or now - self.times[-1] >= self.span_s


class ChatWindows:
    """A window per chat; those nobody needs any more are let go."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._windows: dict[int, Window] = {}
        self._sweep_at = 1024

    def of(self, chat_id: int, now: float) -> Window:
        window = self._windows.get(chat_id)
        if window is None:
            if len(self._windows) >= self._sweep_at:
                self._sweep(now)
            window = self._windows[chat_id] = Window(self._pace)
        return window

    def _sweep(self, now: float) -> None:
        self._windows = {chat: window for chat, window in self._windows.items() if not window.is_idle(now)}
        self._sweep_at = max(1024, 2 * len(self._windows))


@dataclass(slots=True)
class Halt:
    """An order to wait. `chat_id` None: the whole bot. `from_at` is when the answer that says so was written."""

    call: int
    bot_id: int
    chat_id: int | None
    retry_after_s: int
    from_at: float
    until: float
    ordered: bool

    def holds(self, bot_id: int, chat_id: int, at: float, grace_s: float = 0.0) -> bool:
        is_meant = self.bot_id == bot_id and self.chat_id in (None, chat_id)
        return is_meant and self.from_at + grace_s < at < self.until

    def as_row(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Too many calls: `chat_id` None where the whole bot was too fast."""

    chat_id: int | None
    retry_after_s: int


class Gate:
    """The limits of one bot: all its calls, those to one private chat, those to one group."""

    def __init__(self, whole_bot: Pace | None, per_private: Pace | None, per_group: Pace | None) -> None:
        self._whole = Window(whole_bot) if whole_bot else None
        self._private = ChatWindows(per_private) if per_private else None
        self._group = ChatWindows(per_group) if per_group else None
        self._halts: list[Halt] = []

    def admit(self, chat_id: int, now: float, weight: int = 1) -> Refusal | None:
        """Count `weight` calls to a chat, or say why they may not come now; nothing is counted then."""
        if self._halts and (refusal := self._halted(chat_id, now)):
            return refusal
        chats = self._private if chat_id > 0 else self._group
        window = chats.of(chat_id, now) if chats else None
        if window and (wait_s := window.wait_s(now, weight)):
            return Refusal(chat_id, whole_seconds(wait_s))
        if self._whole:
            if wait_s := self._whole.wait_s(now, weight):
                return Refusal(None, whole_seconds(wait_s))
            self._whole.count(now, weight)
        if window:
            window.count(now, weight)
        return None

    def halt(self, halt: Halt) -> None:
        """Refuse everything the order to wait is about until its time is over."""
        self._halts.append(halt)

    def _halted(self, chat_id: int, now: float) -> Refusal | None:
        self._halts = [halt for halt in self._halts if halt.until > now]
        meant = [halt for halt in self._halts if halt.chat_id in (None, chat_id)]
        if not meant:
            return None
        last = max(meant, key=lambda halt: halt.until)
        return Refusal(last.chat_id, whole_seconds(last.until - now))


def whole_seconds(wait_s: float) -> int:
    """Return what `retry_after` says: whole seconds, at least one."""
    return max(1, math.ceil(wait_s))
