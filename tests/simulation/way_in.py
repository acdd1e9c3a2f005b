"""How updates come in: asked for in a loop, or posted by the platform until it hears that they are kept."""

from __future__ import annotations

import asyncio

from bot.channels.base import NotSent
from bot.intake import Intake
from storage.database import NotKept
from tests.simulation.platform import Door, Update

PAUSE_S = 1.0


async def poll(door: Door, intake: Intake) -> None:
    """Ask for updates without end. Only a batch that is kept is confirmed, by the next request and no later one."""
    offset: int | None = None
    while True:
        try:
            updates = await door.platform.updates(door.loop, offset)
            for update in updates:
                await accept(door, intake, update)
        except (NotSent, NotKept):
            await asyncio.sleep(PAUSE_S)
            continue
        offset = max((update.id for update in updates), default=-1) + 1 or None


async def accept(door: Door, intake: Intake, update: Update) -> None:
    """Keep one update."""
    said = update.said
    await intake.accept(door.name, said.person, said.key, said.body)
