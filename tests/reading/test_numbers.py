"""Numbers are read as people write them; what is unsure carries a doubt and no guess."""

from __future__ import annotations

from decimal import Decimal

import pytest

from vietnamese.fold import align
from vietnamese.numbers import Number, find_numbers

COUNTED = frozenset({"ho", "chau", "cay", "nguoi", "chi", "hoi", "suat", "em", "cai"})


def only(text: str) -> Number:
    (number,) = find_numbers(align(text), COUNTED)
    return number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("13.577 hộ", 13_577),
        ("1.200.000đ", 1_200_000),
        ("1,200,000 đ", 1_200_000),
        ("1 200 000 đ", 1_200_000),
        ("7,5 tỷ", 7_500_000_000),
        ("7.5 tỷ", 7_500_000_000),
        ("62,65%", Decimal("62.65")),
        ("25 tr", 25_000_000),
        ("25tr", 25_000_000),
        ("25 triệu", 25_000_000),
        ("25.000k", 25_000_000),
        ("1tr5", 1_500_000),
        ("2tr350", 2_350_000),
        ("1tỷ2", 1_200_000_000),
        ("1 tỷ 2", 1_200_000_000),
        ("1 tỷ 250", 1_250_000_000),
        ("1 tỷ 200 triệu", 1_200_000_000),
        ("2k5", 2_500),
        ("5 củ", 5_000_000),
        ("hai triệu rưỡi", 2_500_000),
        ("hai trieu ruoi", 2_500_000),
        ("1tr rưỡi", 1_500_000),
        ("trăm rưỡi", 150),
        ("một tỉ hai", 1_200_000_000),
        ("hai trăm tư", 240),
        ("ba mươi lăm", 35),
        ("hai mốt", 21),
        ("hăm ba hộ", 23),
        ("mười lăm hộ", 15),
        ("muoi hai ho", 12),
        ("một trăm lẻ năm", 105),
        ("năm hội viên", 5),
        ("trồng ba cây", 3),
        ("2tr385, hôm qua", 2_385_000),
        ("600k cây", 600_000),
        ("600 ngàn", 600_000),
        ("chục hộ", 10),
        ("chín chục", 90),
        ("0 hộ", 0),
        ("1tr5, nộp rồi", 1_500_000),
        ("1 tỷ 5 nha chị", 1_500_000_000),
        ("1 tỷ 2 chị ạ", 1_200_000_000),
        ("2 triệu 3 trăm ngàn", 2_300_000),
        ("1 nghìn 2 trăm cây", 1_200),
        ("nửa triệu", 500_000),
        ("8 lít", 800_000),
        ("372 000 đ", 372_000),
        ("5 cụ già", 5),
        ("lam mot cai nha", 1),
    ],
)
def test_a_number_is_read(text: str, value: int | Decimal) -> None:
    number = only(text)
    assert (number.value, number.doubt) == (value, None)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("13,577 hộ", "thousands"),
        ("vài chục cây", "vague"),
        ("mấy trăm cây", "vague"),
        ("dăm chục cây", "vague"),
        ("2tr mấy", "vague"),
        ("6 xị", "slang"),
        ("210 hay 220", "either"),
        ("5-7 hộ", "range"),
        ("giup sau ho", "words"),
        ("ket nap nam hoi vien", "words"),
        ("5 đến 7 hộ", "range"),
        ("9" * 40, "thousands"),
    ],
)
def test_an_unsure_number_is_in_doubt(text: str, doubt: str) -> None:
    assert only(text).doubt == doubt


@pytest.mark.parametrize(
    ("text", "qualifier"),
    [
        ("trên 600 nghìn cây", "min"),
        ("hơn 30 chị", "min"),
        ("gần 40 chị", "max"),
        ("ngót 100 hộ", "max"),
        ("khoảng 50 hộ", "approx"),
        ("độ 20 chị", "approx"),
        ("do 20 chị", None),
        ("60 chị trở lên", None),
        ("trên dưới 50 chị", "approx"),
        ("chục hộ", "approx"),
    ],
)
def test_a_qualifier_stays_with_its_number(text: str, qualifier: str | None) -> None:
    assert only(text).qualifier == qualifier


@pytest.mark.parametrize(
    ("text", "value", "whole"),
    [
        ("45/60 chị", 45, 60),
        ("122/281 cơ sở", 122, 281),
        ("312 trên 498", 312, 498),
        ("158,8tr/210tr", 158_800_000, 210_000_000),
    ],
)
def test_k_of_n_is_one_number_with_its_whole(text: str, value: int, whole: int) -> None:
    number = only(text)
    assert number.of is not None
    assert (number.value, number.of.value) == (value, whole)


def test_a_blank_after_a_scale_parts_what_is_counted() -> None:
    assert [number.value for number in find_numbers(align("1 triệu 2 cháu"), COUNTED)] == [1_000_000, 2]


@pytest.mark.parametrize(
    "text", ["nam hội viên", "sau do", "tu hoi", "tổ chức hội thi", "to chuc hoi thi", "bà con", "năm nay"]
)
def test_words_that_only_look_like_numbers_are_none(text: str) -> None:
    assert find_numbers(align(text), COUNTED) == []


def test_a_number_knows_its_place() -> None:
    number = only("trồng 1tr5 cây")
    assert "trồng 1tr5 cây"[number.start : number.end] == "1tr5"
