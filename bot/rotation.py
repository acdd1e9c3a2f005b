"""Rotate a platform's tokens: hours before they end, by one process of several, with one call for each refresh token.

The call is committed as begun before it leaves. A process that dies at it leaves that behind; forty seconds later it is
looked whether the old access token still works. If it does, the call never took effect and may be made; if not, the
answer to it is lost for good, and whoever runs the program is told at once what to do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.channels.base import ChannelDown, NotSent, Refused, SendError
from storage import tokens
from storage.database import Connection, Database, NotKept
from storage.sealing import Sealer
from storage.tokens import Pair, Token

LEASE = timedelta(seconds=40)
"""Longer than a call may take."""

LATEST_S = 5.0
"""A process that was held up for longer between its commit and its call does not make it any more."""

LOOK_EVERY_S = 10.0
USED_OF_LIFE = 0.8
KEEP_AGAIN_S = 0.5
ROTATION_LOST = "rotation_lost"
REFUSED = "refresh_refused"

log = structlog.get_logger()


class Exchange(Protocol):
    """The platform's side. Of its `SendError`s `NotSent` means no effect, `Refused` a token that is dead."""

    consent_url: str
    """Where an administrator gives us a new token."""

    async def pair(self, refresh: str) -> Pair:
        """Call for the next pair."""

    async def still_works(self, access: str) -> bool:
        """Tell whether an access token is accepted."""


class Rotation:
    """Keeps one channel's tokens fresh. `owner` is this process's name, `now` the clock."""

    def __init__(
        self,
        db: Database,
        sealer: Sealer,
        exchange: Exchange,
        *,
        channel: str,
        owner: str,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._sealer = sealer
        self._exchange = exchange
        self._channel = channel
        self._owner = owner
        self._now = now
        self._monotonic = monotonic
        self._wanted: int | None = None
        self._told = ""
        self.trouble: str | None = None

    async def plant(self, seed: str) -> None:
        """Begin with the configured refresh token; a changed one wins over what is stored."""
        await self._db.write(tokens.plant, self._sealer, self._channel, seed)

    async def access(self) -> Token | None:
        """Return the pair in force."""
        return await self._db.read(tokens.get, self._sealer, self._channel)

    def want(self, version: int) -> None:
        """Ask for the pair after `version` now: the platform does not accept its access token."""
        self._wanted = version

    async def run(self) -> None:
        """Look every few seconds until cancelled."""
        while self.trouble != "app_refused":
            try:
                await self.step()
            except Exception:
                # One boundary for the loop: a database that is away must not end it.
                log.exception("rotation_failed", channel=self._channel)
            await asyncio.sleep(LOOK_EVERY_S)

    async def step(self) -> None:
        """Do what is due now."""
        token = await self.access()
        if token is None:
            return
        if token.lost is not None:
            self._tell(token.lost)
        elif token.begun_at is not None:
            if self._now() - token.begun_at >= LEASE:
                await self._find_out(token)
        elif self._is_due(token):
            await self._rotate(token)
        else:
            self.trouble = None

    def _is_due(self, token: Token) -> bool:
        if token.access is None or token.refreshed_at is None or token.expires_at is None:
            return True
        due_at = token.refreshed_at + (token.expires_at - token.refreshed_at) * USED_OF_LIFE
        return self._wanted == token.version or self._now() >= due_at

    async def _rotate(self, token: Token) -> None:
        asked_s = self._monotonic()
        if not await self._db.write(_begin, token, self._owner, self._now()):
            return
        if self._monotonic() - asked_s > LATEST_S:
            await self._db.write(tokens.let_go, token, self._owner)
            return
        try:
            pair = await self._exchange.pair(token.refresh)
        except ChannelDown as error:
            await self._db.write(tokens.let_go, token, self._owner)
            self.trouble = error.reason
            log.error("rotation_refused", channel=self._channel, reason=error.reason)
        except NotSent as error:
            await self._db.write(tokens.let_go, token, self._owner)
            log.warning("rotation_not_begun", channel=self._channel, reason=error.reason)
        except Refused:
            await self._lose(token, REFUSED)
        except SendError as error:
            # Nobody knows whether it took effect. What was begun stays, until that is found out.
            log.error("rotation_unclear", channel=self._channel, reason=error.reason)
        else:
            await self._keep(token, pair)

    async def _keep(self, token: Token, pair: Pair) -> None:
        """Keep the pair, whatever it takes: it is nowhere else."""
        while True:
            try:
                await self._db.write(_keep, self._sealer, token, self._owner, (pair, self._now()))
            except NotKept:
                log.critical("pair_not_kept", channel=self._channel)
                await asyncio.sleep(KEEP_AGAIN_S)
            else:
                return

    async def _find_out(self, token: Token) -> None:
        """Look whether a call that was cut off took effect: the next pair makes the old access token invalid."""
        if token.access is None or token.expires_at is None or self._now() >= token.expires_at:
            await self._lose(token, ROTATION_LOST)
            return
        try:
            works = await self._exchange.still_works(token.access)
        except SendError as error:
            log.warning("rotation_not_looked_at", channel=self._channel, reason=error.reason)
            return
        if works:
            await self._db.write(tokens.let_go, token, token.begun_by)
        else:
            await self._lose(token, ROTATION_LOST)

    async def _lose(self, token: Token, reason: str) -> None:
        await self._db.write(tokens.lose, token, reason)
        self._tell(reason)

    def _tell(self, reason: str) -> None:
        """Say it loudly, once a process, with the next step."""
        self.trouble = reason
        if self._told != reason:
            self._told = reason
            log.critical("token_lost", channel=self._channel, reason=reason, consent=self._exchange.consent_url)


def _begin(db: Connection, token: Token, owner: str, at: datetime) -> bool:
    return tokens.begin(db, token, owner, at=at)


def _keep(db: Connection, sealer: Sealer, token: Token, owner: str, made: tuple[Pair, datetime]) -> bool:
    pair, at = made
    return tokens.keep(db, sealer, token, owner, pair=pair, at=at)
