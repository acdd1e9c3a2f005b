"""Deliver updates as this server does.

Waits: again at once, then 2, 4, 8 … up to a random 60–120 s, or what `Retry-After` says, all times `time_factor`
(`WebhookActor.cpp` of telegram-bot-api 10.0).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import aiohttp

from tests.fakes import webhook
from tests.fakes.telegram.settings import Settings
from tests.fakes.telegram.updates import Queue

LONGEST_RETRY_AFTER_S = 3600
LONGEST_WAIT_S = 60


class Hook(webhook.Hook):
    """A webhook in force. `on_reply` gets the calls that answers hold."""

    secret_header = "X-Telegram-Bot-Api-Secret-Token"

    def __init__(
        self, queue: Queue, settings: Settings, url: str, *, on_reply: Callable[[dict[str, Any]], Any], **more: Any
    ) -> None:
        super().__init__(queue, settings, url, **more)
        self._on_reply = on_reply

    def wait_s(self, fails: int, retry_after_s: float) -> float:
        """Return what the other side asks for; else nothing at first, then ever longer."""
        if retry_after_s or not fails:
            return float(min(retry_after_s, LONGEST_RETRY_AFTER_S))
        return min(self._dice.uniform(LONGEST_WAIT_S, 2 * LONGEST_WAIT_S), 2.0**fails)

    async def taken(self, answer: aiohttp.ClientResponse) -> None:
        """Carry out the call that the answer holds."""
        with contextlib.suppress(ValueError, aiohttp.ClientError):
            reply = await answer.json()
            if isinstance(reply, dict) and isinstance(reply.get("method"), str):
                self._on_reply(reply)
