"""Limits of time that share one timer."""

from __future__ import annotations

import asyncio

import pytest

from bot.sending import Deadlines


async def _within(deadlines: Deadlines, done: asyncio.Event) -> str:
    deadline = deadlines.set()
    try:
        async with deadline:
            await done.wait()
    except TimeoutError:
        return "late"
    finally:
        deadlines.lift(deadline)
    return "in time"


async def test_who_is_late_is_ended_and_who_is_not_is_left_alone() -> None:
    deadlines = Deadlines(0.05, look_s=0.01)
    now, never = asyncio.Event(), asyncio.Event()
    now.set()
    ends = await asyncio.wait_for(asyncio.gather(*(_within(deadlines, each) for each in (never, now, never))), 10)
    assert list(ends) == ["late", "in time", "late"]


async def test_one_that_begins_after_a_quiet_time_is_ended_too() -> None:
    deadlines = Deadlines(0.02, look_s=0.01)
    for _ in range(2):
        assert await asyncio.wait_for(_within(deadlines, asyncio.Event()), 10) == "late"


async def test_a_limit_takes_nothing_from_who_is_stopped_by_others() -> None:
    deadlines = Deadlines(0.02, look_s=0.01)
    waiting = asyncio.create_task(_within(deadlines, asyncio.Event()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    # Nothing of it is left to be ended later.
    assert await asyncio.wait_for(_within(deadlines, asyncio.Event()), 10) == "late"
