from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from heapq import heappush
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.limiter import AHEAD_S, CATCH_UP_S, Limiter, Shut, Window
from dialogue.messages import Capabilities, Pace
from tests.sending.world import MORNING, ROAD, Clock


@dataclass
class Hall(Clock):
    """A clock under which many may sleep at once; `forward` wakes them in the order of their times."""

    sleepers: list[tuple[float, int, asyncio.Event]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        # The clock counts whole microseconds; a shorter sleep would never end.
        heappush(self.sleepers, (self.monotonic() + max(seconds, 2e-6), next(self.numbers), woken))
        await woken.wait()

    async def wait(self, seconds: float) -> None:
        """Let time pass, and everybody do what it makes them do."""
        end = self.monotonic() + seconds
        await settle()
        while self.sleepers and min(self.sleepers)[0] <= end + 1e-9:
            nearest = min(self.sleepers)
            self.sleepers.remove(nearest)
            self.forward(max(0.0, nearest[0] - self.monotonic()))
            nearest[2].set()
            await settle()
        self.forward(end - self.monotonic())


async def settle() -> None:
    for _ in range(12):
        await asyncio.sleep(0)


def limiter(clock: Clock, rate: float | None = None, **paces: Pace | None) -> Limiter:
    plain = Capabilities(buttons=True, pictures=True, text_limit=1000, rate_per_s=rate, **paces)  # type: ignore[arg-type]
    return Limiter({ROAD: plain}, now=clock.now, monotonic=clock.monotonic, sleep=clock.sleep)


def line_up(clock: Hall, paced: Limiter, name: str, lane: int, left: list[tuple[str, float]]) -> asyncio.Task[None]:
    async def go() -> None:
        began = await paced.enter(ROAD, name, lane)
        left.append((name, round(clock.monotonic(), 3)))
        paced.leave(ROAD, name, began)

    return asyncio.create_task(go())


async def test_a_channel_without_a_rate_needs_no_wait() -> None:
    free = limiter(Clock())
    assert free.ahead(ROAD) is None
    assert free.wait_s(ROAD) == 0
    assert not free.is_shut(ROAD)
    assert await free.enter(ROAD, "p1", 1) == 0


def test_after_the_start_a_limited_channel_stays_shut_for_one_window() -> None:
    clock = Clock()
    paced = limiter(clock, 30)
    assert (paced.is_shut(ROAD), paced.wait_s(ROAD)) == (True, 1.0)
    clock.forward(1)
    assert (paced.is_shut(ROAD), paced.wait_s(ROAD)) == (False, 0.0)


@given(
    most=st.sampled_from([1, 3, 30]),
    waits=st.lists(st.tuples(st.floats(0.0, 0.4), st.floats(0.0, 0.5), st.floats(0.0, 1.0)), max_size=150),
)
def test_no_window_of_the_providers_clock_ever_holds_more_than_permitted(
    most: int, waits: list[tuple[float, float, float]]
) -> None:
    """Each request takes a while; at which moment of it the provider counts is anyone's guess, from the start on."""
    window, at, counted = Window(most, 1.0), 0.0, []
    answers: list[tuple[float, float]] = []
    for pause_s, took_s, part in waits:
        at = max(at + pause_s, _next_free(window, at + pause_s, answers))
        window.begin()
        counted.append(at + took_s * part)
        answers.append((at, at + took_s))
        at = _answered(window, answers, at)
    counted.sort()
    for index, first in enumerate(counted):
        assert bisect_left(counted, first + 1.0) - index <= most


def _next_free(window: Window, at: float, answers: list[tuple[float, float]]) -> float:
    while (opens := window.opens_at(at)) > at:
        at = _answered(window, answers, opens)
    return at


def _answered(window: Window, answers: list[tuple[float, float]], at: float) -> float:
    for began, ended in sorted(answers, key=lambda each: each[1]):
        if ended <= at:
            window.end(began, ended)
            answers.remove((began, ended))
    return at


@pytest.mark.parametrize("rate", [1.0, 5.0, 30.0, 1000.0])
async def test_the_permitted_rate_is_reached_at_even_steps(rate: float) -> None:
    clock = Hall()
    paced = limiter(clock, rate)
    left: list[tuple[str, float]] = []
    seconds = 12 if rate < 100 else 3
    people = [line_up(clock, paced, f"p{number}", 1, left) for number in range(int(rate * seconds))]
    await clock.wait(seconds + 0.5)
    assert len(left) >= 0.985 * rate * (seconds - 1)
    steps = [after - before for (_, before), (_, after) in pairwise(left)]
    assert max(steps[5:]) <= 1 / rate + 0.02
    for person in people:
        person.cancel()
    await asyncio.gather(*people, return_exceptions=True)


async def test_a_reply_passes_everybody_who_waits_with_a_message_to_many() -> None:
    clock = Hall()
    paced = limiter(clock, 10)
    await clock.wait(1)
    left: list[tuple[str, float]] = []
    tasks = [line_up(clock, paced, f"p{number}", 1, left) for number in range(15)]
    await clock.wait(0.45)
    tasks.append(line_up(clock, paced, "reply", 0, left))
    await clock.wait(0.1)
    assert left[-1][0] == "reply"
    await clock.wait(2)
    assert len(left) == 16
    await asyncio.gather(*tasks)


async def test_only_what_may_leave_soon_is_taken_for_a_limited_channel() -> None:
    clock = Hall()
    paced = limiter(clock, 1000)
    assert paced.ahead(ROAD) == round(AHEAD_S * 1000)
    left: list[tuple[str, float]] = []
    tasks = [line_up(clock, paced, f"p{number}", 1, left) for number in range(10)]
    await settle()
    assert paced.ahead(ROAD) == round(AHEAD_S * 1000) - 10
    await clock.wait(2)
    assert len(left) == 10
    await asyncio.gather(*tasks)


async def test_steps_missed_are_made_good_only_in_part() -> None:
    clock = Hall()
    paced = limiter(clock, 100)
    await clock.wait(1)
    left: list[tuple[str, float]] = []
    await asyncio.gather(line_up(clock, paced, "first", 1, left))
    await clock.wait(5)  # the program was busy or had nothing to send
    tasks = [line_up(clock, paced, f"p{number}", 1, left) for number in range(50)]
    await clock.wait(0)
    assert len(left) - 1 <= CATCH_UP_S * 100 + 1
    await clock.wait(1)
    await asyncio.gather(*tasks)


async def test_one_person_is_not_written_to_faster_than_her_pace_and_keeps_nobody_waiting() -> None:
    clock = Hall()
    paced = limiter(clock, per_chat=Pace(1, 1.0))
    left: list[tuple[str, float]] = []
    tasks = [line_up(clock, paced, name, 0, left) for name in ("p1", "p2")]
    await clock.wait(0.2)
    assert paced.resting() == {(ROAD, "p1"), (ROAD, "p2")}
    assert paced.rest_s() == pytest.approx(0.8)
    tasks += [line_up(clock, paced, name, 0, left) for name in ("p1", "p3")]
    await clock.wait(0.2)
    assert [name for name, _ in left] == ["p1", "p2", "p3"]
    await clock.wait(0.7)
    assert left[-1] == ("p1", 1.0)
    await clock.wait(3)
    assert paced.resting() == frozenset()
    assert paced.rest_s() is None
    await asyncio.gather(*tasks)


async def test_a_group_has_a_pace_of_its_own() -> None:
    clock = Hall()
    paced = limiter(clock, per_chat=Pace(1, 1.0), per_group=Pace(3, 60.0))
    for _ in range(3):
        paced.leave(ROAD, "-7", await paced.enter(ROAD, "-7", 0), is_group=True)
        await clock.wait(1)
    assert paced.resting() == {(ROAD, "-7")}
    await clock.wait(57)
    assert paced.resting() == frozenset()


async def test_a_halt_shuts_the_channel_until_its_end_and_a_shorter_one_does_not_open_it() -> None:
    clock = Hall()
    paced = limiter(clock)
    paced.halt(ROAD, MORNING + timedelta(seconds=30))
    paced.halt(ROAD, MORNING + timedelta(seconds=10))
    await clock.wait(29)
    assert (paced.is_shut(ROAD), paced.wait_s(ROAD)) == (True, 1.0)
    with pytest.raises(Shut):
        await paced.enter(ROAD, "p1", 0)
    await clock.wait(1)
    assert await paced.enter(ROAD, "p1", 0) == 30


@pytest.mark.parametrize("is_first", [True, False])
async def test_who_waits_when_a_halt_comes_goes_back_but_a_later_part_stays(is_first: bool) -> None:
    clock = Hall()
    paced = limiter(clock, 1)
    waiting = asyncio.create_task(paced.enter(ROAD, "p1", 0, is_first=is_first))
    await clock.wait(0.5)
    paced.halt(ROAD, MORNING + timedelta(seconds=9))
    await clock.wait(2)
    if is_first:
        with pytest.raises(Shut):
            await waiting
    else:
        assert not waiting.done()
        await clock.wait(8)
        assert await waiting == 9


async def test_who_gives_up_in_the_queue_leaves_the_others_their_turn() -> None:
    clock = Hall()
    paced = limiter(clock, 2)
    left: list[tuple[str, float]] = []
    first, second, third = (line_up(clock, paced, name, 1, left) for name in ("p1", "p2", "p3"))
    await settle()
    first.cancel()
    second.cancel()
    await clock.wait(1.6)
    assert [name for name, _ in left] == ["p3"]
    await asyncio.gather(first, second, third, return_exceptions=True)


def test_a_shorter_round_trip_seen_later_counts_for_what_was_answered_before() -> None:
    window = Window(30, 1.0)
    for number in range(30):
        window.begin()
        window.end(number * 0.001, number * 0.001 + 0.05)
    early = window.opens_at(0.1)
    window.begin()
    window.end(0.09, 0.091)
    assert window.opens_at(0.1) > early
