"""Run seeds, judge them, show what happened."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from tests.simulation.judge import judge
from tests.simulation.plan import draw
from tests.simulation.store import Store
from tests.simulation.timeline import NeverCalm
from tests.simulation.world import World

SWEEP = 200
"""Runs after which what they left in memory is swept up at once; the collector is off in between."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: what is wrong, by the name of the judge who saw it, and what happened."""

    seed: int
    wrong: tuple[tuple[str, str], ...]
    trace: tuple[tuple[Any, ...], ...]

    @property
    def judges(self) -> tuple[str, ...]:
        """The judges who found something."""
        return tuple(dict.fromkeys(name for name, _ in self.wrong))


def run_seed(store: Store, seed: int) -> Outcome:
    """Run one seed from the first word to rest and judge it."""
    store.begin()
    world = World(draw(seed), store)
    store.time, store.wall = lambda: world.timeline.now, world.wall
    try:
        world.run()
        wrong = judge(world)
    except NeverCalm:
        wrong = [("comes_to_rest", "something goes round and round")]
    finally:
        world.close()
    return Outcome(seed, tuple(wrong), tuple(world.trace))


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keep logs and the garbage collector out of the way."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    collecting = gc.isenabled()
    gc.disable()
    gc.collect()
    gc.freeze()  # a sweep need not look over all that was loaded
    try:
        yield
    finally:
        gc.unfreeze()
        structlog.configure(**before)
        if collecting:
            gc.enable()


def run_seeds(seeds: range, *, short_cuts: bool = True) -> Iterator[Outcome]:
    """Run seeds one after the other on one database."""
    store = Store()
    store.short_cuts = short_cuts
    with undisturbed():
        for count, seed in enumerate(seeds, 1):
            yield run_seed(store, seed)
            if count % SWEEP == 0:
                gc.collect()


def told(outcome: Outcome, *, trace: bool = True) -> str:
    """Return a run in words: its plan, what happened line by line, what is wrong."""
    lines = [f"seed {outcome.seed}", str(draw(outcome.seed))]
    if trace:
        lines += [f"{at:10.3f}  {' '.join(map(str, what))}" for at, *what in outcome.trace]
    lines += [f"WRONG {name}: {what}" for name, what in outcome.wrong] or ["nothing is wrong"]
    return "\n".join(lines)
