"""The channel on the Zalo Bot Platform: translates a message and hands it over, takes events in by poll or webhook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.channels import listening
from bot.channels.base import Channel, NotSent, Outgoing, SendError, TooManyRequests
from bot.channels.halt import Halt
from bot.channels.polling import Poller
from bot.channels.receiving import Receiving
from bot.channels.updates import Taken, Unreadable
from bot.channels.webhook import Webhook
from bot.channels.zalo_bot.albums import Albums
from bot.channels.zalo_bot.api import Api
from bot.channels.zalo_bot.errors import LONGEST_WAIT_S
from bot.channels.zalo_bot.inbound import Me, read, unreadable
from bot.channels.zalo_bot.names import NAME
from bot.channels.zalo_bot.outgoing import styled
from bot.channels.zalo_bot.polling import Events
from bot.channels.zalo_bot.ports import Ports
from bot.channels.zalo_bot.reach import account_name
from bot.channels.zalo_bot.settings import Settings, capabilities_at
from bot.channels.zalo_bot.webhook import Deliveries
from bot.received import MAX_BYTES
from dialogue.messages import Capabilities
from dialogue.text import nfc

LASTING = 3
"""So many refusals for the quota in a row are trouble, not weather."""


@dataclass(frozen=True, slots=True)
class _AsMe:
    """Reads events as the bot we are now."""

    me: Callable[[], Me]
    albums: Albums

    def read(self, raw: Any) -> Taken:
        """Return what an event holds; `NotAnUpdate` if it is none."""
        return read(raw, self.me(), self.albums.of)

    def unreadable(self, raw: Any) -> Unreadable:
        """Return an event as it is kept where nothing better can be done."""
        return unreadable(raw, self.me())


class ZaloBot(Channel):
    """The channel. `now` is the clock."""

    name = NAME

    def __init__(self, ports: Ports, settings: Settings, *, now: Callable[[], datetime]) -> None:
        self._ports = ports
        self._now = now
        self._began_at: datetime | None = None
        self._capabilities = capabilities_at(settings.rate_per_s, pictures=ports.shows_pictures)
        connections = self._capabilities.window
        self._api = Api(settings.token, settings.api_url, connections=connections, poll_s=settings.poll_s)
        self._halt = Halt()
        self._too_many = 0
        self._me = Me(self._api.bot_id)
        way = self._way(settings)
        self._listening = listening.Listening(way, (self._learn_name,), halt=self._halt, pauses_s=settings.pauses_s)

    def _way(self, settings: Settings) -> listening.Way:
        receiving = Receiving(self._ports, _AsMe(lambda: self._me, Albums()))
        heard = self._ports.heard
        if settings.place is None:
            events = Events(self._api, look_s=settings.look_s)
            return Poller(events, receiving, heard=heard, pauses_s=settings.pauses_s)
        deliveries = Deliveries(self._api, settings.place)
        return Webhook(settings.place.door, deliveries, receiving, heard=heard, look_s=settings.look_s)

    @property
    def capabilities(self) -> Capabilities:
        """What it can show and promises."""
        return self._capabilities

    @property
    def trouble(self) -> str | None:
        """What keeps messages away: `token_refused`, `conflict`, `webhook_…`, `quota`; None if all is well."""
        return self._listening.trouble or ("quota" if self._too_many >= LASTING else None)

    @property
    def heard_at(self) -> datetime | None:
        """When taking messages in last worked or, before that, when we began."""
        return self._ports.heard_at or self._began_at

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the route events are brought to; none while we poll."""
        return self._listening.routes()

    # --- Start and stop ---

    async def start(self) -> None:
        """Open the connections; a wait of an earlier run goes on."""
        self._began_at = self._now()
        await self._api.open()
        await self._ports.known_as(self._api.bot_id)
        self._halt.begin(await self._ports.halted_s())

    async def listen(self) -> None:
        """Begin to take events in; returns at once, also where there is no line."""
        self._listening.start()

    async def hush(self) -> None:
        """Take nothing in any more; what was taken in is committed when this returns."""
        await self._listening.stop()

    async def stop(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def _learn_name(self) -> None:
        found = await self._api.call("getMe")
        name = account_name(found)
        self._me = Me(self._api.bot_id, str(found.get("id") or ""))
        await self._ports.call(self._api.bot_id, name)

    # --- The way out ---

    async def send(self, message: Outgoing) -> str:
        """Hand one message over and return the platform's id of it."""
        text = nfc(message.rendered.text)
        try:
            if message.picture is None:
                styles = styled(message.rendered) if text == message.rendered.text else {}
                sent = await self._api.send("sendMessage", chat_id=message.external_id, text=text, **styles)
            else:
                photo = self._ports.picture_url(message.picture.path.name)
                caption = {"caption": text} if text else {}
                sent = await self._api.send("sendPhoto", chat_id=message.external_id, photo=photo, **caption)
        except TooManyRequests as told:
            raise self._waiting(told) from None
        self._too_many = 0
        return sent

    def _waiting(self, told: TooManyRequests) -> TooManyRequests:
        """Return the same with a wait that grows: the platform never says how long."""
        wait_s = min(LONGEST_WAIT_S, (told.retry_after_s or 0) * 2.0 ** min(self._too_many, 10))
        self._too_many += 1
        self._halt.begin(wait_s)
        return TooManyRequests(told.reason, retry_after_s=wait_s)

    async def fetch(self, reference: str) -> bytes:
        """Return the bytes of a picture somebody sent, 12 MiB at most.

        Raises `NotSent` if it may be had later, `Refused` if never.
        """
        try:
            return await self._api.file(reference, most=MAX_BYTES)
        except SendError as error:
            if not error.ambiguous:
                raise
            reason = error.reason
        raise NotSent(reason)
