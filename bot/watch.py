"""Watch that every channel takes messages in: a silent one is told in the log, loudly when it lasts.

Platforms keep what people write for a day; whoever runs the program must know long before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.channels.base import Channel

ALARM_AFTER = timedelta(minutes=10)
LOUD_AFTER = timedelta(hours=2)
LOOK_EVERY_S = 30.0

log = structlog.get_logger()


class Watch:
    """Looks at the channels every half minute."""

    def __init__(self, channels: Mapping[str, Channel], now: Callable[[], datetime]) -> None:
        self._channels = channels
        self._now = now
        self._told: dict[str, timedelta] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Tell what has become silent, or has been for long, or is back, since the last look; each once."""
        for name, silence in self._silences().items():
            told = self._told.get(name, timedelta())
            if silence < ALARM_AFTER:
                if self._told.pop(name, None):
                    log.info("channel_heard_again", channel=name)
            elif silence >= LOUD_AFTER > told:
                self._tell(name, silence, log.critical)
            elif told < ALARM_AFTER:
                self._tell(name, silence, log.error)

    def _tell(self, name: str, silence: timedelta, how: Callable[..., Any]) -> None:
        self._told[name] = silence
        minutes = int(silence.total_seconds() // 60)
        how("channel_silent", channel=name, minutes=minutes, trouble=self._channels[name].trouble)

    def state(self) -> dict[str, dict[str, Any]]:
        """Return for each channel its trouble, if any, and the seconds since it was last heard, where that is known."""
        silences = self._silences()
        return {
            name: {"trouble": channel.trouble}
            | ({"silent_s": int(silences[name].total_seconds())} if name in silences else {})
            for name, channel in self._channels.items()
        }

    def _silences(self) -> dict[str, timedelta]:
        heard = {name: channel.heard_at for name, channel in self._channels.items()}
        return {name: self._now() - at for name, at in heard.items() if at is not None}
