"""Read texts drawn at random, as many as asked for: `python -m tests.reading.fuzz --inputs 1000000`.

The texts are messages of the table cut, joined, doubled and misspelt, and letters from anywhere. Each must be read
without an error, within a bounded time, into a reading of the contract whose figures point into the text.
"""

from __future__ import annotations

import argparse
import random
import time
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from figures.catalogue import Catalogue
from figures.reading import Reading, read
from tests.reading.table import rows, shipped

AT = datetime(2024, 5, 14, 13, tzinfo=UTC)
LEVELS = ("chi_hoi", "xa", "huyen", "tinh")
LIMIT_S = 0.5
"""A thousand times what a message takes; the machine may be busy."""

Change = Callable[[random.Random, str, str], str]


def _cut(dice: random.Random, text: str, _other: str) -> str:
    first, last = sorted(dice.randrange(len(text) + 1) for _ in range(2))
    return text[:first] + text[last:]


def _joined(dice: random.Random, text: str, other: str) -> str:
    return text + dice.choice((" ", ", ", "\n", ".", "; ", "", "/", " x ")) + other


def _doubled(dice: random.Random, text: str, _other: str) -> str:
    at = dice.randrange(len(text) + 1)
    return text[:at] + text[at : at + dice.randint(1, 9)] * dice.randint(2, 40) + text[at:]


def _misspelt(dice: random.Random, text: str, other: str) -> str:
    letters = [*text]
    for _ in range(dice.randint(1, 6)):
        letters.insert(dice.randrange(len(letters) + 1), dice.choice(other or " ") if dice.random() < 0.7 else "\u0301")
    return "".join(letters)


def _strange(dice: random.Random, text: str, _other: str) -> str:
    planes = ((0, 0x250), (0x300, 0x370), (0x1E00, 0x2070), (0xD7F0, 0xE010), (0xFF00, 0xFFF0), (0x1F300, 0x1F700))
    extra = "".join(chr(dice.randrange(*dice.choice(planes))) for _ in range(dice.randint(1, 30)))
    return _joined(dice, text, extra)


def _renumbered(dice: random.Random, text: str, _other: str) -> str:
    digits = ("0", "9" * dice.randint(1, 30), "1.000.000", "1,5", "½", "1e9", "-3", "٣", "3/0", "1tr5", "hai mốt", "#")
    return "".join(dice.choice(digits) if each.isdigit() else each for each in text)


def _decomposed(_dice: random.Random, text: str, _other: str) -> str:
    return unicodedata.normalize("NFD", text).upper()


CHANGES: tuple[Change, ...] = (_cut, _joined, _doubled, _misspelt, _strange, _renumbered, _decomposed)


def texts(seed: int, count: int) -> Iterator[str]:
    """Yield `count` texts of a seed."""
    dice = random.Random(seed)
    known = [row.message for row in rows()]
    for _ in range(count):
        text = dice.choice(known)
        for _ in range(dice.randint(1, 4)):
            text = dice.choice(CHANGES)(dice, text, dice.choice(known))
        yield text


def wrong_in(text: str, reading: Reading, catalogue: Catalogue) -> str | None:
    """Return what a reading may never be, None if it is sound."""
    if reading.records and reading.intent not in {"report", "correct"}:
        return f"figures in a message of intent {reading.intent}"
    for record in reading.records:
        start, end = record.span
        if not 0 <= start < end <= len(text):
            return f"{record.indicator} points outside the text"
        if record.indicator not in catalogue or record.unit not in catalogue.units:
            return f"{record.indicator} in {record.unit} is unknown"
        if record.value < 0 or (record.date is None and not reading.confirm):
            return f"{record.indicator} has no sound value or date, and nothing is asked"
    return None


def fuzz(seed: int, count: int, catalogue: Catalogue) -> float:
    """Read the texts of a seed and return the seconds of the slowest; `AssertionError` names the first bad one."""
    slowest_s = 0.0
    for number, text in enumerate(texts(seed, count)):
        began = time.perf_counter()
        try:
            reading = read(text, at=AT, sender_level=LEVELS[number % len(LEVELS)], catalogue=catalogue)
        except Exception as error:
            raise AssertionError(f"{text!r} is not read") from error
        slowest_s = max(slowest_s, time.perf_counter() - began)
        wrong = wrong_in(text, reading, catalogue)
        assert wrong is None, f"{text!r}: {wrong}"
    return slowest_s


def main() -> None:
    """Read as many as asked for and say how it went."""
    options = argparse.ArgumentParser(description="Read texts drawn at random.")
    options.add_argument("--inputs", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    began = time.perf_counter()
    slowest_s = fuzz(chosen.seed, chosen.inputs, shipped())
    took_s = time.perf_counter() - began
    print(f"{chosen.inputs} texts in {took_s:.0f} s, all read; the slowest took {slowest_s * 1e3:.0f} ms")
    assert slowest_s < LIMIT_S


if __name__ == "__main__":
    main()
