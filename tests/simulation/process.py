"""One process of ours, put together like `bot/app.py` does it, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
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
from tests.simulation import way_in
from tests.simulation.platform import Door, Update
from tests.simulation.store import Link
from tests.simulation.talk import WORDING, make_desk
from tests.simulation.timeline import Loop


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
    intake: Intake = field(init=False)
    stopping: bool = False
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _hushed: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        """Build the parts and let them run."""
        around = Surroundings(
            owner=self.name,
            wording=WORDING,
            pictures=_no_pictures,
            now=self.wall,
            monotonic=self.loop.time,
            sleep=asyncio.sleep,
        )
        self.sender = Sender(self.link, [self.door], around)
        desk = make_desk({self.door.name: self.door.capabilities}, self.wall)
        self.dispatcher = Dispatcher(self.link, desk, self.name, on_committed=self._committed)
        self.broadcasts = Broadcasts(self.link, WORDING, now=self.wall, on_outgoing=self.sender.wake)
        self.intake = Intake(self.link, self.name, "vi", self.wall, lambda channel, seconds: self.dispatcher.wake())
        self._run(self.sender.run())
        self._run(self.dispatcher.run())
        self._hushed.append(self.loop.create_task(self._tick()))
        if self.polls:
            self._hushed.append(self.loop.create_task(way_in.poll(self.door, self.intake)))

    def _run(self, work: Any) -> None:
        task = self.loop.create_task(work)
        self._tasks.append(task)
        task.add_done_callback(self._ended)

    def _committed(self, committed: Committed) -> None:
        if committed.outgoing:
            self.sender.wake()

    async def _tick(self) -> None:
        while True:
            await self.broadcasts.tick()
            await asyncio.sleep(TICK_S)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            # Like `bot/app.py`: a part that fails ends the process, and whoever watches over it starts another.
            self.on_end(self, "failed" if isinstance(error, NotKept) else f"failed: {error!r}")
        elif self.stopping and all(each.done() for each in self._tasks):
            self.on_end(self, "stopped")

    def stop(self) -> None:
        """Finish what is under way and end, as on SIGTERM."""
        self.stopping = True
        for task in self._hushed:
            task.cancel()
        self.dispatcher.stop()
        self.sender.stop()

    def post(self, update: Update, answer: Callable[[bool], None]) -> None:
        """Take an update by webhook and answer whether it is kept."""
        self.loop.create_task(_posted(self.door, self.intake, update, answer))


async def _posted(door: Door, intake: Intake, update: Update, answer: Callable[[bool], None]) -> None:
    try:
        await way_in.accept(door, intake, update)
    except NotKept:
        answer(False)
    else:
        answer(True)


Work = Callable[[], Awaitable[None]]
Store = Link
