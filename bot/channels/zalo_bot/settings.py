"""How the channel is to run, and what it can at the rate it is permitted."""

from __future__ import annotations

from dataclasses import dataclass

from bot.channels import settings
from bot.channels.zalo_bot.api import POLL_S
from dialogue.messages import Capabilities, Pace

RATE_PER_S = 5.0
"""The platform names no rate; its proxy stops whoever is too fast."""

TEXT_LIMIT = 1900
"""The platform takes 2,000 and does not say of what: fewer, in the unit that counts most."""


@dataclass(frozen=True, slots=True, repr=False)
class Settings(settings.Settings):
    """How the channel is to run. `poll_s`, how long an empty poll waits, is shorter in tests only."""

    rate_per_s: float = RATE_PER_S
    poll_s: float = POLL_S


def capabilities_at(rate_per_s: float, *, pictures: bool) -> Capabilities:
    """Return what the channel can at a permitted rate. `pictures`: the platform can fetch ours from us."""
    return Capabilities(
        buttons=False,
        pictures=pictures,
        tells_of_pictures=True,
        marks=True,
        text_limit=TEXT_LIMIT,
        text_unit="utf16",
        caption_limit=TEXT_LIMIT,
        rate_per_s=rate_per_s,
        per_chat=Pace(1, 1.0),
    )
