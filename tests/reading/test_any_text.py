"""Any text is read without an error, the same each time, and without more work than its length asks for."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from figures.catalogue import Catalogue
from figures.emergency import is_emergency
from figures.reading import MAX_CHARS, Reading, read
from tests.reading.fuzz import fuzz
from vietnamese.dates import birth
from vietnamese.names import clean_name
from vietnamese.phones import mobile_number

AT = datetime(2024, 5, 14, 13, tzinfo=UTC)
INTENTS = {"report", "correct", "delete", "query", "nil_report", "register_member", "opinion", "emergency", "other"}
WORDS = st.sampled_from(
    [
        "3",
        "15",
        "1tr5",
        "300k",
        "2",
        "tỷ",
        "45/60",
        "12/5",
        "13.577",
        "7,5",
        "62%",
        "hv",
        "mới",
        "hội",
        "viên",
        "cây",
        "hộ",
        "thoát",
        "nghèo",
        "mỗi",
        "suất",
        "quà",
        "trong",
        "đó",
        "(",
        ")",
        ",",
        ".",
        ";",
        ":",
        "/",
        "x",
        "chị",
        "dự",
        "kết",
        "nạp",
        "năm",
        "tháng",
        "quý",
        "không",
        "chưa",
        "còn",
        "giá",
        "chục",
        "vài",
        "trăm",
        "rưỡi",
        "tuần",
        "trước",
        "thôn",
        "dự",
        "án",
        "8",
        "từ",
        "18",
        "tuổi",
        "\n",
        "-",
        "+",
    ]
)
TEXTS = st.one_of(st.text(max_size=300), st.lists(WORDS, max_size=60).map(" ".join))
relaxed = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def reading(text: str, catalogue: Catalogue) -> Reading:
    return read(text, at=AT, sender_level="chi_hoi", catalogue=catalogue)


@relaxed
@given(text=TEXTS)
def test_any_text_gives_a_reading_of_the_contract(text: str, catalogue: Catalogue) -> None:
    first = reading(text, catalogue)
    assert first == reading(text, catalogue)
    assert first.intent in INTENTS
    assert first.confirm or not [ask for ask in first.asks if first.intent == "report"]
    assert json.loads(json.dumps(first.as_json()))["intent"] == first.intent
    for record in first.records:
        start, end = record.span
        assert 0 <= start < end <= len(text)
        assert record.indicator in catalogue
    assert not first.records or first.intent in {"report", "correct"}


def test_thousands_of_mangled_messages_are_read(catalogue: Catalogue) -> None:
    fuzz(seed=7, count=3_000, catalogue=catalogue)


@relaxed
@given(text=st.text(alphabet=st.characters(), max_size=60))
def test_answers_are_taken_or_refused_and_nothing_else(text: str) -> None:
    is_emergency(text)
    for parse in (birth, clean_name, mobile_number):
        try:
            assert parse(text)
        except ValueError:
            continue


@pytest.mark.parametrize(
    "piece",
    [
        "3 ",
        "(",
        "3(",
        "trong đó 3 ",
        "mỗi 3 ",
        "12/5 ",
        " 3/",
        "hai ",
        "k",
        "\n",
        "1.000.",
        "bị ",
        "chồng em ",
        "\x00",
        "\ud800",
    ],
)
def test_twenty_thousand_characters_are_read_no_further_than_five_thousand(piece: str, catalogue: Catalogue) -> None:
    long = (piece * 20_000)[:20_000]
    assert reading(long, catalogue) == reading(long[:MAX_CHARS], catalogue)


def test_the_words_of_the_start_are_read_even_in_a_very_long_text(catalogue: Catalogue) -> None:
    assert reading("Hôm nay trồng 12 cây xanh. " + "a " * 50_000, catalogue).records[0].value == 12
