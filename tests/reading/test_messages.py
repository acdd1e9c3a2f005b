"""Each message of the table is read exactly, and no change of its spelling makes it silently wrong."""

from __future__ import annotations

import unicodedata

import pytest

from figures.catalogue import Catalogue
from figures.reading import read
from tests.reading.table import Row, facts, reading_of, rows, untold, without_accents

ROWS = rows()
IDS = [row.id for row in ROWS]


SPELLINGS = {
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "capitals": str.upper,
    "wide blanks": lambda text: "\u00a0" + text.replace(" ", " \u00a0 ") + "  ",
    "curly apostrophes": lambda text: text.replace("'", "\u2019"),
    "zero width": lambda text: "\u200b".join(text.split(" ")).replace("\u200b", " \u200b"),
    "bare letters": without_accents,
}


def test_the_table_holds_the_forty_of_the_brief_and_thirty_of_our_own() -> None:
    assert len({row.message for row in ROWS}) == len(ROWS) >= 70
    assert sum(row.id.startswith("S") for row in ROWS) == 40


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_a_message_is_read_exactly(row: Row, catalogue: Catalogue) -> None:
    reading = reading_of(row, catalogue)
    assert facts(reading) == facts(row.expected)
    assert reading["confirm"] == row.expected["confirm"], reading.get("ask")
    assert untold(row, reading) == []


@pytest.mark.parametrize("row", ROWS, ids=IDS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_another_spelling_is_never_silently_wrong(row: Row, spelling: str, catalogue: Catalogue) -> None:
    reading = reading_of(row, catalogue, SPELLINGS[spelling](row.message))
    assert reading["confirm"] or facts(reading) == facts(row.expected)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_every_figure_points_to_words_of_the_message(row: Row, catalogue: Catalogue) -> None:

    for record in read(row.message, at=row.at, sender_level=row.level, catalogue=catalogue).records:
        start, end = record.span
        assert 0 <= start < end <= len(row.message)
        assert row.message[start:end].strip()
