"""Tell the platform where to bring updates, and ask it how it fares there. The route is `bot/channels/webhook.py`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from telegram.error import TelegramError

from bot.channels import webhook
from bot.channels.telegram.api import LISTENS_TO, Api
from bot.channels.telegram.errors import judged
from bot.channels.webhook import FAILING, LOOK_EVERY_S, TAKEN
from bot.channels.webhook import MOST_BYTES as MOST_BYTES

PATH = "/telegram/webhook"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name, no secret
MOST_CONNECTIONS = 40


class Place(webhook.Place):
    """Where this platform finds us. It takes 1–256 of A–Z a–z 0–9 _ - as a secret."""

    __slots__ = ()
    path = PATH
    header = SECRET_HEADER


class Deliveries:
    """The platform's side of the webhook; `bot.channels.webhook.Webhook` is ours."""

    def __init__(self, api: Api, place: webhook.Place, *, now: Callable[[], datetime]) -> None:
        self._api = api
        self._place = place
        self._now = now

    async def settle(self) -> None:
        """Tell the platform where to bring updates."""
        try:
            await self._api.bot.set_webhook(
                self._place.url,
                secret_token=self._place.secret,
                max_connections=MOST_CONNECTIONS,
                allowed_updates=list(LISTENS_TO),
            )
        except TelegramError as error:
            raise judged(error) from None

    async def look(self) -> str | None:
        """Return what keeps updates away: another address, or failures while some wait; None if they come."""
        try:
            found = await self._api.bot.get_webhook_info()
        except TelegramError as error:
            raise judged(error) from None
        if found.url != self._place.url:
            return TAKEN
        return FAILING if found.pending_update_count and self._is_recent(found.last_error_date) else None

    def _is_recent(self, at: datetime | None) -> bool:
        return at is not None and self._now() - at < timedelta(seconds=2 * LOOK_EVERY_S)
