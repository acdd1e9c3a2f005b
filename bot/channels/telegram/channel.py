"""The channel on Telegram: translates a message and hands it over, takes updates in by polling or by webhook."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import structlog
from aiohttp import web
from telegram.error import TelegramError

from bot.channels.base import Channel, NotSent, Outgoing, Refused, SendError, TooManyRequests, Unclear
from bot.channels.telegram.api import Api, BadFilePath, written
from bot.channels.telegram.errors import FileForgotten, Gone, Unchanged, judged
from bot.channels.telegram.inbound import Me
from bot.channels.telegram.listening import Listening
from bot.channels.telegram.names import NAME, link_to
from bot.channels.telegram.outgoing import NO_PREVIEW, chat_of, keyboard, photo_message, text_message
from bot.channels.telegram.pictures import Pictures
from bot.channels.telegram.ports import Ports
from bot.channels.telegram.receiving import Halt
from bot.channels.telegram.settings import Settings, capabilities_at
from bot.received import MAX_BYTES
from dialogue.messages import Capabilities

log = structlog.get_logger()


class Telegram(Channel):
    """The channel. `now` is the clock."""

    name = NAME

    def __init__(self, ports: Ports, settings: Settings, *, now: Callable[[], datetime]) -> None:
        self._ports = ports
        self._now = now
        self._began_at: datetime | None = None
        self._capabilities = capabilities_at(settings.rate_per_s)
        connections = self._capabilities.window
        self._api = Api(settings.token, settings.api_url, connections=connections, poll_s=settings.poll_s)
        self._halt = Halt()
        self._pictures = Pictures(self._api, ports)
        self._listening = Listening(self._api, ports, settings, halt=self._halt, now=now)

    @property
    def capabilities(self) -> Capabilities:
        """What it can show and promises."""
        return self._capabilities

    @property
    def trouble(self) -> str | None:
        """What keeps it from taking messages in: `token_refused`, `conflict`, `webhook_…`; None if all is well."""
        return self._listening.trouble

    @property
    def heard_at(self) -> datetime | None:
        """When taking messages in last worked or, before that, when we began."""
        return self._ports.heard_at or self._began_at

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the route updates are brought to; none while we poll."""
        return self._listening.routes()

    def is_group(self, external_id: str) -> bool:
        """Groups have negative numbers."""
        return external_id.startswith("-")

    def link(self, payload: str) -> str | None:
        """Return the address that opens a talk here; None until the bot's name is known."""
        return link_to(self._listening.me.username, payload)

    # --- Start and stop ---

    async def start(self) -> None:
        """Open the connections; what an earlier run knew (our name, a wait) is known again."""
        self._began_at = self._now()
        await self._api.open()
        self._listening.me = Me(self._api.bot_id, await self._ports.known_as(self._api.bot_id))
        self._halt.begin(await self._ports.halted_s())

    async def listen(self) -> None:
        """Begin to take updates in; returns at once, also where there is no line."""
        self._listening.start()

    async def hush(self) -> None:
        """Take nothing in any more; what was taken in is committed when this returns."""
        await self._listening.stop()

    async def stop(self) -> None:
        """Close the connections."""
        await self._api.close()

    # --- The way out ---

    async def send(self, message: Outgoing) -> str:
        """Hand one message over and return the platform's id of it; ids of several are separated by a space."""
        if message.erases:
            return await self._erase(message)
        if message.edits:
            return await self._edit(message)
        if message.picture is not None:
            return _message_id(await self._photo(message))
        return _message_id(await self._asked(self._api.post("sendMessage", text_message(message))))

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
        if others:
            await self._take_away(message, others)
        return last

    async def _erase(self, message: Outgoing) -> str:
        await self._take_away(message, message.edits)
        return " ".join(message.edits)

    async def _take_away(self, message: Outgoing, ids: Sequence[str]) -> None:
        """Delete messages of ours in one call; what is gone already is as it should be."""
        chat_id, numbers = chat_of(message.external_id), [int(each) for each in ids]
        if len(numbers) > 1:
            await self._posted("deleteMessages", {"chat_id": chat_id, "message_ids": numbers})
            return
        try:
            await self._posted("deleteMessage", {"chat_id": chat_id, "message_id": numbers[0]})
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
