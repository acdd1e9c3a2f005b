"""The way in as a whole: say who we are, settle the way updates come, take them in until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog
from aiohttp import web

from bot.channels.base import ChannelDown, SendError
from bot.channels.halt import Halt

log = structlog.get_logger()
Step = Callable[[], Awaitable[None]]
"""A step of the start. Raises `SendError`."""


class Way(Protocol):
    """A way updates come: `bot.channels.polling.Poller` or `bot.channels.webhook.Webhook`."""

    @property
    def trouble(self) -> str | None:
        """What keeps updates away; None if all is well."""

    @property
    def busy(self) -> bool:
        """Tell whether `run` must be let come to its end."""

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the route updates are brought to, if they are."""

    async def settle(self) -> None:
        """Have the platform use this way."""

    async def run(self) -> None:
        """Work until `stop`."""

    def stop(self) -> None:
        """Take nothing more in."""

    async def drain(self) -> None:
        """Wait until what was taken in is committed, as far as `run` does not."""


class Listening:
    """Takes updates in by one way. `introduce` are the steps of saying who we are, done beside it."""

    def __init__(self, way: Way, introduce: Sequence[Step], *, halt: Halt, pauses_s: Sequence[float]) -> None:
        self._way = way
        self._steps = introduce
        self._halt = halt
        self._pauses_s = pauses_s
        self._task: asyncio.Task[None] | None = None
        self._trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """What keeps updates away; None if all is well."""
        return self._trouble or self._way.trouble

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the route updates are brought to; none while we poll."""
        return self._way.routes()

    def start(self) -> None:
        """Begin; returns at once, also where there is no line."""
        self._task = asyncio.create_task(self._listen())
        self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Take nothing in any more; what was taken in is committed when this returns."""
        self._way.stop()
        await self._way.drain()
        if self._task is not None:
            if not self._way.busy:
                self._task.cancel()  # nothing of what it may be doing is owed to anybody
            await asyncio.wait([self._task])

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._trouble = "broken"
            log.critical("listening_broken", exc_info=error)

    async def _listen(self) -> None:
        introducing = asyncio.create_task(self._introduce())
        try:
            if await self._insist(self._way.settle):
                await self._way.run()
            else:
                self._trouble = self._trouble or "not_set_up"
        finally:
            introducing.cancel()
            await asyncio.wait([introducing])

    async def _introduce(self) -> None:
        for step in self._steps:
            if not await self._insist(step):
                return

    async def _insist(self, step: Step) -> bool:
        """Do a step of the start, again and again while the line is bad; tell whether it was done."""
        failures = 0
        while True:
            await asyncio.sleep(self._halt.left_s)
            try:
                await step()
            except SendError as error:
                if not self._may_pass(error, _named(step)):
                    return False
            except Exception:
                # One boundary for the start: whatever it is, it must not keep us from listening for good.
                log.exception("channel_step_failed", step=_named(step))
            else:
                return True
            await asyncio.sleep(self._pauses_s[min(failures, len(self._pauses_s) - 1)])
            failures += 1

    def _may_pass(self, error: SendError, step: str) -> bool:
        """Tell whether a step that failed may go well another time; log it."""
        if isinstance(error, ChannelDown):
            self._trouble = error.reason
        elif error.retry or error.ambiguous:
            self._halt.begin(error.retry_after_s or 0)
            log.warning("channel_step_failed", step=step, reason=error.reason)
            return True
        log.error("channel_step_refused", step=step, reason=error.reason)
        return False


def _named(step: Step) -> str:
    return getattr(step, "__name__", "step")
