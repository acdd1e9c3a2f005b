"""How updates come in: the channel's own poller, or posts by the platform until it hears that they are kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bot.channels.polling import Poller
from bot.channels.telegram.inbound import Me
from bot.channels.telegram.polling import Updates
from bot.channels.telegram.receiving import Answers, Halt, receiving
from bot.intake import Intake
from bot.ports.telegram import TelegramPorts
from storage.database import NotKept
from tests.simulation.platform import BOT_ID, Platform, Update
from tests.simulation.talk import CONTENT
from tests.simulation.timeline import Loop


class Line:
    """The part of the channel's line to the platform that asks for updates."""

    bot_id = BOT_ID

    def __init__(self, platform: Platform, loop: Loop) -> None:
        self.platform = platform
        self._loop = loop

    async def updates(self, offset: int | None) -> list[Any]:
        """Return updates as they are written on the wire."""
        return [each.raw() for each in await self.platform.updates(self._loop, offset)]

    async def call(self, method: str, **parameters: Any) -> bool:
        """Say yes to everything else."""
        return True


class WayIn:
    """The channel's way in on one process."""

    def __init__(self, line: Any, name: str, intake: Intake, clock: Callable[[], datetime], loop: Loop) -> None:
        ports = TelegramPorts(name=name, db=intake.db, intake=intake, content=CONTENT, clock=clock)
        self.receiving = receiving(ports, Answers(line, Halt(loop.time)), lambda: Me(BOT_ID))
        self.poller = Poller(Updates(line), self.receiving, heard=ports.heard)
        self.stopping = False

    async def post(self, update: Update, answer: Callable[[bool], None]) -> None:
        """Take an update the platform posts, like `bot/channels/webhook.py`, and answer whether it is kept."""
        if self.stopping:
            answer(False)
            return
        raw = update.raw()
        try:
            await self.receiving.take(raw, self.receiving.read(raw))
        except NotKept:
            answer(False)
        else:
            answer(True)

    def stop(self) -> None:
        """Take nothing more in."""
        self.stopping = True
        self.poller.stop()
