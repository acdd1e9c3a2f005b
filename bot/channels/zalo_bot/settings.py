"""How the channel is to run, and what it can at the rate it is permitted."""

from __future__ import annotations

from dataclasses import dataclass

from bot.channels.polling import PAUSES_S
from bot.channels.webhook import LOOK_EVERY_S
from bot.channels.zalo_bot.api import POLL_S
from bot.channels.zalo_bot.webhook import Place
from dialogue.messages import Capabilities, Pace

RATE_PER_S = 5.0
"""The platform names no rate; its proxy stops whoever is too fast."""

TEXT_LIMIT = 1900
"""The platform takes 2,000 and does not say of what: fewer, in the unit that counts most."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the channel is to run. Without a `place` it polls, with one events are brought there.

    `token` is never shown. `poll_s`, `pauses_s` and `look_s` are shorter in tests only.
    """

    token: str
    api_url: str
    rate_per_s: float = RATE_PER_S
    place: Place | None = None
    poll_s: float = POLL_S
    pauses_s: tuple[float, ...] = PAUSES_S
    look_s: float = LOOK_EVERY_S

    def __repr__(self) -> str:
        return "Settings(***)"


def capabilities_at(rate_per_s: float, *, pictures: bool) -> Capabilities:
    """Return what the channel can at a permitted rate. `pictures`: the platform can fetch ours from us."""
    return Capabilities(
        buttons=False,
        pictures=pictures,
        tells_of_pictures=True,
        text_limit=TEXT_LIMIT,
        text_unit="utf16",
        caption_limit=TEXT_LIMIT,
        rate_per_s=rate_per_s,
        per_chat=Pace(1, 1.0),
    )
