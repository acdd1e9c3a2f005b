from __future__ import annotations

from tests.simulation.run import run_seeds, told

SEEDS = 60


def test_nothing_goes_wrong_whatever_the_faults() -> None:
    outcomes = list(run_seeds(range(SEEDS)))
    assert len(outcomes) == SEEDS
    assert [told(each, trace=False) for each in outcomes if each.wrong] == []


def test_the_same_seed_tells_the_same_story() -> None:
    [first], [second] = list(run_seeds(range(7, 8))), list(run_seeds(range(7, 8)))
    assert told(first, trace=True) == told(second, trace=True)
