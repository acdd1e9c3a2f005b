"""What the platform waits for once an update is kept: the answer to the button that was pressed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from telegram.error import TelegramError

from bot.channels.halt import Halt as Halt
from bot.channels.receiving import Receiving
from bot.channels.telegram.api import Api
from bot.channels.telegram.inbound import Me, read, unreadable
from bot.channels.telegram.ports import Ports
from bot.channels.telegram.transport import Flood
from bot.channels.updates import Taken, Unreadable

WAITING_ANSWERS = 500
ANSWERERS = 4

log = structlog.get_logger()


class Answers:
    """Ends the waiting sign on pressed buttons, beside everything else; what is late or too much is left out."""

    def __init__(self, api: Api, halt: Halt) -> None:
        self._api = api
        self._halt = halt
        self._waiting: asyncio.Queue[str] = asyncio.Queue(WAITING_ANSWERS)
        self._workers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to answer."""
        self._workers = [asyncio.create_task(self._work()) for _ in range(ANSWERERS)]

    async def stop(self) -> None:
        """Leave the rest unanswered: the sign goes away by itself."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    def put(self, callback_id: str) -> None:
        """Answer a press when there is time."""
        if not self._waiting.full() and not self._halt.left_s:
            self._waiting.put_nowait(callback_id)

    async def _work(self) -> None:
        while True:
            callback_id = await self._waiting.get()
            if self._halt.left_s:
                continue
            try:
                await self._api.call("answerCallbackQuery", callback_query_id=callback_id)
            except Flood as flood:
                self._halt.begin(flood.retry_after_s)
            except TelegramError as error:
                # Most often too old: she pressed while we were away. Nothing depends on it.
                log.debug("press_not_answered", reason=type(error).__name__)


@dataclass(frozen=True, slots=True)
class _AsMe:
    """Reads updates as the bot we are now."""

    me: Callable[[], Me]

    def read(self, raw: Any) -> Taken:
        """Return what an update holds; `NotAnUpdate` if it is none."""
        return read(raw, self.me())

    def unreadable(self, raw: Any) -> Unreadable:
        """Return an update as it is kept where nothing better can be done."""
        return unreadable(raw, self.me())


def receiving(ports: Ports, answers: Answers, me: Callable[[], Me]) -> Receiving:
    """Return what commits updates and has presses answered. `me` tells who we are now."""
    return Receiving(ports, _AsMe(me), answers.put)
