"""Tokens rotate with one call each, whatever dies at whatever moment; a lost one is told at once."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from bot.channels.base import ChannelDown, NotSent, Refused, SendError, Unclear
from bot.channels.http_client import HttpClient
from bot.channels.zalo_oa.names import NAME
from bot.channels.zalo_oa.oauth import ROWS, App, Exchange, Row
from bot.rotation import LATEST_S, LEASE, REFUSED, ROTATION_LOST, Rotation
from storage import tokens
from storage.database import Database, NotKept
from storage.sealing import Keys, Sealer
from storage.sites import database_at
from storage.tokens import Pair
from tests.fakes.zalo_oa import APP_ID
from tests.fakes.zalo_oa.oauth import APP_SECRET, Doors, doors
from tests.tables import write_tables

SEALER = Sealer(Keys({1: b"s" * 32}, b"i" * 32, b"d" * 32))
LIFE = timedelta(seconds=90_000)
KILLS = int(os.environ.get("LANTOA_TEST_ROTATION_KILLS", "70"))
T = TypeVar("T")


class Died(BaseException):
    """The process was killed here."""


@dataclass
class Life:
    """How many moments a process lives through. `held_up_s` is what each write costs by its clock."""

    moments: float = float("inf")
    seen: list[str] = field(default_factory=list)

    def pass_by(self, name: str) -> None:
        self.seen.append(name)
        if len(self.seen) > self.moments:
            raise Died

    async def around(self, name: str, work: Awaitable[T]) -> T:
        task = asyncio.ensure_future(work)
        try:
            self.pass_by(f"before {name}")
        except Died:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise
        result = await task
        self.pass_by(f"after {name}")
        return result


class MortalDb:
    """A database used by a process that may die around each of its writes."""

    def __init__(self, db: Database, life: Life) -> None:
        self._db, self._life = db, life

    async def read(self, *args: Any) -> Any:
        return await self._db.read(*args)

    async def write(self, *args: Any) -> Any:
        return await self._life.around("write", self._db.write(*args))


class MortalExchange:
    """The platform's side, asked by a process that may die around each call."""

    def __init__(self, exchange: Exchange, life: Life) -> None:
        self._exchange, self._life = exchange, life
        self.consent_url = exchange.consent_url

    async def pair(self, refresh: str) -> Pair:
        return await self._life.around("call", self._exchange.pair(refresh))

    async def still_works(self, access: str) -> bool:
        return await self._life.around("look", self._exchange.still_works(access))


@dataclass
class World:
    """A database with a pair in force, the platform's doors, and a clock."""

    db: Database
    doors: Doors
    exchange: Exchange
    at: datetime = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
    processes: int = 0

    def process(self, life: Life | None = None) -> Rotation:
        """Start another process; with a `life` it may die."""
        self.processes += 1
        db: Any = MortalDb(self.db, life) if life else self.db
        exchange: Any = MortalExchange(self.exchange, life) if life else self.exchange
        owner = f"process {self.processes}"
        return Rotation(db, SEALER, exchange, channel=NAME, owner=owner, now=lambda: self.at)

    async def token(self) -> tokens.Token:
        found = await self.db.read(tokens.get, SEALER, NAME)
        assert found is not None
        return found

    async def is_good(self) -> bool:
        """Tell whether the stored pair is the platform's."""
        token = await self.token()
        return (token.access, token.refresh) == (self.doors.access, self.doors.refresh)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[World]:
    """Yield a world in which the first pair was made an hour before its time to rotate."""
    write_tables(path)
    db, line = database_at(path), HttpClient(connections=4)
    await line.open()
    try:
        async with doors() as both:
            made: list[World] = []
            app = App(APP_ID, APP_SECRET)
            exchange = Exchange(line, app, oauth_url=both.url, api_url=both.url, now=lambda: made[0].at)
            made.append(world := World(db, both, exchange))
            await world.process().plant("refresh-0")
            await world.process().step()
            both.calls.clear()
            yield world
    finally:
        await line.close()
        await db.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path / "tokens.db") as made:
        yield made


async def test_a_pair_is_fetched_and_rotates_hours_before_its_end(world: World) -> None:
    first = await world.token()
    assert (first.version, first.access) == (1, world.doors.access)
    assert first.expires_at == world.at + LIFE
    world.at += 0.79 * LIFE
    await world.process().step()
    assert await world.token() == first
    world.at += 0.01 * LIFE
    await world.process().step()
    second = await world.token()
    assert (second.version, second.lost) == (2, None)
    assert await world.is_good()
    assert world.doors.calls == {first.refresh: 1}


async def test_an_access_token_that_is_refused_rotates_at_once_and_only_once(world: World) -> None:
    process = world.process()
    process.want(1)
    process.want(1)
    await process.step()
    await process.step()
    assert (await world.token()).version == 2
    assert await world.is_good()


async def test_a_changed_seed_wins_and_the_same_one_changes_nothing(world: World) -> None:
    await world.process().plant("refresh-0")
    assert (await world.token()).version == 1
    world.doors.refresh = "consented anew"
    await world.process().plant("consented anew")
    await world.process().step()
    assert await world.is_good()


async def test_nothing_of_a_token_stands_in_the_database_as_it_is(world: World, tmp_path: Path) -> None:
    access = world.doors.access
    await world.db.close()
    content = await asyncio.to_thread((tmp_path / "tokens.db").read_bytes)
    assert access is not None
    assert access.encode() not in content
    assert world.doors.refresh.encode() not in content


# --- Death ---


async def play(path: Path, dies_after: int, dice: random.Random, *, processes: int) -> tuple[World, str]:
    """Kill a process at one moment of a rotation beside others, let the rest go on; return what became of it."""
    async with opened(path) as world:
        world.at += 0.8 * LIFE
        life = Life(dies_after)
        runners = [world.process(life), *(world.process() for _ in range(processes - 1))]
        dice.shuffle(runners)
        ended = await asyncio.gather(*(each.step() for each in runners), return_exceptions=True)
        assert all(each is None or isinstance(each, Died) for each in ended)
        last = life.seen[-1] if any(isinstance(each, Died) for each in ended) else ""
        survivor = world.process()
        for _ in range(3):
            world.at += LEASE / 2 + timedelta(seconds=1)
            await survivor.step()
        assert max(world.doors.calls.values()) == 1, "one call for each token"
        lost = (await world.token()).lost
        assert survivor.trouble == lost
        assert lost is not None or await world.is_good()
        return world, f"{last}: {lost}"


async def test_a_process_may_die_at_any_moment_and_only_one_of_them_costs_the_token(tmp_path: Path) -> None:
    """Lost is only what dies between their answer and our commit; it is told within a minute."""
    dice = random.Random(5)
    ends: dict[int, set[str]] = {}
    for number in range(KILLS):
        moment, processes = number % 7, 1 + number // 7 % 2
        _world, end = await play(tmp_path / f"{number}.db", moment, dice, processes=processes)
        ends.setdefault(moment, set()).add(end)
    fatal = {moment for moment, found in ends.items() if any(ROTATION_LOST in end for end in found)}
    assert fatal == {3, 4}, ends  # after the call, and before the write that keeps its answer


async def test_a_lost_rotation_is_told_once_with_what_to_do(world: World) -> None:
    world.at += 0.8 * LIFE
    with pytest.raises(Died):
        await world.process(Life(3)).step()
    with capture_logs() as logs:
        survivor = world.process()
        for _ in range(3):
            world.at += LEASE
            await survivor.step()
    (alarm,) = [each for each in logs if each["log_level"] == "critical"]
    assert alarm["reason"] == ROTATION_LOST
    assert alarm["consent"].startswith(f"{world.doors.url}/v4/oa/permission?app_id=")
    assert survivor.trouble == ROTATION_LOST


# --- Bad lines ---


async def test_an_answer_that_never_came_is_found_out_and_nothing_is_called_twice(world: World) -> None:
    world.at += 0.8 * LIFE
    world.doors.script = ["lost"]
    process = world.process()
    await process.step()
    await process.step()
    assert (await world.token()).lost is None
    world.at += LEASE
    await process.step()
    assert (await world.token()).lost == ROTATION_LOST
    assert max(world.doors.calls.values()) == 1


async def test_a_call_that_had_no_effect_is_made_again(world: World) -> None:
    world.at += 0.8 * LIFE
    world.doors.script = ["502"]
    process = world.process()
    await process.step()
    world.at += LEASE
    await process.step()
    await process.step()
    assert await world.is_good()
    assert (await world.token()).version == 2


async def test_without_a_line_nothing_is_begun_and_it_is_tried_again(world: World) -> None:
    world.at += 0.8 * LIFE
    line = HttpClient(connections=1)
    await line.open()
    nowhere = Exchange(line, App(APP_ID, APP_SECRET), oauth_url="http://127.0.0.1:9", api_url="x", now=lambda: world.at)
    process = Rotation(world.db, SEALER, nowhere, channel=NAME, owner="p", now=lambda: world.at)
    await process.step()
    assert (await world.token()).begun_at is None
    await world.process().step()
    assert await world.is_good()
    await line.close()


async def test_a_pair_is_held_until_the_disk_takes_it(world: World) -> None:
    class Unwilling(MortalDb):
        left = 0

        async def write(self, *args: Any) -> Any:
            self.left += 1
            if self.left in (2, 3):
                raise NotKept
            return await self._db.write(*args)

    world.at += 0.8 * LIFE
    db: Any = Unwilling(world.db, Life())
    process = Rotation(db, SEALER, world.exchange, channel=NAME, owner="p", now=lambda: world.at)
    await process.step()
    assert await world.is_good()


async def test_who_was_held_up_before_the_call_does_not_make_it(world: World) -> None:
    world.at += 0.8 * LIFE
    times = iter([0.0, LATEST_S + 1])
    late = Rotation(
        world.db,
        SEALER,
        world.exchange,
        channel=NAME,
        owner="late",
        now=lambda: world.at,
        monotonic=lambda: next(times),
    )
    await late.step()
    assert not world.doors.calls
    assert (await world.token()).begun_at is None


async def test_a_dead_refresh_token_is_told_at_once(world: World) -> None:
    world.at += 0.8 * LIFE
    world.doors.script = [-14014]
    process = world.process()
    await process.step()
    assert process.trouble == REFUSED
    assert (await world.token()).lost == REFUSED


async def test_an_app_that_is_refused_keeps_its_token(world: World) -> None:
    world.at += 0.8 * LIFE
    world.doors.script = [-14002]
    process = world.process()
    await process.step()
    assert process.trouble == "app_refused"
    token = await world.token()
    assert (token.lost, token.begun_at) == (None, None)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.code))
async def test_each_row_of_the_table_is_what_its_answer_means(world: World, row: Row) -> None:
    world.doors.script = [row.code]
    with pytest.raises(SendError) as found:
        await world.exchange.pair("x")
    assert (type(found.value), found.value.reason) == (row.means, row.reason)
    assert {Refused, ChannelDown} >= {row.means}


@pytest.mark.parametrize("code", [-216, 216, -220, 401])
async def test_a_dead_access_token_is_told_from_trouble(world: World, code: int) -> None:
    world.doors.dead_code = code
    assert await world.exchange.still_works(str(world.doors.access))
    assert not await world.exchange.still_works("another")
    world.doors.dead_code = -32
    with pytest.raises(Unclear):
        await world.exchange.still_works("another")


def test_no_secret_is_shown() -> None:
    assert APP_SECRET not in repr(App(APP_ID, APP_SECRET))
    assert issubclass(ChannelDown, NotSent)
