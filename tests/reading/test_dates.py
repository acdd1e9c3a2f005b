"""Days and periods are read against the day a message came; vague and future ones are in doubt."""

from __future__ import annotations

from datetime import date

import pytest

from vietnamese.dates import birth, find_dates, period_bounds
from vietnamese.fold import align
from vietnamese.lunar import solar_from_lunar

TUESDAY = date(2023, 11, 21)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("hôm nay", "2023-11-21"),
        ("hnay", "2023-11-21"),
        ("sáng nay", "2023-11-21"),
        ("hôm qua", "2023-11-20"),
        ("tối qua", "2023-11-20"),
        ("hôm kia", "2023-11-19"),
        ("hôm kìa", "2023-11-18"),
        ("ba hôm trước", "2023-11-18"),
        ("từ đầu tháng tới giờ", "2023-11"),
        ("từ đầu quý đến nay", "2023-Q4"),
        ("Trung thu vừa rồi", "2023-09-29"),
        ("t2 tuần này", "2023-11-20"),
        ("3 ngày trước", "2023-11-18"),
        ("12/11", "2023-11-12"),
        ("ngày 3/5", "2023-05-03"),
        ("ngày 20 tháng 10", "2023-10-20"),
        ("05/03/2022", "2022-03-05"),
        ("5-3-2022", "2022-03-05"),
        ("mùng 8/3", "2023-03-08"),
        ("ngày 15", "2023-11-15"),
        ("thứ 7 tuần trước", "2023-11-18"),
        ("thứ bảy vừa rồi", "2023-11-18"),
        ("thứ 2 vừa rồi", "2023-11-20"),
        ("CN vừa rồi", "2023-11-19"),
        ("sáng thứ 5", "2023-11-16"),
        ("tháng này", "2023-11"),
        ("tháng trước", "2023-10"),
        ("tháng 9", "2023-09"),
        ("T10", "2023-10"),
        ("tháng 3/2022", "2022-03"),
        ("quý 4", "2023-Q4"),
        ("quý III năm 2022", "2022-Q3"),
        ("6 tháng đầu năm", "2023-H1"),
        ("6 tháng cuối năm 2022", "2022-H2"),
        ("tuần rồi", "2023-W46"),
        ("năm nay", "2023"),
        ("từ đầu năm đến nay", "2023"),
        ("năm 2022", "2022"),
        ("rằm tháng 7", "2023-08-30"),
        ("rằm tháng ba", "2023-05-04"),
        ("RẰM THÁNG SÁU", "2023-08-01"),
        ("ram thang bay", "2023-08-30"),
        ("tháng tư", "2023-04"),
        ("tháng chín", "2023-09"),
        ("mùng 4 Tết", "2023-01-25"),
        ("23 tháng Chạp", "2023-01-14"),
        ("mùng 10 tháng 3 âm lịch", "2023-04-29"),
    ],
)
def test_a_date_is_read(text: str, label: str) -> None:
    (found,) = find_dates(align(text), TUESDAY)
    assert (found.label, found.doubt) == (label, None)
    assert text[found.start : found.end] == text


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("bữa trước", "vague"),
        ("hôm bữa", "vague"),
        ("mùng 4", "vague"),
        ("ngày mai", "future"),
        ("hom kia", "which_day"),
        ("ram thang sau", "which_month"),
        ("đợt tới", "future"),
        ("30/12/2023", "future"),
        ("25/12", "which_year"),
        ("tháng 12", "which_year"),
        ("ngày 25", "which_month"),
        ("15-20/11", "range"),
        ("từ 1/11 đến 5/11", "range"),
    ],
)
def test_an_unclear_date_is_in_doubt(text: str, doubt: str) -> None:
    (found,) = find_dates(align(text), TUESDAY)
    assert found.doubt == doubt


@pytest.mark.parametrize(
    "text",
    [
        "quỹ 4 triệu",
        "thu 5 triệu",
        "quý 2 triệu",
        "31/2",
        "45/60",
        "tháng 13",
        "chiến thắng 3",
        "trồng năm mươi",
        "mỗi tháng năm trăm",
    ],
)
def test_words_that_only_look_like_dates_are_none(text: str) -> None:
    assert find_dates(align(text), TUESDAY) == []


@pytest.mark.parametrize(
    ("label", "first", "last"),
    [
        ("2025-03-09", date(2025, 3, 9), date(2025, 3, 9)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2025-Q1", date(2025, 1, 1), date(2025, 3, 31)),
        ("2025-H2", date(2025, 7, 1), date(2025, 12, 31)),
        ("2024-W42", date(2024, 10, 14), date(2024, 10, 20)),
        ("2025", date(2025, 1, 1), date(2025, 12, 31)),
    ],
)
def test_a_label_has_its_first_and_last_day(label: str, first: date, last: date) -> None:
    assert period_bounds(label) == (first, last)


@pytest.mark.parametrize("label", ["", "2025-13", "2025-02-30", "2025-Q5", "2025-W60", "hôm nay", "2025-3-9", "0000"])
def test_what_is_no_label_is_refused(label: str) -> None:
    with pytest.raises(ValueError):
        period_bounds(label)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1990", "1990"),
        ("sn 1990", "1990"),
        ("Sinh năm 1990", "1990"),
        ("12/5/1990", "1990-05-12"),
        ("12-05-1990", "1990-05-12"),
        ("12.5.1990", "1990-05-12"),
        ("ngày 12 tháng 5 năm 1990", "1990-05-12"),
        ("1990-05-12", "1990-05-12"),
    ],
)
def test_a_birth_is_read(text: str, told: str) -> None:
    assert birth(text) == told


@pytest.mark.parametrize("text", ["", "12-5-90", "90", "31/2/1990", "1890", "hai nghìn", "12/13/1990", "٢٠٠٠"])
def test_an_unclear_birth_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        birth(text)


# Tết, Giỗ Tổ (10/3), Vu Lan (15/7) and Trung thu (15/8) as the calendar of the brief has them, UTC+7.
LUNAR = {
    2023: ("01-14", "01-22", "04-29", "08-30", "09-29"),
    2024: ("02-02", "02-10", "04-18", "08-18", "09-17"),
    2025: ("01-22", "01-29", "04-07", "09-06", "10-06"),
    2026: ("02-10", "02-17", "04-26", "08-27", "09-25"),
    2027: ("01-30", "02-06", "04-16", "08-16", "09-15"),
    2028: ("01-19", "01-26", "04-04", "09-03", "10-03"),
    2029: ("02-06", "02-13", "04-23", "08-24", "09-22"),
    2030: ("01-26", "02-02", "04-12", "08-13", "09-12"),
    2031: ("01-16", "01-23", "04-01", "09-01", "10-01"),
}


@pytest.mark.parametrize("year", LUNAR)
def test_lunar_days_fall_on_the_days_of_the_calendar(year: int) -> None:
    lunar = [(23, 12, year - 1), (1, 1, year), (10, 3, year), (15, 7, year), (15, 8, year)]
    assert [str(solar_from_lunar(*told)) for told in lunar] == [f"{year}-{day}" for day in LUNAR[year]]


def test_a_lunar_day_that_does_not_exist_is_none() -> None:
    assert solar_from_lunar(31, 1, 2025) is None
    assert solar_from_lunar(1, 13, 2025) is None
    assert {solar_from_lunar(30, month, 2025) is None for month in range(1, 13)} == {True, False}
