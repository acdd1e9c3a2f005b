"""Limits of time that share one timer."""

from __future__ import annotations

import asyncio

import pytest

from bot.channels.base import Unclear
from bot.limiter import Limiter
from bot.sending import Deadlines, Sending, Surroundings
from dialogue.messages import Rendered
from storage.claims import Claimed
from tests.sending.world import ROAD, WORDING, Clock, Road, no_pictures


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


async def test_a_message_whose_channel_does_not_answer_in_time_is_in_doubt() -> None:
    road, clock = Road(always=asyncio.Event()), Clock()
    limiter = Limiter({ROAD: road.capabilities}, now=clock.now, monotonic=clock.monotonic, sleep=clock.sleep)
    message = Claimed(1, 1, 0, 1, 1, ROAD, "p1", "vi", 0, "reply", {"text": "x"})
    around = Surroundings("one", WORDING, no_pictures, now=clock.now, monotonic=clock.monotonic, sleep=clock.sleep)
    sending = Sending(message, road, limiter, Deadlines(0.02, look_s=0.01), around)
    with pytest.raises(Unclear) as caught:
        await asyncio.wait_for(sending.send(Rendered("x"), None), 10)
    assert caught.value.reason == "timeout"
    result = sending.judged(caught.value)
    assert (result.kind, result.reason) == ("unknown", "timeout")
