"""The wait a platform asked for."""

from __future__ import annotations

import time
from collections.abc import Callable


class Halt:
    """The wait the platform asked for, as the channel itself heard of it; the sender keeps its own in the database."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._until_s = 0.0

    def begin(self, wait_s: float) -> None:
        """Wait `wait_s` from now; a longer wait that runs already stays."""
        self._until_s = max(self._until_s, self._monotonic() + wait_s)

    @property
    def left_s(self) -> float:
        """How long it still lasts; 0 if there is none."""
        return max(0.0, self._until_s - self._monotonic())
