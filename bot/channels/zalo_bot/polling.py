"""Ask the platform for events. It hands each out once: what is in hand is held until it is on the disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bot.channels.base import ChannelDown
from bot.channels.webhook import LOOK_EVERY_S
from bot.channels.zalo_bot.api import Api
from bot.channels.zalo_bot.errors import ApiRefusal, judged


class Events:
    """The events of one bot by long poll; `bot.channels.polling.Poller` takes them from here."""

    gives_again = False

    def __init__(
        self, api: Api, *, look_s: float = LOOK_EVERY_S, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._api = api
        self._look_s = look_s
        self._monotonic = monotonic
        self._looked_s = monotonic()
        self._held: list[Any] = []

    async def settle(self) -> None:
        """Leave the webhook: beside one polling brings nothing."""
        await self._api.call("deleteWebhook")

    async def ask(self) -> list[Any]:
        """Return what is not on the disk yet, else wait for an event.

        `ChannelDown` where a webhook is set (another program uses the same token) or the token is dead.
        """
        if not self._held:
            self._held = await self._next()
        return self._held

    def took(self, batch: list[Any]) -> None:
        """Let go of what is on the disk."""
        self._held = []

    async def _next(self) -> list[Any]:
        try:
            found = await self._api.events()
        except ApiRefusal as error:
            refusal = error
        else:
            if not found and self._monotonic() - self._looked_s >= self._look_s:
                await self._look()
            return found
        if refusal.code == 400:
            await self._look()
        raise judged(refusal)

    async def _look(self) -> None:
        """Nobody outside knows how a poll ends beside a webhook, so it is looked for."""
        self._looked_s = self._monotonic()
        found = await self._api.call("getWebhookInfo")
        if isinstance(found, dict) and found.get("url"):
            raise ChannelDown("conflict")
