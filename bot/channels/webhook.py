"""Let a platform bring updates: our route for it, and looking whether it finds the way.

Only what is committed is answered with 200; whatever else comes, the platform brings the update again.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import structlog
from aiohttp import web

from bot.channels.base import ChannelDown, SendError
from bot.channels.receiving import Receiving
from bot.channels.updates import NotAnUpdate
from bot.intake import TooManyWaiting
from storage.database import NotKept

MOST_BYTES = 1024 * 1024
LATER_S = "5"
WAITS_S = "30"
LOOK_EVERY_S = 180.0
"""Between two looks at what the platform says of its deliveries."""

TAKEN = "webhook_taken"
FAILING = "webhook_failing"

log = structlog.get_logger()


class Proof(Protocol):
    """How a platform shows at our route who it is."""

    def may_speak(self, headers: Mapping[str, str]) -> bool:
        """Tell whether it is worth reading what comes with these headers."""

    def is_theirs(self, headers: Mapping[str, str], raw: bytes) -> bool:
        """Tell whether exactly these bytes come from the platform."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of ours that the platform repeats in a header."""

    header: str
    secret: str

    def __repr__(self) -> str:
        return "Secret(***)"

    def may_speak(self, headers: Mapping[str, str]) -> bool:
        """Compare in a time that tells nothing."""
        shown = headers.get(self.header, "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(shown, self.secret.encode())

    def is_theirs(self, _headers: Mapping[str, str], _raw: bytes) -> bool:
        """Who knows the secret is believed."""
        return True


@dataclass(frozen=True, slots=True)
class Door:
    """Our route. Where it is `probed`, who is believed and brings no update only asks whether we are there; such a
    question may have no body and no type. Where it is `pinged`, so does who shows no proof at all.

    `within_s` is how long the platform waits: what takes longer is asked for again, and kept once all the same.
    """

    path: str
    proof: Proof
    probed: bool = False
    pinged: bool = False
    within_s: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a platform finds us, and the secret it must show there. A platform names its route and header."""

    public_url: str
    secret: str
    path: ClassVar[str]
    header: ClassVar[str]
    probed: ClassVar[bool] = False

    def __repr__(self) -> str:
        return "Place(***)"

    @property
    def url(self) -> str:
        """The address of the route."""
        return f"{self.public_url.rstrip('/')}{self.path}"

    @property
    def door(self) -> Door:
        """The route itself."""
        return Door(self.path, Secret(self.header, self.secret), probed=self.probed)


class Hook(Protocol):
    """What a channel knows of its platform's deliveries. Its errors are `SendError`s."""

    async def settle(self) -> None:
        """Tell the platform where to bring updates."""

    async def look(self) -> str | None:
        """Return what keeps updates away (`TAKEN`, `FAILING`); None if they come."""


class Webhook:
    """The route. `heard` is awaited after every update that is on the disk."""

    busy = False
    """What `run` does may be left at any moment."""

    def __init__(
        self,
        door: Door,
        hook: Hook,
        receiving: Receiving,
        *,
        heard: Callable[[], Awaitable[None]],
        look_s: float = LOOK_EVERY_S,
    ) -> None:
        self._door = door
        self._hook = hook
        self._receiving = receiving
        self._heard = heard
        self._look_s = look_s
        self._stopping = asyncio.Event()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.trouble: str | None = None

    def routes(self) -> list[web.RouteDef]:
        """Return the one route."""
        return [web.post(self._door.path, self._post)]

    def stop(self) -> None:
        """Take nothing more in."""
        self._stopping.set()

    async def drain(self) -> None:
        """Wait until what was begun is committed."""
        await self._idle.wait()

    async def _post(self, request: web.Request) -> web.Response:
        if not self._door.proof.may_speak(request.headers):
            return web.Response(status=200 if self._door.pinged else 403)
        if self._door.probed and not request.can_read_body:
            return web.Response()
        if not self._door.probed and request.content_type != "application/json":
            return web.Response(status=415)
        if self._stopping.is_set():
            return _later(LATER_S)
        self._under_way += 1
        self._idle.clear()
        answering = asyncio.ensure_future(self._answer(request))
        answering.add_done_callback(self._ended)
        await asyncio.wait({answering}, timeout=self._door.within_s)
        if not answering.done():
            log.warning("webhook_answer_late")
            return _later(LATER_S)
        return answering.result()

    def _ended(self, answering: asyncio.Future[web.Response]) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._idle.set()
        if not answering.cancelled() and (error := answering.exception()) is not None:
            log.error("webhook_answer_failed", reason=type(error).__name__)

    async def _answer(self, request: web.Request) -> web.Response:
        body = await _limited(request)
        if body is None:
            return web.Response(status=413)
        if not self._door.proof.is_theirs(request.headers, body):
            return web.Response(status=403)
        try:
            raw = json.loads(body)
            taken = self._receiving.read(raw)
        except NotAnUpdate:
            return web.Response(status=200 if self._door.probed else 400)
        except (ValueError, RecursionError):
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
        """Tell the platform where to bring updates. Raises `SendError`."""
        await self._hook.settle()

    async def run(self) -> None:
        """Look every few minutes whether updates reach us, until stopped; tell where they do not."""
        while not self._stopping.is_set():
            try:
                await self._look()
            except ChannelDown as error:
                self._note(error.reason)
            except SendError as error:
                log.warning("webhook_not_looked_at", reason=error.reason)
            except Exception:
                # One boundary for the loop: watching must not end because one look went wrong.
                log.exception("webhook_not_looked_at")
            try:
                await asyncio.wait_for(self._stopping.wait(), self._look_s)
            except TimeoutError:
                continue

    async def _look(self) -> None:
        trouble = await self._hook.look()
        self._note(trouble)
        if trouble == TAKEN:
            # Somebody else uses the same token; ours is the address that was asked for last.
            await self._hook.settle()
        elif trouble is None:
            await self._heard()

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
