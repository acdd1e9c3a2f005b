from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.limiter import Limiter
from tests.sending.world import MORNING, Clock


def limiter(clock: Clock, rate: float | None) -> Limiter:
    return Limiter({"road": rate}, now=clock.now, monotonic=clock.monotonic)


def test_a_channel_without_a_rate_needs_no_wait() -> None:
    assert limiter(Clock(), None).free("road") is None
    assert limiter(Clock(), None).wait_s("road") == 0


def test_after_the_start_a_limited_channel_stays_shut_for_one_window() -> None:
    clock = Clock()
    paced = limiter(clock, 30)
    assert (paced.free("road"), paced.wait_s("road")) == (0, 1.0)
    clock.forward(1)
    assert (paced.free("road"), paced.wait_s("road")) == (30, 0.0)


def test_slots_set_aside_are_not_given_twice_and_come_back() -> None:
    clock = Clock()
    paced = limiter(clock, 2)
    clock.forward(1)
    paced.reserve("road")
    assert paced.free("road") == 1
    paced.give_back("road")
    assert paced.free("road") == 2


@given(rate=st.sampled_from([0.2, 0.5, 1.0, 7.0, 30.0]), steps=st.lists(st.floats(0.0, 0.6), max_size=200))
def test_no_window_of_time_ever_holds_more_than_permitted(rate: float, steps: list[float]) -> None:
    clock = Clock()
    paced = limiter(clock, rate)
    begun: list[float] = []
    for step in steps:
        clock.forward(step)
        while paced.free("road"):
            paced.begin("road")
            begun.append(clock.monotonic())
    span = max(1.0, 1 / rate)
    for first in begun:
        assert sum(first <= at < first + span - 1e-5 for at in begun) <= max(1, rate * span)


def test_a_halt_shuts_the_channel_until_its_end_and_a_shorter_one_does_not_open_it() -> None:
    clock = Clock()
    paced = limiter(clock, None)
    paced.halt("road", MORNING + timedelta(seconds=30))
    paced.halt("road", MORNING + timedelta(seconds=10))
    clock.forward(29)
    assert (paced.free("road"), paced.wait_s("road")) == (0, 1.0)
    clock.forward(1)
    assert paced.free("road") is None
    assert paced.free("elsewhere") is None


@pytest.mark.parametrize("rate", [1.0, 5.0])
def test_the_permitted_rate_is_reached(rate: float) -> None:
    clock = Clock()
    paced = limiter(clock, rate)
    sent = 0
    for _ in range(601):
        while paced.free("road"):
            paced.begin("road")
            sent += 1
        clock.forward(0.1)
    assert sent >= 0.99 * rate * 59
