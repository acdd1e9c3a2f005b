"""Every planted bug is seen, by the judge it is meant for, within a bounded number of runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulation.bugs import BUGS, FURTHER_BUGS, Bug, planted
from tests.simulation.judge import JUDGES
from tests.simulation.run import run_seed, undisturbed
from tests.simulation.store import Store

WITHIN = 400
NAMES = {
    "checkpoint at fetch",
    "no rescue",
    "no fence",
    "blind retry",
    "429 as sent",
    "short lease",
    "done before effect",
    "no dedupe",
    "offset from maximum",
    "silent misfire",
}


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with undisturbed():
        yield Store()


@pytest.mark.parametrize("bug", [*BUGS, *FURTHER_BUGS], ids=lambda bug: bug.name)
def test_a_planted_bug_is_seen_and_by_the_judge_it_is_meant_for(store: Store, bug: Bug) -> None:
    seen: dict[int, tuple[str, ...]] = {}
    with planted(bug):
        for seed in range(WITHIN):
            judges = run_seed(store, seed).judges
            if judges:
                seen[seed] = judges
            if bug.seen_by in judges:
                break
    print(f"{bug.name}: seen by {bug.seen_by} in run {max(seen, default=None)}")
    assert bug.seen_by in {name for judges in seen.values() for name in judges}, seen
    # The same run without the bug has nothing wrong: it is the bug that was seen.
    assert run_seed(store, max(seen)).wrong == ()


def test_the_ten_bugs_are_all_there() -> None:
    assert {bug.name for bug in BUGS} == NAMES


def test_every_judge_is_needed_to_see_some_bug() -> None:
    needed = {bug.seen_by for bug in (*BUGS, *FURTHER_BUGS)}
    assert {judge.__name__ for judge in JUDGES} - needed == {"nothing_breaks"}
