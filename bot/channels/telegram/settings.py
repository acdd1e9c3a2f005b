"""How the channel is to run, and what it can at the rate it is permitted."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from bot.channels import settings
from bot.channels.telegram.api import POLL_S
from dialogue.messages import Capabilities, Pace

RATE_PER_S = 30.0
"""What the platform permits a bot, "about"; more only where the operator was promised more."""

SMALL_WINDOW = 8
WINDOW_PER_RATE = 0.105
"""Messages in doubt per message a second above the usual rate: about 110 at 1,000/s."""

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024


@dataclass(frozen=True, slots=True, repr=False)
class Settings(settings.Settings):
    """How the channel is to run. `poll_s`, how long an empty poll waits, is shorter in tests only."""

    rate_per_s: float = RATE_PER_S
    poll_s: int = POLL_S


def capabilities_at(rate_per_s: float) -> Capabilities:
    """Return what the channel can at a permitted rate: the window grows with it, the limits of one chat do not."""
    return Capabilities(
        buttons=True,
        pictures=True,
        text_limit=TEXT_LIMIT,
        text_unit="utf16",
        caption_limit=CAPTION_LIMIT,
        data_abroad=True,
        window=SMALL_WINDOW + max(0, ceil((rate_per_s - RATE_PER_S) * WINDOW_PER_RATE)),
        rate_per_s=rate_per_s,
        erases_messages=True,
        edits_messages=True,
        marks=True,
        per_chat=Pace(1, 1.0),
        per_group=Pace(20, 60.0),
    )
