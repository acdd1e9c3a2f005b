"""Reading messages on one core: messages a second, the slowest hundredth of 200 characters, and growth with length.

The messages are those of the tests' table. One measured beside the other in the same run: a text of 5,000 characters
against the same words as texts of 50, whose ratio says whether the work grows with the length alone.
"""

from __future__ import annotations

import json
import statistics
import time

from figures.catalogue import Catalogue
from figures.reading import read
from tests.reading.table import Row, reading_of, rows, shipped

PAIRS = 5
LONG, SHORT, USUAL = 5_000, 50, 200


def texts_of(length: int, table: list[Row], count: int) -> list[str]:
    """Return `count` texts of exactly `length` characters, cut from the reports one after the other."""
    whole = ". ".join(row.message for row in table if row.expected["intent"] == "report")
    circle = whole * (2 + length * count // len(whole))
    return [circle[start : start + length] for start in range(0, length * count, length)]


def seconds(texts: list[str], row: Row, catalogue: Catalogue) -> list[float]:
    """Read each text as the sender of `row` and return how long each took."""
    took = []
    for text in texts:
        began = time.perf_counter()
        read(text, at=row.at, sender_level=row.level, catalogue=catalogue)
        took.append(time.perf_counter() - began)
    return took


def main() -> None:
    """Measure, print one table, and JSON beside it."""
    catalogue, table = shipped(), rows()
    for row in table:
        reading_of(row, catalogue)
    ratios, rates = [], []
    for _ in range(PAIRS):
        short = sum(seconds(texts_of(SHORT, table, 2_000), table[0], catalogue))
        long = sum(seconds(texts_of(LONG, table, 2_000 * SHORT // LONG), table[0], catalogue))
        ratios.append(long / short)
        began = time.perf_counter()
        for row in table:
            reading_of(row, catalogue)
        rates.append(len(table) / (time.perf_counter() - began))
    usual = sorted(seconds(texts_of(USUAL, table, 2_000), table[0], catalogue))
    p50_ms, p99_ms = (usual[int(len(usual) * share)] * 1e3 for share in (0.5, 0.99))
    ratio = statistics.median(ratios)
    print(f"messages of the table: {statistics.median(rates):.0f}/s on one core")
    print(f"{USUAL} characters: p50 {p50_ms:.2f} ms, p99 {p99_ms:.2f} ms")
    print(f"a character in {LONG:,} ÷ one in {SHORT}: median {ratio:.2f}, {min(ratios):.2f} to {max(ratios):.2f}")
    print(json.dumps({"per_s": rates, "p50_ms": p50_ms, "p99_ms": p99_ms, "long_to_short": ratios}))


if __name__ == "__main__":
    main()
