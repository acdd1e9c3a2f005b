"""The way out: claim deliveries, put them into words, hand them to their channels, record what became of each.

One loop per process. A message is `sending` in the database before its request leaves, and at most a
window of them per channel is under way, so a crash leaves no more than that in doubt.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from bot.channels.base import Channel, SendError, SentPicture
from bot.limiter import Limiter
from bot.sending import HALT_MARGIN_S, PICTURE_TIMEOUT_S, Sending, Surroundings, written
from dialogue.messages import Rendered
from storage import attempts, claims, halts
from storage.attempts import Result
from storage.claims import Claimed, Round
from storage.database import Closed, Database

LEASE_S = 90.0
"""Longer than 1.5 × the time a message may take, pictures included (`reliability.md` §3)."""

STOP_S = 20.0
TICK_S = 1.0
LEASE_CHECK_S = 10.0
STORE_AGAIN_S = (0.2, 1.0, 5.0)
MOST_PHOTOS = 16

log = structlog.get_logger()


class Sender:
    """Sends until stopped. `wake` says that there may be something to send."""

    def __init__(self, db: Database, channels: Iterable[Channel], around: Surroundings) -> None:
        self._db = db
        self._channels = {channel.name: channel for channel in channels}
        self._around = around
        own = {name: channel.capabilities.rate_per_s for name, channel in self._channels.items()}
        rates = own | dict(around.rates_per_s or {})
        self._repeatable = tuple(name for name, each in self._channels.items() if each.capabilities.repeatable)
        self._limiter = Limiter(rates, now=around.now, monotonic=around.monotonic)
        self._open: dict[int, asyncio.Task[None]] = {}
        self._under_way: Counter[str] = Counter()
        self._down: dict[str, str] = {}
        self._photos: dict[int, SentPicture | None] = {}
        self._woken = asyncio.Event()
        self._stopping = False
        self._turn = 0
        self._leases_checked = float("-inf")

    @property
    def down(self) -> Mapping[str, str]:
        """The channels that lost their access to the provider, with the reason; they wait for a restart."""
        return dict(self._down)

    @property
    def under_way(self) -> int:
        """How many messages are between their claim and their record."""
        return len(self._open)

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
            try:
                taken = await self.round()
            except Exception:
                # One boundary for the loop: a full disk must not end the service.
                log.exception("claim_failed")
                taken = 0
                await self._around.sleep(TICK_S)
            if not taken:
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
        while await self.round() or self._open:
            await asyncio.gather(*self._open.values())

    async def round(self) -> int:
        """Claim what may go now and start sending it; return how many messages that are."""
        await self._check_leases()
        replies, broadcasts = self._free_slots()
        if not any(replies.values()):
            return 0
        now = self._around.now()
        self._turn += 1
        wanted = Round(
            owner=self._around.owner,
            now=now,
            lease_until=now + timedelta(seconds=LEASE_S),
            replies=replies,
            broadcasts=broadcasts,
            rules=self._around.rules,
            turn=self._turn,
        )
        claimed = await self._db.write(claims.claim, wanted)
        for message in claimed:
            self._start(message)
        return len(claimed)

    async def _check_leases(self) -> None:
        if self._around.monotonic() - self._leases_checked < LEASE_CHECK_S:
            return
        self._leases_checked = self._around.monotonic()
        given_up = await self._db.write(attempts.expire_leases, self._around.now(), self._repeatable)
        if given_up:
            log.warning("leases_expired", count=given_up)

    def _free_slots(self) -> tuple[dict[str, int], dict[str, int]]:
        """Free slots per channel for replies, and for broadcasts, which leave a quarter of the window alone."""
        replies: dict[str, int] = {}
        broadcasts: dict[str, int] = {}
        for name, channel in self._channels.items():
            window = channel.capabilities.window
            permitted = 0 if name in self._down else self._limiter.free(name)
            room = window - self._under_way[name]
            replies[name] = max(0, room if permitted is None else min(room, permitted))
            kept_free = window // 4
            broadcasts[name] = max(0, min(replies[name], room - kept_free))
        return replies, broadcasts

    def _start(self, message: Claimed) -> None:
        self._limiter.reserve(message.channel)
        self._under_way[message.channel] += 1
        task = asyncio.create_task(self._deliver(message), name=f"delivery {message.id}")
        self._open[message.id] = task
        task.add_done_callback(lambda _: self._ended(message))

    def _ended(self, message: Claimed) -> None:
        self._open.pop(message.id, None)
        self._under_way[message.channel] -= 1
        self._woken.set()

    async def _rest(self) -> None:
        waits = [wait for name in self._channels if (wait := self._limiter.wait_s(name)) > 0]
        try:
            await asyncio.wait_for(self._woken.wait(), timeout=min([TICK_S, *waits]))
        except TimeoutError:
            return
        finally:
            self._woken.clear()

    async def _finish(self) -> None:
        if not self._open:
            return
        _, late = await asyncio.wait(self._open.values(), timeout=STOP_S)
        for task in late:
            # Its row stays `sending`; the next start puts it among the doubtful ones.
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _deliver(self, message: Claimed) -> None:
        sending = Sending(message, self._channels[message.channel], self._limiter, self._around)
        try:
            rendered = await self._rendered(message, sending.channel)
        except Exception:
            log.exception("delivery_unreadable", delivery_id=message.id)
            self._limiter.give_back(message.channel)
            await self._store(sending.refused("unreadable", pauses_broadcast=message.run is not None))
            return
        try:
            await sending.send(*rendered)
        except SendError as error:
            await self._wait_if_told(message.channel, error)
            await self._store(sending.judged(error))
        else:
            await self._store(sending.accepted())

    async def _rendered(self, message: Claimed, channel: Channel) -> tuple[Rendered, SentPicture | None]:
        rendered = written(message, self._around.wording)
        if rendered.picture is None or not channel.capabilities.pictures:
            return replace(rendered, picture=None), None
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

    async def _store(self, result: Result) -> None:
        """Record a result; what cannot be stored stays `sending` until its lease ends and is then in doubt."""
        for pause_s in (*STORE_AGAIN_S, None):
            try:
                counted = await self._db.write_each(attempts.record, result)
            except Closed:
                return
            except Exception:
                log.exception("result_not_stored", delivery_id=result.delivery_id)
                if pause_s is not None:
                    await self._around.sleep(pause_s)
                continue
            if not counted:
                log.warning("late_result", delivery_id=result.delivery_id, result=result.kind)
            elif result.kind != "accepted":
                log.warning("not_delivered", delivery_id=result.delivery_id, reason=result.reason)
            return
