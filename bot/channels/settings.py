"""How a channel on a platform is to run."""

from __future__ import annotations

from dataclasses import dataclass

from bot.channels.polling import PAUSES_S
from bot.channels.webhook import LOOK_EVERY_S, Place


@dataclass(frozen=True, slots=True)
class Settings:
    """How the channel is to run. Without a `place` it polls, with one updates are brought there.

    `token` is never shown. `pauses_s` and `look_s` are shorter in tests only.
    """

    token: str
    api_url: str
    rate_per_s: float = 1.0
    place: Place | None = None
    pauses_s: tuple[float, ...] = PAUSES_S
    look_s: float = LOOK_EVERY_S

    def __repr__(self) -> str:
        return "Settings(***)"
