"""Tell the platform where to bring events, and look whether it gets there. The route is `bot/channels/webhook.py`."""

from __future__ import annotations

import re
from typing import Any

import structlog

from bot.channels import webhook
from bot.channels.webhook import FAILING, TAKEN
from bot.channels.zalo_bot.api import Api

PATH = "/zalo-bot/webhook"
SECRET_HEADER = "X-Bot-Api-Secret-Token"  # noqa: S105 - the header's name, no secret
_OUTCOME = re.compile(r"webhook(\.\w{1,16}){1,3}", re.ASCII)

log = structlog.get_logger()


class Place(webhook.Place):
    """Where this platform finds us. It takes 8–256 letters as a secret, and tries the way with an empty body."""

    __slots__ = ()
    path = PATH
    header = SECRET_HEADER
    probed = True


class Deliveries:
    """The platform's side of the webhook; `bot.channels.webhook.Webhook` is ours.

    The platform keeps an address also where its own trial of it failed, and tells nothing of later failures.
    """

    def __init__(self, api: Api, place: webhook.Place) -> None:
        self._api = api
        self._place = place
        self._is_reached = False

    async def settle(self) -> None:
        """Tell the platform where to bring events; it tries the way at once."""
        found = await self._api.call("setWebhook", url=self._place.url, secret_token=self._place.secret)
        verification = found.get("verification") if isinstance(found, dict) else None
        self._is_reached = not isinstance(verification, dict) or verification.get("ok") is not False
        if not self._is_reached:
            log.error("webhook_trial_failed", outcome=_shown(verification))

    async def look(self) -> str | None:
        """Return what keeps events away: another address, or a trial that failed, which is repeated."""
        found = await self._api.call("getWebhookInfo")
        if not isinstance(found, dict) or found.get("url") != self._place.url:
            return TAKEN
        if not self._is_reached:
            await self.settle()
        return None if self._is_reached else FAILING


def _shown(verification: Any) -> str:
    outcome = verification.get("outcome") if isinstance(verification, dict) else None
    return outcome if isinstance(outcome, str) and _OUTCOME.fullmatch(outcome) else "unknown"
