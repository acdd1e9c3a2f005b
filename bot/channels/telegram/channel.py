"""The channel on Telegram: translates a message and hands it over, takes updates in by polling or by webhook."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

import structlog
from aiohttp import web
from telegram import BotCommand, BotCommandScopeAllPrivateChats
from telegram.error import InvalidToken, TelegramError

from bot.channels.base import Channel, NotSent, Outgoing, Refused, SendError, TooManyRequests, Unclear
from bot.channels.telegram.api import POLL_S, Api, BadFilePath, written
from bot.channels.telegram.errors import FileForgotten, Gone, Unchanged, judged
from bot.channels.telegram.inbound import Me
from bot.channels.telegram.names import NAME, link_to
from bot.channels.telegram.outgoing import NO_PREVIEW, chat_of, keyboard, photo_message, text_message
from bot.channels.telegram.pictures import Pictures
from bot.channels.telegram.polling import PAUSES_S, Poller
from bot.channels.telegram.ports import Ports
from bot.channels.telegram.receiving import Answers, Halt, Receiving
from bot.channels.telegram.webhook import Place, Webhook
from bot.received import MAX_BYTES
from dialogue.messages import Capabilities, Pace

RATE_PER_S = 30.0
"""What the platform permits a bot, "about"; more only where the operator was promised more."""

SMALL_WINDOW = 8
WINDOW_PER_RATE = 0.105
"""Messages in doubt per message a second above the usual rate: about 110 at 1,000/s."""

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Settings:
    """How the channel is to run. Without a `place` it polls, with one updates are brought there.

    `token` is never shown. `poll_s` and `pauses_s` are shorter in tests only.
    """

    token: str
    api_url: str
    rate_per_s: float = RATE_PER_S
    place: Place | None = None
    poll_s: int = POLL_S
    pauses_s: tuple[float, ...] = PAUSES_S

    def __repr__(self) -> str:
        return "Settings(***)"


def capabilities_at(rate_per_s: float) -> Capabilities:
    """Return what the channel can at a permitted rate: the window grows with it, the limits of one chat do not."""
    return Capabilities(
        buttons=True,
        pictures=True,
        text_limit=TEXT_LIMIT,
        text_unit="utf16",
        caption_limit=CAPTION_LIMIT,
        data_abroad=True,
        window=SMALL_WINDOW + max(0, ceil((rate_per_s - RATE_PER_S) * WINDOW_PER_RATE)),
        rate_per_s=rate_per_s,
        erases_messages=True,
        edits_messages=True,
        per_chat=Pace(1, 1.0),
        per_group=Pace(20, 60.0),
    )


class Telegram(Channel):
    """The channel. `now` is the clock."""

    name = NAME

    def __init__(self, ports: Ports, settings: Settings, *, now: Callable[[], datetime]) -> None:
        self._ports = ports
        self._settings = settings
        self._capabilities = capabilities_at(settings.rate_per_s)
        self._api = Api(settings.token, settings.api_url, connections=self._capabilities.window, poll_s=settings.poll_s)
        self._me = Me(self._api.bot_id)
        self._now = now
        self._began_at: datetime | None = None
        self._halt = Halt()
        self._answers = Answers(self._api, self._halt)
        self._pictures = Pictures(self._api, ports)
        receiving = Receiving(ports, self._answers, lambda: self._me)
        self._poller = Poller(self._api, receiving, heard=ports.heard, pauses_s=settings.pauses_s)
        place = settings.place
        self._webhook = Webhook(self._api, receiving, place, heard=ports.heard, now=now) if place else None
        self._listening: asyncio.Task[None] | None = None
        self._trouble: str | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What it can show and promises."""
        return self._capabilities

    @property
    def trouble(self) -> str | None:
        """What keeps it from taking messages in: `token_refused`, `conflict`, `webhook_…`; None if all is well."""
        listener = self._webhook or self._poller
        return self._trouble or listener.trouble

    @property
    def heard_at(self) -> datetime | None:
        """When taking messages in last worked or, before that, when we began."""
        return self._ports.heard_at or self._began_at

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the route updates are brought to; none while we poll."""
        return self._webhook.routes() if self._webhook else ()

    def is_group(self, external_id: str) -> bool:
        """Groups have negative numbers."""
        return external_id.startswith("-")

    def link(self, payload: str) -> str | None:
        """Return the address that opens a talk here; None until the bot's name is known."""
        return link_to(self._me.username, payload)

    # --- Start and stop ---

    async def start(self) -> None:
        """Open the connections; what an earlier run knew (our name, a wait) is known again."""
        self._began_at = self._now()
        await self._api.open()
        self._me = Me(self._api.bot_id, await self._ports.known_as(self._api.bot_id))
        self._halt.begin(await self._ports.halted_s())

    async def listen(self) -> None:
        """Begin to take updates in; returns at once, also where there is no line."""
        self._answers.start()
        self._listening = asyncio.create_task(self._listen())

    async def hush(self) -> None:
        """Take nothing in any more; what was taken in is committed when this returns."""
        self._poller.stop()
        if self._webhook is not None:
            await self._webhook.stop()
        if self._listening is not None:
            if not self._poller.running:
                self._listening.cancel()  # nothing of what it may be doing is owed to anybody
            await asyncio.wait([self._listening])
        await self._answers.stop()

    async def stop(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def _listen(self) -> None:
        introducing = asyncio.create_task(self._introduce())
        try:
            if not await self._insist(self._webhook.settle if self._webhook else self._leave_webhook):
                self._trouble = self._trouble or "not_set_up"
            elif self._webhook is not None:
                await self._webhook.watch()
            else:
                await self._poller.run()
            await introducing
        finally:
            introducing.cancel()

    async def _introduce(self) -> None:
        if await self._insist(self._learn_name):
            await self._insist(self._set_commands)

    async def _leave_webhook(self) -> None:
        await self._api.bot.delete_webhook(drop_pending_updates=False)

    async def _learn_name(self) -> None:
        found = await self._api.bot.get_me()
        self._me = Me(self._api.bot_id, found.username or "")
        await self._ports.call(self._api.bot_id, self._me.username)

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
            except InvalidToken:
                self._trouble = "token_refused"
                log.error("channel_refused", channel=NAME, reason=self._trouble)
                return False
            except TelegramError as error:
                meant = judged(error)
                if not (meant.retry or meant.ambiguous):
                    log.error("channel_step_refused", channel=NAME, step=step.__name__, reason=meant.reason)
                    return False
                pauses_s = self._settings.pauses_s
                pause_s = max(pauses_s[min(failures, len(pauses_s) - 1)], meant.retry_after_s or 0)
                log.warning("channel_step_failed", channel=NAME, step=step.__name__, reason=meant.reason)
            except Exception:
                log.exception("channel_step_failed", channel=NAME, step=step.__name__)
                pause_s = self._settings.pauses_s[-1]
            failures += 1
            await asyncio.sleep(pause_s)

    # --- The way out ---

    async def send(self, message: Outgoing) -> str:
        """Hand one message over and return the platform's id of it; ids of several are separated by a space."""
        if message.erases:
            return await self._erase(message)
        if message.edits:
            return await self._edit(message)
        if message.picture is not None:
            return _message_id(await self._photo(message))
        return _message_id(await self._posted("sendMessage", text_message(message)))

    async def _photo(self, message: Outgoing) -> Any:
        assert message.picture is not None
        known = await self._pictures.reference(message.picture.path.name)
        if known is None:
            return await self._asked(self._pictures.upload(message, message.picture))
        try:
            return await self._posted("sendPhoto", photo_message(message, known))
        except FileForgotten:
            return await self._asked(self._pictures.upload(message, message.picture, wrong=known))

    async def _edit(self, message: Outgoing) -> str:
        """Change the message; of several parts the last one, which has the buttons, and the others go."""
        *others, last = message.edits
        wanted = {
            "chat_id": chat_of(message.external_id),
            "message_id": int(last),
            "text": message.rendered.text,
            "link_preview_options": NO_PREVIEW,
            "reply_markup": keyboard(message.delivery_id, message.rendered.buttons),
        }
        try:
            await self._posted("editMessageText", wanted)
        except Unchanged:
            log.debug("edit_changed_nothing", delivery_id=message.delivery_id)
        for other in others:
            await self._taken_away(message, other)
        return last

    async def _erase(self, message: Outgoing) -> str:
        for message_id in message.edits:
            await self._taken_away(message, message_id)
        return " ".join(message.edits)

    async def _taken_away(self, message: Outgoing, message_id: str) -> None:
        wanted = {"chat_id": chat_of(message.external_id), "message_id": int(message_id)}
        try:
            await self._posted("deleteMessage", wanted)
        except Gone:
            log.debug("already_gone", delivery_id=message.delivery_id)

    async def _posted(self, method: str, parameters: dict[str, Any]) -> Any:
        return await self._asked(self._api.post(method, written(parameters)))

    async def _asked(self, call: Awaitable[Any]) -> Any:
        """Await a call of the platform; its errors become those every channel has."""
        try:
            return await call
        except TelegramError as error:
            meant = judged(error)
        if isinstance(meant, TooManyRequests):
            self._halt.begin(meant.retry_after_s or 0)
        raise meant

    async def fetch(self, reference: str) -> bytes:
        """Return the bytes of a file somebody sent, 12 MiB at most.

        Raises `NotSent` if it may be had later, `Refused` if never.
        """
        if self._halt.left_s:
            raise NotSent("halted")
        try:
            content: bytes = await self._asked(self._api.file(reference, most=MAX_BYTES))
        except BadFilePath:
            raise Refused("no_such_file") from None
        except SendError as error:
            if error.ambiguous:
                raise NotSent(error.reason) from None
            raise
        return content


def _message_id(result: Any) -> str:
    found = result.get("message_id") if isinstance(result, dict) else None
    if not isinstance(found, int) or isinstance(found, bool):
        raise Unclear("garbled")
    return str(found)
