"""How many messages may leave on each channel now: the permitted rate, and waits a provider asked for.

An absolute window, not a leaky bucket: a bucket that starts full lets nearly twice the rate out in its
first second. Waits are wall-clock time, since they outlive the process; rates are counted on a
monotonic clock, which a clock step cannot disturb.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import floor


@dataclass(slots=True)
class _Pace:
    """At most `most` sends begin in any `span_s` seconds. `begun` holds the times of the last ones."""

    most: int
    span_s: float
    closed_until: float
    begun: deque[float] = field(default_factory=deque)
    reserved: int = 0

    def free(self, at: float) -> int:
        """Return how many more may begin at the monotonic time `at`."""
        while self.begun and self.begun[0] <= at - self.span_s:
            self.begun.popleft()
        return 0 if at < self.closed_until else max(0, self.most - len(self.begun) - self.reserved)

    def opens_at(self) -> float:
        """Return when the next slot comes free."""
        return max(self.closed_until, self.begun[0] + self.span_s if self.begun else 0.0)


class Limiter:
    """The permitted rates of the channels. A channel without a rate is not limited.

    A limited channel stays shut for one whole window after the start: an earlier process may have
    used it up.
    """

    def __init__(
        self,
        rates_per_s: Mapping[str, float | None],
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._now = now
        self._monotonic = monotonic
        self._paces = {name: _pace(rate, monotonic()) for name, rate in rates_per_s.items() if rate}
        self._halts: dict[str, datetime] = {}

    def free(self, name: str) -> int | None:
        """Return how many messages may be taken for a channel now; None where there is no limit."""
        if self.halted_until(name) is not None:
            return 0
        pace = self._paces.get(name)
        return None if pace is None else pace.free(self._monotonic())

    def reserve(self, name: str) -> None:
        """Set a slot aside for a message taken for sending; `begin` or `give_back` must follow."""
        if name in self._paces:
            self._paces[name].reserved += 1

    def give_back(self, name: str) -> None:
        """Return a slot that was set aside and not used."""
        if name in self._paces:
            self._paces[name].reserved -= 1

    def begin(self, name: str) -> None:
        """Note that a request begins now."""
        if name in self._paces:
            self._paces[name].begun.append(self._monotonic())

    def wait_s(self, name: str) -> float:
        """Return how long until a channel may send again; 0 if it may now."""
        halted = self.halted_until(name)
        waits = [0.0 if halted is None else (halted - self._now()).total_seconds()]
        pace = self._paces.get(name)
        if pace is not None and pace.free(self._monotonic()) <= 0:
            waits.append(pace.opens_at() - self._monotonic())
        return max(0.0, *waits)

    def halt(self, name: str, until: datetime) -> None:
        """Let nothing out on a channel before `until`; an earlier end never shortens a longer wait."""
        known = self._halts.get(name)
        self._halts[name] = until if known is None else max(known, until)

    def halted_until(self, name: str) -> datetime | None:
        """Return when a channel's wait ends; None if it is not waiting."""
        until = self._halts.get(name)
        return until if until is not None and self._now() < until else None


def _pace(rate_per_s: float, started: float) -> _Pace:
    span_s = max(1.0, 1.0 / rate_per_s)
    return _Pace(max(1, floor(rate_per_s * span_s + 1e-9)), span_s, started + span_s)
