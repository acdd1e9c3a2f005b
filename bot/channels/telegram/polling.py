"""Ask the platform for updates, again and again. What was committed is confirmed by the next question, nothing sooner.

The library's own loop confirms an update once it lies in a queue in memory, before anybody has worked on it; a kill
then loses it (`docs/decisions/0006-our-own-poll-and-line.md`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from telegram.error import Conflict, InvalidToken, TelegramError

from bot.channels.telegram.api import Api
from bot.channels.telegram.receiving import Receiving, kept
from bot.channels.telegram.transport import Flood
from storage.database import NotKept

PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Waits after a poll that failed. Not under 1 s: who asks again sooner gets one update at a time."""

log = structlog.get_logger()


class Poller:
    """Polls until stopped, or until the platform says that somebody else does or that we may not.

    `heard` is awaited after every poll whose updates, if any, are on the disk.
    """

    def __init__(
        self,
        api: Api,
        receiving: Receiving,
        *,
        heard: Callable[[], Awaitable[None]],
        pauses_s: tuple[float, ...] = PAUSES_S,
    ) -> None:
        self._api = api
        self._receiving = receiving
        self._heard = heard
        self._pauses_s = pauses_s
        self._stopping = asyncio.Event()
        self._failures = 0
        self.running = False
        self.trouble: str | None = None

    def stop(self) -> None:
        """Ask for nothing more; `run` returns when what was taken in is committed."""
        self._stopping.set()

    async def run(self) -> None:
        """Take updates in until `stop`, or until `trouble` says why not."""
        self.running = True
        try:
            await self._run()
        finally:
            self.running = False

    async def _run(self) -> None:
        offset: int | None = None
        while not self._stopping.is_set() and self.trouble is None:
            try:
                batch = await self._next(offset)
                if batch is None:
                    return
                # The offset lives for one question. Ids may begin again at a lower number after a quiet week, and
                # asking with one that is too high confirms everything below it, unread.
                offset = await self._committed(batch)
            except (Conflict, InvalidToken) as error:
                self.trouble = "conflict" if isinstance(error, Conflict) else "token_refused"
                log.error("polling_ended", reason=self.trouble)
            except Exception as error:
                # One boundary for the loop. The offset stays as it was: what is not kept is asked for again.
                await self._pause(error)
            else:
                self._failures = 0

    async def _next(self, offset: int | None) -> list[Any] | None:
        """Return the next updates, perhaps none; None if we were stopped while waiting for them."""
        poll = asyncio.ensure_future(self._api.updates(offset))
        stop = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({poll, stop}, return_when=asyncio.FIRST_COMPLETED)
            return await poll if poll.done() else None
        finally:
            stop.cancel()
            poll.cancel()

    async def _committed(self, batch: list[Any]) -> int | None:
        await kept(self._receiving, batch)
        await self._heard()
        ids = [raw["update_id"] for raw in batch if isinstance(raw, dict) and isinstance(raw.get("update_id"), int)]
        if batch and not ids:
            raise ValueError("nothing of the answer is an update")
        return ids[-1] + 1 if ids else None

    async def _pause(self, error: Exception) -> None:
        pause_s = self._pauses_s[min(self._failures, len(self._pauses_s) - 1)]
        if isinstance(error, Flood):
            pause_s = max(pause_s, error.retry_after_s)
        self._failures += 1
        if isinstance(error, TelegramError):
            log.warning("poll_failed", reason=type(error).__name__, failures=self._failures)
        elif isinstance(error, NotKept):
            log.error("updates_not_kept", reason=type(error).__name__, failures=self._failures)
        else:
            log.error("updates_not_kept", exc_info=error, failures=self._failures)
        try:
            await asyncio.wait_for(self._stopping.wait(), pause_s)
        except TimeoutError:
            return
