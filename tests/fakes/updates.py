"""Hold what a bot has not taken yet."""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.ledger import Arrival, Ledger
from tests.fakes.settings import Settings

FIRST_ID = 500_000_000


@dataclass(slots=True)
class Update:
    """One update; `body` is what the bot gets of it. Order is kept inside a `line`."""

    id: int
    line: str
    body: dict[str, Any]
    record: Arrival


class Queue:
    """The updates of one bot that were not taken yet, oldest first."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self.settings = settings
        self.pending: OrderedDict[int, Update] = OrderedDict()
        self.made: dict[int, Update] = {}
        self.on_new: Callable[[Update], None] | None = None
        self._ledger = ledger
        self._next_id = FIRST_ID
        self._again: list[Update] = []
        self._poller: asyncio.Future[None] | None = None
        self._dice = random.Random(settings.seed)

    def keep(self, update: Update) -> Update:
        """Queue an update and hand it to whoever waits."""
        self._ledger.arrivals.append(update.record)
        self._next_id += 1
        self.pending[update.id] = self.made[update.id] = update
        if self.on_new is not None:
            self.on_new(update)
        self.wake()
        return update

    def repeat(self, update_id: int) -> None:
        """Hand an update out once more, by whichever way the bot listens; `KeyError` where there is none."""
        update = self.made[update_id]
        if self.on_new is not None:
            self.on_new(update)
            return
        self._again.append(update)
        self.wake()

    def now(self) -> float:
        return self._ledger.clock()

    def confirm(self, update: Update, by: str) -> None:
        """Take an update off the queue for good."""
        self.pending.pop(update.id, None)
        if update.record.confirmed_at is None:
            update.record.confirmed_at = self._ledger.clock()
            update.record.confirmed_by = by
            self._ledger.confirmed += 1
            self._ledger.changed(update.record.chat_id)

    def drop_all(self) -> None:
        for update in list(self.pending.values()):
            self.confirm(update, "dropped")

    async def wait(self, timeout_s: float) -> None:
        """Wait for something new, as the one poll there may be; raises what `end` was given."""
        poller = self._poller = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_s):
                await poller
        except TimeoutError:
            return
        finally:
            if self._poller is poller:
                self._poller = None

    def end(self, error: Exception) -> None:
        """End the poll that waits, if there is one."""
        if self._poller is not None and not self._poller.done():
            self._poller.set_exception(error)
        self._poller = None

    def wake(self) -> None:
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(None)

    @property
    def is_polled(self) -> bool:
        """Tell whether somebody waits for the next update."""
        return self._poller is not None


def shuffled(updates: list[Update], dice: random.Random) -> list[Update]:
    """Return the updates in another order that still holds within each line."""
    lines: dict[str, list[Update]] = {}
    for update in updates:
        lines.setdefault(update.line, []).append(update)
    turns = [update.line for update in updates]
    dice.shuffle(turns)
    return [lines[line].pop(0) for line in turns]
