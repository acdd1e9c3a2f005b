"""The way in as a whole: say who we are, settle the way updates come, take them in until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import structlog
from aiohttp import web
from telegram import BotCommand, BotCommandScopeAllPrivateChats
from telegram.error import InvalidToken, TelegramError

from bot.channels.telegram.api import Api
from bot.channels.telegram.errors import judged
from bot.channels.telegram.inbound import Me
from bot.channels.telegram.polling import Poller
from bot.channels.telegram.ports import Ports
from bot.channels.telegram.receiving import Answers, Halt, Receiving
from bot.channels.telegram.settings import Settings
from bot.channels.telegram.webhook import Webhook

log = structlog.get_logger()


class Listening:
    """Takes updates in by polling, or by webhook where the settings name a place for it."""

    def __init__(self, api: Api, ports: Ports, settings: Settings, *, halt: Halt, now: Callable[[], datetime]) -> None:
        self._api = api
        self._ports = ports
        self._halt = halt
        self._pauses_s = settings.pauses_s
        self.me = Me(api.bot_id)
        self._answers = Answers(api, halt)
        receiving = Receiving(ports, self._answers, lambda: self.me)
        self._poller = Poller(api, receiving, heard=ports.heard, pauses_s=settings.pauses_s)
        place, look_s = settings.place, settings.look_s
        self._webhook = Webhook(api, receiving, place, heard=ports.heard, now=now, look_s=look_s) if place else None
        self._task: asyncio.Task[None] | None = None
        self._trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """What keeps updates away; None if all is well."""
        return self._trouble or (self._webhook or self._poller).trouble

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the route updates are brought to; none while we poll."""
        return self._webhook.routes() if self._webhook else ()

    def start(self) -> None:
        """Begin; returns at once, also where there is no line."""
        self._answers.start()
        self._task = asyncio.create_task(self._listen())
        self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Take nothing in any more; what was taken in is committed when this returns."""
        self._poller.stop()
        if self._webhook is not None:
            await self._webhook.stop()
        if self._task is not None:
            if not self._poller.running:
                self._task.cancel()  # nothing of what it may be doing is owed to anybody
            await asyncio.wait([self._task])
        await self._answers.stop()

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._trouble = "broken"
            log.critical("listening_broken", exc_info=error)

    async def _listen(self) -> None:
        introducing = asyncio.create_task(self._introduce())
        try:
            if not await self._insist(self._webhook.settle if self._webhook else self._leave_webhook):
                self._trouble = self._trouble or "not_set_up"
            elif self._webhook is not None:
                await self._webhook.watch()
            else:
                await self._poller.run()
        finally:
            introducing.cancel()
            await asyncio.wait([introducing])

    async def _introduce(self) -> None:
        if await self._insist(self._learn_name):
            await self._insist(self._set_commands)

    async def _leave_webhook(self) -> None:
        await self._api.bot.delete_webhook(drop_pending_updates=False)

    async def _learn_name(self) -> None:
        found = await self._api.bot.get_me()
        self.me = Me(self._api.bot_id, found.username or "")
        await self._ports.call(self._api.bot_id, self.me.username)

    async def _set_commands(self) -> None:
        for place, (language, commands) in enumerate(self._ports.commands().items()):
            await self._api.bot.set_my_commands(
                [BotCommand(word, description) for word, description in commands],
                scope=BotCommandScopeAllPrivateChats(),
                language_code=language if place else None,
            )

    async def _insist(self, step: Callable[[], Awaitable[None]]) -> bool:
        """Do a step of the start, again and again while the line is bad; tell whether it was done."""
        failures = 0
        while True:
            await asyncio.sleep(self._halt.left_s)
            try:
                await step()
            except TelegramError as error:
                if not self._may_pass(error, step.__name__):
                    return False
            except Exception:
                # One boundary for the start: whatever it is, it must not keep us from listening for good.
                log.exception("channel_step_failed", step=step.__name__)
            else:
                return True
            await asyncio.sleep(self._pauses_s[min(failures, len(self._pauses_s) - 1)])
            failures += 1

    def _may_pass(self, error: TelegramError, step: str) -> bool:
        """Tell whether a step that failed may go well another time; log it."""
        meant = judged(error)
        if isinstance(error, InvalidToken):
            self._trouble = "token_refused"
        elif meant.retry or meant.ambiguous:
            self._halt.begin(meant.retry_after_s or 0)
            log.warning("channel_step_failed", step=step, reason=meant.reason)
            return True
        log.error("channel_step_refused", step=step, reason=meant.reason)
        return False
