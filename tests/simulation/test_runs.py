"""Nothing is wrong in some hundred runs; a run is the same each time, and with or without the short cuts."""

from __future__ import annotations

import os

from tests.simulation.run import run_seeds, told

RUNS = int(os.environ.get("LANTOA_TEST_SIMULATIONS", "500"))
REPEATED = range(7_000, 7_025)


def test_nothing_is_wrong_whatever_goes_wrong() -> None:
    wrong = [told(outcome) for outcome in run_seeds(range(RUNS)) if outcome.wrong]
    assert not wrong, "\n\n".join(wrong[:3])


def test_a_seed_is_the_same_run_each_time() -> None:
    first, second = ([outcome.trace for outcome in run_seeds(REPEATED)] for _ in range(2))
    assert first == second


def test_a_run_does_not_depend_on_the_runs_before_it() -> None:
    (alone,) = run_seeds(range(REPEATED[-1], REPEATED[-1] + 1))
    *_, last = run_seeds(REPEATED)
    assert alone == last


def test_the_short_cuts_of_the_database_change_nothing() -> None:
    short, long = ([outcome.trace for outcome in run_seeds(REPEATED, short_cuts=each)] for each in (True, False))
    assert short == long


def test_what_happens_in_many_runs_is_worth_simulating() -> None:
    """Every kind of mishap there is happens, and most of what is meant to be sent is."""
    kinds: set[str] = set()
    fates: set[str] = set()
    for outcome in run_seeds(range(9_000, 9_150)):
        kinds |= {str(what[1]) for _, *what in outcome.trace if what[0] == "fault"}
        fates |= {str(what[-1]) for _, *what in outcome.trace if what[0] == "request"}
    assert kinds == {"crash", "pause", "take over", "clock", "away", "stop", "repeat", "numbers", "steer"}
    assert fates >= {"taken", "slow", "too slow", "never comes", "answer lost", "request lost", "halted", "unreachable"}
