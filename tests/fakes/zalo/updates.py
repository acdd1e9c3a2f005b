"""Hand out one update a poll, and never again: who does not keep it has lost it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fakes import updates
from tests.fakes.ledger import Arrival, Ledger
from tests.fakes.updates import Update, shuffled
from tests.fakes.zalo.settings import Settings


class Queue(updates.Queue):
    """The updates of one bot that were not handed out yet, oldest first."""

    settings: Settings

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        super().__init__(settings, ledger)
        self._handed: list[Update] = []

    def add(self, event: dict[str, Any], *, chat_id: int) -> Update:
        """Queue an event; with nobody there to take it a lossy platform forgets it at once."""
        record = Arrival(self._next_id, event["event_name"], chat_id, self._ledger.clock())
        is_lost = self.settings.lossy and self.on_new is None and not self.is_polled
        update = self.keep(Update(self._next_id, str(chat_id), event, record))
        if is_lost:
            self.confirm(update, "lost")
        return update

    def shown(self, update: Update) -> dict[str, Any]:
        """Return an update as it is put on the wire now."""
        return {"ok": True, "result": update.body} if self.settings.wrapped else update.body

    async def poll(self, timeout_s: float, is_gone: Callable[[], bool]) -> Update | None:
        """Wait for one update and hand it out. What was handed out before is known to be taken by this next question.

        `is_gone` tells that who asked has hung up: nothing is handed to nobody.
        """
        for taken in self._handed:
            self.confirm(taken, "poll")
        self._handed.clear()
        if not self.pending and not self._again:
            await self.wait(timeout_s)
        if is_gone():
            return None
        update = self._next()
        if update is not None:
            update.record.handed_at.append(self.now())
            self.pending.pop(update.id, None)
            self._handed.append(update)
            if self.settings.repeat and self._dice.random() < self.settings.repeat:
                self._again.append(update)
        return update

    def _next(self) -> Update | None:
        if self._again:
            return self._again.pop(0)
        waiting = list(self.pending.values())
        if self.settings.shuffle:
            waiting = shuffled(waiting, self._dice)
        return waiting[0] if waiting else None
