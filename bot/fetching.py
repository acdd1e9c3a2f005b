"""Fetch the files people sent from the platforms that hold them, and keep them beside those that came to us whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from bot import received
from bot.channels.base import Channel, ChannelDown, Refused, TooManyRequests
from bot.received import NotAPhoto, NotKept, PhotoTooLarge
from storage import remote_files
from storage.database import Database
from storage.remote_files import Remote

AT_ONCE = 2
TIME_LIMIT_S = 60.0
AGAIN_AFTER = tuple(timedelta(seconds=each) for each in (2, 10, 60, 300, 900, 3_600, 10_800, 21_600, 43_200))
"""Waits between tries of one file; after the last it is lost. A platform keeps files for longer than that."""

HELD = timedelta(seconds=1.5 * TIME_LIMIT_S)
CHANNEL_REST = timedelta(minutes=1)
LOST = "picture.lost"
PAUSE_S = 1.0

log = structlog.get_logger()


class Fetcher:
    """Fetches what waits, two files at a time. A try that is cut off, by a stop or a kill, is made again later.

    `on_settled` hears of each file that is here or lost.
    """

    def __init__(
        self,
        db: Database,
        channels: Mapping[str, Channel],
        folder: Path,
        *,
        clock: Callable[[], datetime],
        on_settled: Callable[[], None],
    ) -> None:
        self._db = db
        self._channels = channels
        self._folder = folder
        self._clock = clock
        self._on_settled = on_settled
        self._woken = asyncio.Event()
        self._stopping = False
        self._working: list[asyncio.Task[None]] = []

    def wake(self) -> None:
        """Look for files now instead of at the next tick."""
        self._woken.set()

    async def run(self) -> None:
        """Fetch files until stopped."""
        self._working = [asyncio.create_task(self._work()) for _ in range(AT_ONCE)]
        await asyncio.wait(self._working)

    def stop(self) -> None:
        """Let go of the files in hand and return from `run`."""
        self._stopping = True
        for task in self._working:
            task.cancel()

    async def _work(self) -> None:
        while not self._stopping:
            # Cleared before the look: what comes in during it must not be slept over.
            self._woken.clear()
            try:
                fetched = await self.fetch_next()
            except Exception:
                # One boundary for the loop: a full disk must not end the service.
                log.exception("files_not_fetched")
                fetched = False
            if not fetched:
                await self._rest()

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), PAUSE_S)
        except TimeoutError:
            return

    async def fetch_next(self) -> bool:
        """Try the file that waits longest; False if there is none."""
        now = self._clock()
        # A few more than one: another worker may be at the first.
        found = await self._db.read(remote_files.due, now=now, channels=list(self._channels), most=2 * AT_ONCE)
        for file in found:
            # Nobody else begins it while we are at it; a killed try is made again after that.
            if await self._db.write(remote_files.begin, file, again_at=now + HELD):
                await self._fetch(file)
                return True
        return False

    async def _fetch(self, file: Remote) -> None:
        try:
            async with asyncio.timeout(TIME_LIMIT_S):
                content = await self._channels[file.channel].fetch(file.reference)
            await received.keep(self._folder, content, name=file.name)
        except TooManyRequests as told:
            await self._again(file, timedelta(seconds=told.retry_after_s or 0), counts=False)
        except (ChannelDown, NotKept):
            await self._again(file, CHANNEL_REST, counts=False)
        except Refused:
            await self._lose(file, LOST)
        except NotAPhoto:
            await self._lose(file, "picture.not_a_picture")
        except PhotoTooLarge:
            await self._lose(file, "picture.too_large")
        except Exception as error:
            log.warning("file_not_fetched", channel=file.channel, tries=file.tries + 1, reason=type(error).__name__)
            if file.tries >= len(AGAIN_AFTER):
                await self._lose(file, LOST)
            else:
                await self._again(file, AGAIN_AFTER[file.tries], counts=True)
        else:
            await self._db.write(remote_files.arrived, file.id)
            self._on_settled()

    async def _again(self, file: Remote, wait: timedelta, *, counts: bool) -> None:
        await self._db.write(remote_files.put_off, file, until=self._clock() + wait, counts=counts)

    async def _lose(self, file: Remote, reason: str) -> None:
        log.warning("file_lost", channel=file.channel, reason=reason)
        await self._db.write(remote_files.lose, [file.name], reason=reason)
        self._on_settled()
