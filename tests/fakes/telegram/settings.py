"""What a test may set, at the start or in between."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from tests.fakes.telegram.limits import Pace

TOKEN = "700000001:AAFakeTokenOfTheTestsNeverUsedAnywhere0"
NO_LIMITS: dict[str, None] = {"whole_bot": None, "per_private": None, "per_group": None}


@dataclass(slots=True)
class Settings:
    """How strict and how kind the fake is.

    `whole_bot`, `per_private`, `per_group`: at most so many calls in any so many seconds; None: no limit.
    `refuse_in_halt`: who was told to wait is refused until the time is over, not only written down.
    `known_only`: chats the bot has never heard of are not found.
    `hurried_poll`: the same offset within 0.5 s brings one update only.
    `time_factor` shortens the waits between webhook attempts and of conflicts.
    `repeat`: chance that a confirmed update comes once more. `shuffle`: chats overtake each other in a batch.
    `callback_life_s`: how long a button press can be answered.
    `answer_only`: sendMessage is counted per chat and answered from memory; no limits, no faults, no records.
    """

    tokens: tuple[str, ...] = (TOKEN,)
    whole_bot: Pace | None = (30, 1.0)
    per_private: Pace | None = (1, 1.0)
    per_group: Pace | None = (20, 60.0)
    refuse_in_halt: bool = True
    known_only: bool = False
    hurried_poll: bool = True
    time_factor: float = 1.0
    repeat: float = 0.0
    shuffle: bool = False
    callback_life_s: float = 60.0
    webhook_timeout_s: float = 30.0
    answer_only: bool = False
    seed: int = 0

    def change(self, **values: Any) -> None:
        """Set some of them; `AttributeError` where there is no such setting."""
        names = {field.name for field in dataclasses.fields(self)}
        for name, value in values.items():
            if name not in names:
                raise AttributeError(f"no such setting: {name}")
            setattr(self, name, tuple(value) if isinstance(value, list) else value)
