"""Hold what a bot has not confirmed yet, and hand it out by long poll."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from tests.fakes import updates
from tests.fakes.ledger import Arrival, Ledger
from tests.fakes.telegram.errors import POLLED_TWICE, WEBHOOK_COMES, ApiError
from tests.fakes.telegram.settings import Settings
from tests.fakes.updates import Update as Update
from tests.fakes.updates import shuffled

UNASKED = {"chat_member", "message_reaction", "message_reaction_count"}
"""Kinds a bot gets only if it asks for them by name."""

HURRIED_S = 0.5
CONFLICT_DELAY_S = 3.0


class Queue(updates.Queue):
    """The unconfirmed updates of one bot, oldest first. Messages and button presses of a person are two lines."""

    settings: Settings

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        super().__init__(settings, ledger)
        self.allowed: frozenset[str] = frozenset()
        self._is_mixed = False  # ids went down while others were waiting
        self._last_offset: int | None = None
        self._last_poll_at = 0.0
        self._next_conflict_at = 0.0

    # --- In ---

    def add(self, kind: str, body: dict[str, Any], *, chat_id: int, line: str) -> Update | None:
        """Queue an update of that kind; None if the bot did not ask for such."""
        if not self._is_wanted(kind):
            return None
        record = Arrival(self._next_id, kind, chat_id, self._ledger.clock())
        return self.keep(Update(self._next_id, line, {"update_id": self._next_id, kind: body}, record))

    def _is_wanted(self, kind: str) -> bool:
        return kind in self.allowed if self.allowed else kind not in UNASKED

    def allow(self, kinds: Collection[str] | None) -> None:
        """Keep which kinds the bot wants from now on; None changes nothing, none named means the usual ones."""
        if kinds is not None:
            self.allowed = frozenset(kinds)

    def restart_ids(self, to: int | None = None) -> int:
        """Go on with a random lower id, as after a quiet week; return it."""
        lowest = min([self._next_id, *self.pending])
        self._is_mixed = self._is_mixed or bool(self.pending)
        self._next_id = to if to is not None else self._dice.randrange(lowest // 4, lowest // 2)
        return self._next_id

    # --- Out ---

    def confirm_below(self, offset: int) -> None:
        """Confirm everything below an offset, read or unread; a negative one keeps only so many of the newest."""
        if offset < 0:
            gone = list(self.pending.values())[:offset]
        elif self._is_mixed:
            gone = [update for update in self.pending.values() if update.id < offset]
        else:
            gone = self._older(offset)
        for update in gone:
            self.confirm(update, "offset")
            if self.settings.repeat and self._dice.random() < self.settings.repeat:
                self._again.append(update)
        self._is_mixed = self._is_mixed and bool(self.pending)

    def _older(self, offset: int) -> list[Update]:
        gone = []
        for update in self.pending.values():
            if update.id >= offset:
                break
            gone.append(update)
        return gone

    async def poll(self, offset: int, limit: int, timeout_s: float) -> list[dict[str, Any]]:
        """Confirm and wait for more, as `getUpdates` does. Another poll, or a webhook, ends this one with 409."""
        now = self._ledger.clock()
        if self.settings.hurried_poll and offset == self._last_offset:
            timeout_s = max(timeout_s, 3.0) if now < self._last_poll_at + 3.0 else timeout_s
            limit = 1 if now < self._last_poll_at + HURRIED_S else limit
        self._last_offset, self._last_poll_at = offset, now
        self.end_poll(POLLED_TWICE)
        self.confirm_below(offset)
        if not self.pending and not self._again and timeout_s > 0:
            await self._wait(timeout_s)
        return [update.body for update in self._batch(limit)]

    async def _wait(self, timeout_s: float) -> None:
        try:
            await self.wait(timeout_s)
        except ApiError:
            await self._hold_back_conflict()
            raise

    async def _hold_back_conflict(self) -> None:
        """Delay all but the first of several conflicts, as the server does."""
        now = self._ledger.clock()
        if now < self._next_conflict_at:
            await asyncio.sleep(CONFLICT_DELAY_S * self.settings.time_factor)
        else:
            self._next_conflict_at = now + CONFLICT_DELAY_S * self.settings.time_factor

    def end_poll(self, reason: str = WEBHOOK_COMES) -> None:
        """End the poll that waits, if there is one, with 409."""
        self.end(ApiError(409, reason))

    def _batch(self, limit: int) -> list[Update]:
        repeated, self._again = self._again[:limit], self._again[limit:]
        waiting = list(zip(range(limit - len(repeated)), self.pending.values(), strict=False))
        batch = [*repeated, *(update for _, update in waiting)]
        if self.settings.shuffle:
            batch = shuffled(batch, self._dice)
        now = self._ledger.clock()
        for update in batch:
            update.record.handed_at.append(now)
        return batch
