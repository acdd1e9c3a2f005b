"""Let the platform bring updates: our route for it, and telling the platform where that is.

Only what is committed is answered with 200; whatever else comes, the platform brings the update again.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from aiohttp import web
from telegram import WebhookInfo
from telegram.error import InvalidToken, TelegramError

from bot.channels.telegram.api import LISTENS_TO, Api
from bot.channels.telegram.inbound import NotAnUpdate
from bot.channels.telegram.receiving import Receiving
from bot.intake import TooManyWaiting
from storage.database import NotKept

PATH = "/telegram/webhook"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name, no secret
MOST_BYTES = 1024 * 1024
MOST_CONNECTIONS = 40
LATER_S = "5"
WAITS_S = "30"
LOOK_EVERY_S = 180.0
"""Between two looks at what the platform says of its deliveries."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the platform finds us, and the secret it must show there (1–256 of A–Z a–z 0–9 _ -)."""

    public_url: str
    secret: str

    @property
    def url(self) -> str:
        """The address of the route."""
        return f"{self.public_url.rstrip('/')}{PATH}"


class Webhook:
    """The route. `heard` is awaited after every update that is on the disk."""

    def __init__(
        self,
        api: Api,
        receiving: Receiving,
        place: Place,
        *,
        heard: Callable[[], Awaitable[None]],
        now: Callable[[], datetime],
        look_s: float = LOOK_EVERY_S,
    ) -> None:
        self._api = api
        self._receiving = receiving
        self._place = place
        self._heard = heard
        self._now = now
        self._look_s = look_s
        self._stopping = asyncio.Event()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.trouble: str | None = None

    def routes(self) -> list[web.RouteDef]:
        """Return the one route."""
        return [web.post(PATH, self._post)]

    async def stop(self) -> None:
        """Take nothing more in; what was begun is committed when this returns."""
        self._stopping.set()
        await self._idle.wait()

    async def _post(self, request: web.Request) -> web.Response:
        shown = request.headers.get(SECRET_HEADER, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(shown, self._place.secret.encode()):
            return web.Response(status=403)
        if request.content_type != "application/json":
            return web.Response(status=415)
        if self._stopping.is_set():
            return _later(LATER_S)
        self._under_way += 1
        self._idle.clear()
        try:
            return await self._answer(request)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await _limited(request)
        if body is None:
            return web.Response(status=413)
        try:
            raw = json.loads(body)
            taken = self._receiving.read(raw)
        except (NotAnUpdate, ValueError, RecursionError):
            return web.Response(status=400)
        try:
            await self._receiving.take(raw, taken)
        except NotKept:
            return _later(LATER_S)
        except TooManyWaiting:
            return _later(WAITS_S)
        await self._heard()
        return web.Response()

    async def settle(self) -> None:
        """Tell the platform where to bring updates. Raises `TelegramError`."""
        await self._api.bot.set_webhook(
            self._place.url,
            secret_token=self._place.secret,
            max_connections=MOST_CONNECTIONS,
            allowed_updates=list(LISTENS_TO),
        )

    async def watch(self) -> None:
        """Look every few minutes whether updates reach us, until stopped; tell where they do not."""
        while not self._stopping.is_set():
            try:
                await self._look(await self._api.bot.get_webhook_info())
            except InvalidToken:
                self._note("token_refused")
            except TelegramError as error:
                log.warning("webhook_not_looked_at", reason=type(error).__name__)
            except Exception:
                # One boundary for the loop: watching must not end because one look went wrong.
                log.exception("webhook_not_looked_at")
            try:
                await asyncio.wait_for(self._stopping.wait(), self._look_s)
            except TimeoutError:
                continue

    async def _look(self, found: WebhookInfo) -> None:
        if found.url != self._place.url:
            # Somebody else uses the same token; ours is the one that was asked for last.
            self._note("webhook_taken")
            await self.settle()
            return
        if found.pending_update_count and self._is_recent(found.last_error_date):
            self._note("webhook_failing")
            return
        self._note(None)
        await self._heard()

    def _is_recent(self, at: datetime | None) -> bool:
        return at is not None and self._now() - at < timedelta(seconds=2 * LOOK_EVERY_S)

    def _note(self, trouble: str | None) -> None:
        if trouble is not None and trouble != self.trouble:
            log.error("webhook_trouble", reason=trouble)
        self.trouble = trouble


def _later(after_s: str) -> web.Response:
    return web.Response(status=503, headers={"Retry-After": after_s})


async def _limited(request: web.Request) -> bytes | None:
    """Return the body; None if it is larger than an update can be."""
    if (request.content_length or 0) > MOST_BYTES:
        return None
    body = bytearray()
    async for chunk in request.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)
