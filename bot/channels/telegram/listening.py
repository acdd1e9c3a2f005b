"""The way in as a whole: by polling, or by webhook where the settings name a place for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from aiohttp import web
from telegram import BotCommand, BotCommandScopeAllPrivateChats
from telegram.error import TelegramError

from bot.channels import listening
from bot.channels.halt import Halt
from bot.channels.polling import Poller
from bot.channels.telegram.api import Api
from bot.channels.telegram.errors import judged
from bot.channels.telegram.inbound import Me
from bot.channels.telegram.polling import Updates
from bot.channels.telegram.ports import Ports
from bot.channels.telegram.receiving import Answers, receiving
from bot.channels.telegram.settings import Settings
from bot.channels.telegram.webhook import Deliveries
from bot.channels.webhook import Webhook


class Listening:
    """Takes updates in and has presses answered. `me` is who we are there, as far as we know."""

    def __init__(self, api: Api, ports: Ports, settings: Settings, *, halt: Halt, now: Callable[[], datetime]) -> None:
        self._api = api
        self._ports = ports
        self.me = Me(api.bot_id)
        self._answers = Answers(api, halt)
        taking = receiving(ports, self._answers, lambda: self.me)
        place, heard, pauses_s = settings.place, ports.heard, settings.pauses_s
        way: listening.Way = Poller(Updates(api), taking, heard=heard, pauses_s=pauses_s)
        if place is not None:
            deliveries = Deliveries(api, place, now=now)
            way = Webhook(place.door, deliveries, taking, heard=heard, look_s=settings.look_s)
        steps = (self._learn_name, self._set_commands)
        self._listening = listening.Listening(way, steps, halt=halt, pauses_s=pauses_s)

    @property
    def trouble(self) -> str | None:
        """What keeps updates away; None if all is well."""
        return self._listening.trouble

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the route updates are brought to; none while we poll."""
        return self._listening.routes()

    def start(self) -> None:
        """Begin; returns at once, also where there is no line."""
        self._answers.start()
        self._listening.start()

    async def stop(self) -> None:
        """Take nothing in any more; what was taken in is committed when this returns."""
        await self._listening.stop()
        await self._answers.stop()

    async def _learn_name(self) -> None:
        try:
            found = await self._api.bot.get_me()
        except TelegramError as error:
            raise judged(error) from None
        self.me = Me(self._api.bot_id, found.username or "")
        await self._ports.call(self._api.bot_id, self.me.username)

    async def _set_commands(self) -> None:
        for place, (language, commands) in enumerate(self._ports.commands().items()):
            try:
                await self._api.bot.set_my_commands(
                    [BotCommand(word, description) for word, description in commands],
                    scope=BotCommandScopeAllPrivateChats(),
                    language_code=language if place else None,
                )
            except TelegramError as error:
                raise judged(error) from None
