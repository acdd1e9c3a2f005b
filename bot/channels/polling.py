"""Ask a platform for updates, again and again. What is to be asked next depends on what was committed, nothing else.

Ready-made loops confirm an update once it lies in a queue in memory, before anybody has worked on it; a kill then
loses it (`docs/decisions/0006-our-own-poll-and-line.md`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import structlog
from aiohttp import web

from bot.channels.base import ChannelDown, SendError, TooManyRequests
from bot.channels.receiving import Receiving, kept
from storage.database import NotKept

PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Waits after a poll that failed. Not under 1 s: platforms punish who asks again sooner."""

log = structlog.get_logger()


class Source(Protocol):
    """Where updates come from. Its errors are `SendError`s: `ChannelDown` ends the poll, with its reason as trouble."""

    @property
    def gives_again(self) -> bool:
        """Tell whether what is handed out and not yet `took` comes again, so that a poll may be left half-way."""

    async def settle(self) -> None:
        """Have the platform hand updates out by polling."""

    async def ask(self) -> list[Any]:
        """Wait for updates and return them raw, oldest first; perhaps none. What was not `took` is among them."""

    def took(self, batch: list[Any]) -> None:
        """Note that what `ask` returned last is on the disk."""


class Poller:
    """Polls until stopped, or until the platform says that somebody else does or that we may not.

    `heard` is awaited after every poll whose updates, if any, are on the disk.
    """

    def __init__(
        self,
        source: Source,
        receiving: Receiving,
        *,
        heard: Callable[[], Awaitable[None]],
        pauses_s: tuple[float, ...] = PAUSES_S,
    ) -> None:
        self._source = source
        self._receiving = receiving
        self._heard = heard
        self._pauses_s = pauses_s
        self._stopping = asyncio.Event()
        self._failures = 0
        self.busy = False
        self.trouble: str | None = None

    def routes(self) -> Sequence[web.RouteDef]:
        """Nothing is brought to us."""
        return ()

    async def settle(self) -> None:
        """Have the platform hand updates out by polling. Raises `SendError`."""
        await self._source.settle()

    def stop(self) -> None:
        """Ask for nothing more; `run` returns when what was taken in is committed."""
        self._stopping.set()

    async def drain(self) -> None:
        """What is under way ends with `run`."""

    async def run(self) -> None:
        """Take updates in until `stop`, or until `trouble` says why not."""
        self.busy = True
        try:
            await self._run()
        finally:
            self.busy = False

    async def _run(self) -> None:
        while not self._stopping.is_set() and self.trouble is None:
            try:
                batch = await self._next()
                if batch is None:
                    return
                await self._committed(batch)
            except ChannelDown as error:
                self.trouble = error.reason
                log.error("polling_ended", reason=self.trouble)
            except Exception as error:
                # One boundary for the loop: what is not kept is asked for again.
                await self._pause(error)
            else:
                self._failures = 0

    async def _next(self) -> list[Any] | None:
        """Return the next updates, perhaps none; None if we were stopped while waiting for them."""
        if not self._source.gives_again:
            return await self._source.ask()  # an answer we do not wait for would be lost
        poll = asyncio.ensure_future(self._source.ask())
        stop = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({poll, stop}, return_when=asyncio.FIRST_COMPLETED)
            return await poll if poll.done() else None
        finally:
            stop.cancel()
            poll.cancel()

    async def _committed(self, batch: list[Any]) -> None:
        await kept(self._receiving, batch)
        await self._heard()
        self._source.took(batch)

    async def _pause(self, error: Exception) -> None:
        pause_s = self._pauses_s[min(self._failures, len(self._pauses_s) - 1)]
        if isinstance(error, TooManyRequests):
            pause_s = max(pause_s, error.retry_after_s or 0)
        self._failures += 1
        if isinstance(error, SendError):
            log.warning("poll_failed", reason=error.reason, failures=self._failures)
        elif isinstance(error, NotKept):
            log.error("updates_not_kept", reason=type(error).__name__, failures=self._failures)
        else:
            log.error("updates_not_kept", exc_info=error, failures=self._failures)
        try:
            await asyncio.wait_for(self._stopping.wait(), pause_s)
        except TimeoutError:
            return
