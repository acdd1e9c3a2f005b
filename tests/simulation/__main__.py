"""`python -m tests.simulation --seeds 10000`, or `--seed N --trace` for one of them."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.simulation.run import run_seeds, told


def main() -> int:
    """Run and report; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="where to begin")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="show what happened, line by line")
    parser.add_argument("--slow", action="store_true", help="without the short cuts of the database")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds) if asked.seed is None else range(asked.seed, asked.seed + 1)
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    wrong: Counter[str] = Counter()
    for outcome in run_seeds(seeds, short_cuts=not asked.slow):
        wrong.update(outcome.judges)
        if outcome.wrong or asked.trace:
            print(told(outcome, trace=asked.trace))
    took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    print(f"{len(seeds)} runs in {took_s:.1f} s ({cpu_s:.1f} s of one core), {dict(wrong) or 'nothing wrong'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
