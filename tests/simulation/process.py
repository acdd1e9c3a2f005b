"""One process of ours, put together like `bot/app.py` does it, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.broadcast import Broadcasts
from bot.channels.base import SentPicture
from bot.dispatch import Committed, Dispatcher
from bot.intake import Intake
from bot.scheduler import TICK_S
from bot.sender import Sender
from bot.sending import Surroundings
from storage.database import NotKept
from tests.simulation.platform import Door, Update
from tests.simulation.talk import WORDING, make_desk
from tests.simulation.timeline import PART, Loop
from tests.simulation.way_in import Line, WayIn


async def _no_pictures(_wanted: Mapping[str, Any]) -> SentPicture | None:
    return None


@dataclass
class Process:
    """The parts of one process. `on_end` hears when it ends by itself, asked to or not."""

    name: str
    loop: Loop
    link: Any
    door: Door
    wall: Callable[[], datetime]
    on_end: Callable[[Process, str], None]
    polls: bool
    sender: Sender = field(init=False)
    dispatcher: Dispatcher = field(init=False)
    broadcasts: Broadcasts = field(init=False)
    way_in: WayIn = field(init=False)

    def start(self) -> None:
        """Build the parts and let them run."""
        around = Surroundings(
            owner=self.name,
            wording=WORDING,
            pictures=_no_pictures,
            now=self.wall,
            monotonic=self.loop.time,
            sleep=self.loop.sleep,
        )
        self.sender = Sender(self.link, [self.door], around)
        desk = make_desk({self.door.name: self.door.capabilities}, self.wall)
        self.dispatcher = Dispatcher(self.link, desk, self.name, on_committed=self._committed)
        self.broadcasts = Broadcasts(
            self.link, WORDING, now=self.wall, on_outgoing=self.sender.wake, monotonic=self.loop.time
        )
        intake = Intake(self.link, self.name, "vi", self.wall, lambda channel, seconds: self.dispatcher.wake())
        self.way_in = WayIn(Line(self.door.platform, self.loop), self.door.name, intake, self.wall, self.loop)
        self._sending = self._part("send", self.sender.run())
        self._working = self._part("work", self.dispatcher.run())
        self._ticking = self._part("tick", self._tick())
        self._listening = self._part("", self.way_in.poller.run()) if self.polls else None

    def _part(self, name: str, work: Any) -> asyncio.Task[None]:
        context = copy_context()
        context.run(PART.set, name)
        task: asyncio.Task[None] = self.loop.create_task(work, context=context)
        task.add_done_callback(self._ended)
        return task

    def _committed(self, committed: Committed) -> None:
        if committed.outgoing:
            self.sender.wake()

    async def _tick(self) -> None:
        while True:
            await self.broadcasts.tick()
            await asyncio.sleep(TICK_S)

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # Like `bot/app.py`: a part that fails ends the process, and whoever watches over it starts another.
            self.on_end(self, "failed" if isinstance(error, NotKept) else f"failed: {error!r}")

    def stop(self) -> None:
        """Begin to end, as on SIGTERM."""
        self.loop.create_task(self._leave())

    async def _leave(self) -> None:
        self.way_in.stop()
        if self._listening is not None:
            await asyncio.wait([self._listening])
        self.dispatcher.stop()
        await asyncio.wait([self._working])
        self._ticking.cancel()
        self.sender.stop()
        await asyncio.wait([self._sending])
        self.on_end(self, "stopped")

    def post(self, update: Update, answer: Callable[[bool], None]) -> None:
        """Take an update by webhook and answer whether it is kept."""
        self.loop.create_task(self.way_in.post(update, answer))
