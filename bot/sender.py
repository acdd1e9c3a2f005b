"""The way out: claim deliveries, put them into words, hand them to their channels, record what became of each.

One loop per process. Each round is one transaction: it records what has ended and claims what may go now. A message
is `sending` in the database before its request leaves, and at most a window of them per channel is under way, so a
crash leaves no more than that in doubt.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from bot.channels.base import Channel, SendError, SentPicture
from bot.limiter import Limiter
from bot.sending import (
    HALT_MARGIN_S,
    PICTURE_TIMEOUT_S,
    Deadlines,
    Sending,
    Surroundings,
    Words,
    without_picture,
)
from dialogue.messages import Rendered
from storage import attempts, claims, halts
from storage.attempts import Result
from storage.claims import NOTHING_TAKEN, Claimed, Round, Taken
from storage.database import Closed, Connection, Database, NotKept

LEASE_S = 90.0
"""Longer than 1.5 × the time a message may take, pictures included (`docs/reliability.md`)."""

STOP_S = 20.0
TICK_S = 1.0
GATHER_S = 0.02
"""What ended is gathered so long, so that many results share a commit with the next claim."""

OPENED_S = 0.001
"""The rest after a round at whose beginning a channel was shut that is open now: nothing was taken for it."""

SHARE = 4
"""A quarter of a window that has ended is worth a round of its own: waiting for more would let the line run dry, and
more rounds would keep others who write waiting."""

LEASE_CHECK_S = 10.0
MOST_PHOTOS = 16

log = structlog.get_logger()


class Sender:
    """Sends until stopped. `wake` says that there may be something to send."""

    def __init__(self, db: Database, channels: Iterable[Channel], around: Surroundings) -> None:
        self._db = db
        self._channels = {channel.name: channel for channel in channels}
        self._around = around
        rates = around.rates_per_s or {}
        paced = {
            name: replace(each.capabilities, rate_per_s=rates.get(name, each.capabilities.rate_per_s))
            for name, each in self._channels.items()
        }
        self._abroad = tuple(name for name, each in paced.items() if each.data_abroad)
        self._repeatable = tuple(name for name, each in paced.items() if each.repeatable)
        self._limiter = Limiter(
            paced, now=around.now, monotonic=around.monotonic, sleep=around.sleep, on_passed=self._gather
        )
        self._words = Words(around.wording)
        self._deadlines = Deadlines()
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: Counter[str] = Counter()
        self._ended: list[tuple[Claimed, Result]] = []
        self._down: dict[str, str] = {}
        self._shut: set[str] = set()
        self._photos: dict[int, SentPicture | None] = {}
        self._woken = asyncio.Event()
        self._gathering: asyncio.TimerHandle | None = None
        self._stopping = False
        self._turn = self._idle = 0
        self._leases_checked = float("-inf")

    @property
    def down(self) -> Mapping[str, str]:
        """The channels that lost their access to the provider, with the reason; they wait for a restart."""
        return dict(self._down)

    @property
    def under_way(self) -> int:
        """How many messages are between their claim and their record."""
        return self._under_way.total()

    def wake(self) -> None:
        """Look for messages now instead of at the next tick."""
        self._woken.set()

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is under way has ended, 20 s later at most."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Settle what an earlier process left behind, then send until `stop`."""
        await self.begin()
        while not self._stopping:
            self._woken.clear()
            try:
                await self.round()
            except Exception:
                # One boundary for the loop: a full disk must not end the service.
                log.exception("round_failed")
                await self._around.sleep(TICK_S)
            if not self._stopping:
                await self._rest()
        await self._finish()

    async def begin(self) -> None:
        """Settle the messages an earlier process had in hand, and remember its waits."""
        now = self._around.now()
        orphans = await self._db.write(attempts.adopt_orphans, self._around.owner, now, self._repeatable)
        if orphans:
            log.warning("deliveries_left_behind", count=orphans)
        for name, until in (await self._db.read(halts.load)).items():
            self._limiter.halt(name, until)

    async def drain(self) -> None:
        """Send until nothing is due; for tests and the terminal."""
        while await self.round() or self._tasks or self._ended:
            if self._tasks:
                await asyncio.wait(self._tasks)

    async def settle(self) -> None:
        """Wait for what is under way and record it; nothing new is claimed."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.round(claiming=False)

    async def round(self, *, claiming: bool = True) -> int:
        """Record what has ended and claim what may go now; return how many messages were claimed or settled."""
        await self._check_leases()
        ended, self._ended = self._ended, []
        wanted = self._wanted(Counter(message.channel for message, _ in ended)) if claiming else None
        if not ended and wanted is None:
            return 0
        results = [result for _, result in ended]
        try:
            counted, taken = await self._db.write(exchange, results, wanted)
        except NotKept:
            # Nothing was kept: the results wait for room; past their lease they are in doubt.
            self._ended = ended + self._ended
            raise
        except Exception:
            await self._record_singly(ended)
            raise
        self._let_go(ended, counted)
        for message in taken.messages:
            self._start(message)
        if taken.settled:
            self._woken.set()  # behind those there may be others
        self._idle = 0 if taken.messages else self._idle + 1
        if self._idle * claims.RUNS_A_ROUND < taken.unasked:
            self._gather()  # among the broadcasts not asked this time; once round without any, the tick will do
        return len(taken.messages) + taken.settled

    async def _record_singly(self, ended: Sequence[tuple[Claimed, Result]]) -> None:
        """One result that cannot be recorded must not take its neighbours along; its lease will end."""
        for message, result in ended:
            try:
                counted = await self._db.write(attempts.record, [result])
            except NotKept:
                self._ended.append((message, result))
            except Exception:
                log.exception("result_not_stored", delivery_id=message.id)
                self._under_way[message.channel] -= 1
            else:
                self._let_go([(message, result)], counted)

    def _let_go(self, ended: Sequence[tuple[Claimed, Result]], counted: Sequence[bool]) -> None:
        for (message, result), own in zip(ended, counted, strict=True):
            self._under_way[message.channel] -= 1
            if not own:
                log.warning("late_result", delivery_id=message.id, result=result.kind)
            elif result.kind != "accepted":
                log.warning("not_delivered", delivery_id=message.id, reason=result.reason)

    async def _check_leases(self) -> None:
        if self._around.monotonic() - self._leases_checked < LEASE_CHECK_S:
            return
        self._leases_checked = self._around.monotonic()
        given_up = await self._db.write(attempts.expire_leases, self._around.now(), self._repeatable)
        if given_up:
            log.warning("leases_expired", count=given_up)

    def _wanted(self, ended: Counter[str]) -> Round | None:
        """What may be claimed now: replies within the window, messages to many within what may leave soon."""
        replies: dict[str, int] = {}
        broadcasts: dict[str, int] = {}
        self._shut = {name for name in self._channels if self._limiter.is_shut(name)}
        for name, channel in self._channels.items():
            window = channel.capabilities.window
            room = max(0, window - self._under_way[name] + ended[name])
            replies[name] = 0 if name in self._down or name in self._shut else room
            ahead = self._limiter.ahead(name)
            # A quarter of the window is left alone for replies.
            many = max(0, room - window // 4)
            broadcasts[name] = 0 if not replies[name] else many if ahead is None else min(many, ahead)
        if not any(replies.values()):
            return None
        now = self._around.now()
        self._turn += 1
        return Round(
            owner=self._around.owner,
            now=now,
            lease_until=now + timedelta(seconds=LEASE_S),
            replies=replies,
            broadcasts=broadcasts,
            rules=self._around.rules,
            turn=self._turn,
            resting=self._limiter.resting(),
            abroad=self._abroad,
        )

    def _start(self, message: Claimed) -> None:
        self._under_way[message.channel] += 1
        task = asyncio.create_task(self._deliver(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _note(self, message: Claimed, result: Result) -> None:
        """Keep a result for the next round, which comes soon, or at once where there is nothing to wait for."""
        self._ended.append((message, result))
        window = self._channels[message.channel].capabilities.window
        if len(self._ended) * SHARE >= window or len(self._ended) >= self.under_way:
            self._woken.set()
        else:
            self._gather()

    def _gather(self) -> None:
        if self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(GATHER_S, self._gathered)

    def _gathered(self) -> None:
        self._gathering = None
        self._woken.set()

    async def _rest(self) -> None:
        waits = {name: self._limiter.wait_s(name) for name in self._channels}
        soon = [wait if wait > 0 else OPENED_S for name, wait in waits.items() if wait > 0 or name in self._shut]
        rest_s = self._limiter.rest_s()
        try:
            await asyncio.wait_for(self._woken.wait(), timeout=min([TICK_S, *soon, *([rest_s] if rest_s else [])]))
        except TimeoutError:
            return

    async def _finish(self) -> None:
        """Wait for the open requests and record them; what does not end stays `sending`, in doubt at the next start."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        try:
            await self.round(claiming=False)
        except Closed:
            return

    async def _deliver(self, message: Claimed) -> None:
        channel = self._channels[message.channel]
        sending = Sending(message, channel, self._limiter, self._deadlines, self._around)
        try:
            self._note(message, await self._sent(sending))
        except BaseException:
            # Without a result its row stays `sending` until its lease ends.
            self._under_way[message.channel] -= 1
            raise

    async def _sent(self, sending: Sending) -> Result:
        message, channel = sending.message, sending.channel
        picture = None
        try:
            rendered = self._words.of(message, abroad=channel.capabilities.data_abroad)
            if rendered.picture is not None:
                rendered, picture = await self._with_picture(message, rendered, channel)
        except Exception:
            log.exception("delivery_unreadable", delivery_id=message.id)
            return sending.refused("unreadable", pauses_broadcast=message.run is not None)
        try:
            await sending.send(rendered, picture)
        except SendError as error:
            await self._wait_if_told(message.channel, error)
            return sending.judged(error)
        return sending.accepted()

    async def _with_picture(
        self, message: Claimed, rendered: Rendered, channel: Channel
    ) -> tuple[Rendered, SentPicture | None]:
        assert rendered.picture is not None
        if not channel.capabilities.pictures:
            return without_picture(rendered, message, self._around.wording, channel.capabilities), None
        picture = await self._picture(message, rendered.picture)
        return (rendered if picture else replace(rendered, picture=None)), picture

    async def _picture(self, message: Claimed, wanted: Mapping[str, Any]) -> SentPicture | None:
        run_id = message.run.id if message.run else None
        if run_id in self._photos:
            return self._photos[run_id]
        try:
            async with asyncio.timeout(PICTURE_TIMEOUT_S):
                picture = await self._around.pictures(wanted)
        except Exception as error:
            # The text is worth more than the picture: it goes without.
            log.warning("picture_left_out", delivery_id=message.id, reason=type(error).__name__)
            return None
        if run_id is not None:
            while len(self._photos) >= MOST_PHOTOS:
                self._photos.pop(next(iter(self._photos)))
            self._photos[run_id] = picture
        return picture

    async def _wait_if_told(self, name: str, error: SendError) -> None:
        if not error.pauses_channel:
            return
        if error.retry_after_s is None:
            self._down[name] = error.reason
            log.error("channel_down", channel=name, reason=error.reason)
            return
        until = self._around.now() + timedelta(seconds=error.retry_after_s + HALT_MARGIN_S)
        self._limiter.halt(name, until)
        log.warning("channel_halted", channel=name, seconds=error.retry_after_s)
        try:
            await self._db.write(halts.halt, name, until)
        except Exception:
            log.exception("halt_not_stored", channel=name)


def exchange(db: Connection, results: Sequence[Result], wanted: Round | None) -> tuple[list[bool], Taken]:
    """Record what has ended and take what may go now, in one transaction."""
    counted = attempts.record(db, results) if results else []
    return counted, claims.claim(db, wanted) if wanted is not None else NOTHING_TAKEN
