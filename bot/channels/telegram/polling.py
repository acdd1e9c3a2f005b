"""Ask the platform for updates. What was committed is confirmed by the next question, nothing sooner."""

from __future__ import annotations

from typing import Any

from telegram.error import Conflict, InvalidToken, TelegramError

from bot.channels.base import ChannelDown
from bot.channels.telegram.api import Api
from bot.channels.telegram.errors import judged


class Updates:
    """The updates of one bot by long poll; `bot.channels.polling.Poller` takes them from here.

    The offset lives for one question. Ids may begin again at a lower number after a quiet week, and asking with one
    that is too high confirms everything below it, unread.
    """

    gives_again = True
    """What the next question does not confirm comes again."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._offset: int | None = None

    async def settle(self) -> None:
        """Leave the webhook, if there is one; what it held back comes by polling."""
        try:
            await self._api.bot.delete_webhook(drop_pending_updates=False)
        except TelegramError as error:
            raise judged(error) from None

    async def ask(self) -> list[Any]:
        """Wait for updates; `ChannelDown` where somebody else asks with the same token, or nobody may."""
        try:
            return await self._api.updates(self._offset)
        except (Conflict, InvalidToken) as error:
            raise ChannelDown("conflict" if isinstance(error, Conflict) else "token_refused") from None
        except TelegramError as error:
            raise judged(error) from None

    def took(self, batch: list[Any]) -> None:
        """Confirm these with the next question."""
        ids = [raw["update_id"] for raw in batch if isinstance(raw, dict) and isinstance(raw.get("update_id"), int)]
        if batch and not ids:
            raise ValueError("nothing of the answer is an update")
        self._offset = ids[-1] + 1 if ids else None
