"""What a test may set, at the start or in between."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes import settings
from tests.fakes.limits import Pace

TOKEN = "700000001:AAFakeTokenOfTheTestsNeverUsedAnywhere0"
NO_LIMITS: dict[str, None] = {"whole_bot": None, "per_private": None, "per_group": None}


@dataclass(slots=True)
class Settings(settings.Settings):
    """How strict and how kind the fake is; more in `tests.fakes.settings`.

    `per_private`, `per_group`: the same as `whole_bot` for one chat.
    `refuse_in_halt`: who was told to wait is refused until the time is over, not only written down.
    `hurried_poll`: the same offset within 0.5 s brings one update only.
    `time_factor` shortens the waits of conflicts too.
    `callback_life_s`: how long a button press can be answered.
    `answer_only`: sendMessage is counted per chat and answered from memory; no limits, no faults, no records.
    """

    tokens: tuple[str, ...] = (TOKEN,)
    whole_bot: Pace | None = (30, 1.0)
    per_private: Pace | None = (1, 1.0)
    per_group: Pace | None = (20, 60.0)
    refuse_in_halt: bool = True
    hurried_poll: bool = True
    callback_life_s: float = 60.0
    answer_only: bool = False
