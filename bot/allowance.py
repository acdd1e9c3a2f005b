"""How often somebody may do something: a count per window, in memory, forgotten when the window has passed."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_KEPT = 100_000
"""Different names remembered at once; past that the window starts anew for all."""


@dataclass
class Allowance:
    """`most` times in each window of `window_s` seconds for every name."""

    most: int
    window_s: float
    _began_s: float = 0.0
    _counts: dict[str, int] = field(default_factory=dict)

    def takes(self, name: str, now_s: float) -> bool:
        """Count one more of `name` and tell whether it was within the allowance."""
        if now_s - self._began_s >= self.window_s or len(self._counts) >= MOST_KEPT:
            self._began_s = now_s
            self._counts.clear()
        self._counts[name] = self._counts.get(name, 0) + 1
        return self._counts[name] <= self.most
