"""One inbox row = one transaction: effect, replies and "done" together, one contact's rows in order.

Rows of different contacts go in batches: one pass on a reader thinks each turn through
(`bot/thinking.py`), one transaction of the writer makes the effects (`bot/effects.py`); inside it each
turn has its own savepoint, so one that fails takes nobody along. The rows every turn writes (session,
delivery, done) go in once for the whole batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from bot.effects import Committed as Committed
from bot.effects import Turned, bury, commit
from bot.facts import Desk as Desk
from bot.gathering import alone
from bot.thinking import think
from storage import inbox
from storage.database import Database, NotKept
from storage.inbox import Waiting

BATCH = 64
WORKERS = 2
"""Batches in hand at once: one thinks while the other commits."""

MOST_DEATHS = 6
"""Processes that may die with a row left behind before it is a dead letter. The first died with it in company, and
a machine that is switched off and on again always meets the oldest row: three such deaths were seen in kill tests
of innocent rows (`docs/decisions/0005`)."""

log = structlog.get_logger()


class Dispatcher:
    """Works on inbox rows until stopped. `wake` says that there may be new ones; `on_committed` hears of each batch."""

    def __init__(self, db: Database, desk: Desk, process: str, *, on_committed: Callable[[Committed], None]) -> None:
        self._db = db
        self._desk = desk
        self._process = process
        self._on_committed = on_committed
        self._busy: set[int] = set()
        self._counted: set[int] = set()
        self._woken = asyncio.Event()
        self._stopping = False
        self._choosing = asyncio.Lock()

    def wake(self) -> None:
        """Look for rows now instead of at the next tick."""
        self._woken.set()

    async def run(self) -> None:
        """Take rows left by an earlier process one by one, then work until `stop`."""
        while not self._stopping and await self._attempted(self._recover):
            pass
        await asyncio.gather(*(self._work() for _ in range(WORKERS)))

    def stop(self) -> None:
        """Finish the batches in hand and return from `run`."""
        self._stopping = True
        self._woken.set()

    async def drain(self) -> None:
        """Work until no open row is left that may run now; for tests and the terminal."""
        while await self._batch():
            pass

    async def _work(self) -> None:
        while not self._stopping:
            # Cleared before the look: what comes in during it must not be slept over.
            self._woken.clear()
            if not await self._attempted(self._batch):
                await self._rest()

    async def _attempted(self, step: Callable[[], Awaitable[int]]) -> int:
        try:
            return await step()
        except Exception:
            # One boundary for the loop: a full disk or a bug in our own frame must not end the service.
            log.exception("batch_failed")
            await asyncio.sleep(1)
            return 1

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), timeout=1)
        except TimeoutError:
            return

    async def _batch(self) -> int:
        async with self._choosing:
            now = self._desk.clock()
            rows = await self._db.read(inbox.next_rows, busy=frozenset(self._busy), now=now, most=BATCH)
            taken = {row.contact_id for row in rows}
            self._busy |= taken
        if not rows:
            return 0
        try:
            await self._run(rows)
        finally:
            self._busy -= taken
        return len(rows)

    async def _run(self, rows: Sequence[Waiting]) -> None:
        try:
            turned = await self._db.read(think, self._desk, rows)
            committed = await self._db.write(commit, self._desk, turned)
        except NotKept:
            raise
        except Exception as error:
            if len(rows) > 1:
                # One row that we stumble over must not take its neighbours along.
                for row in rows:
                    await self._run([row])
                return
            fallen = Turned(alone(rows[0]), self._desk.content.wording.default, error=error)
            committed = await self._db.write(commit, self._desk, [fallen])
        self._on_committed(committed)

    async def _recover(self) -> int:
        """Careful mode: a row an earlier process left behind runs alone, its attempt counted and committed first.

        Return how many there were; those behind a row that waits for its next try come later, in order.
        """
        now = self._desk.clock()
        rows = await self._db.read(inbox.of_other_processes, self._process, now=now, most=BATCH)
        for row in rows:
            if self._stopping:
                return 0
            await self._run_with_care(row)
        return len(rows)

    async def _run_with_care(self, row: Waiting) -> None:
        if row.id not in self._counted:
            if row.attempt > MOST_DEATHS:
                log.error("dead_letter", inbox_id=row.id, reason="process_died")
                await self._db.write(bury, self._desk, row)
                return
            await self._db.write(inbox.count_attempt, row.id)
            # Once in each process, however often a full disk makes us begin again.
            self._counted.add(row.id)
        await self._run([row])
        await self._db.write(inbox.adopt, [row.id], self._process)
