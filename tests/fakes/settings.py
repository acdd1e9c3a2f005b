"""What a test may set on any platform, at the start or in between."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from tests.fakes.limits import Pace


@dataclass(slots=True)
class Settings:
    """How strict and how kind a fake is.

    `whole_bot`: at most so many calls with a chat in any so many seconds; None: no limit.
    `known_only`: chats the bot has never heard of are not found.
    `time_factor` shortens the waits between webhook attempts.
    `repeat`: chance that an update that was taken comes once more. `shuffle`: chats overtake each other.
    """

    tokens: tuple[str, ...] = ()
    whole_bot: Pace | None = None
    known_only: bool = False
    time_factor: float = 1.0
    repeat: float = 0.0
    shuffle: bool = False
    webhook_timeout_s: float = 30.0
    seed: int = 0

    def change(self, **values: Any) -> None:
        """Set some of them; `AttributeError` where there is no such setting."""
        names = {field.name for field in dataclasses.fields(self)}
        for name, value in values.items():
            if name not in names:
                raise AttributeError(f"no such setting: {name}")
            setattr(self, name, tuple(value) if isinstance(value, list) else value)
