"""Names keep what their owner wrote, phone numbers have one form, folding hides how a text was typed."""

from __future__ import annotations

import unicodedata

import pytest

from vietnamese.fold import align, fold, search_key
from vietnamese.names import clean_name, name_key
from vietnamese.phones import displayed, find_numbers, mobile_number


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Đắk Lắk", "dak lak"),
        ("  Hội\u00a0 viên\u200b mới ", "hoi vien moi"),
        ("H'Bia", "hbia"),
        ("H\u2019Bia", "hbia"),
        ("１２３", "123"),
        ("NGUYỄN THỊ ƠN", "nguyen thi on"),
        ("Êđê ƀuôn ñăm", "ede buon nam"),
        ("a\nb", "a b"),
        ("", ""),
        ("\x00\ud800", ""),
    ],
)
def test_folding_leaves_plain_small_letters(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(unicodedata.normalize("NFD", text)) == folded
    assert fold(folded) == folded


def test_a_search_key_also_makes_i_and_y_and_signs_alike() -> None:
    assert search_key("Xã Mỹ-Kỳ (cũ)") == search_key("xa mi ki cu")
    assert search_key("Hòa Phú") == search_key("Hoà Phú")


def test_aligned_text_points_back_into_the_original() -> None:
    original = "Kết\u200b nạp  H'Bia"
    aligned = align(original)
    start = aligned.text.index("hbia")
    first, last = aligned.span(start, start + 4)
    assert original[first:last] == "H'Bia"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0323456789", "+84323456789"),
        ("0162 345 6789", "+84323456789"),
        ("0120.1234567", "+84701234567"),
        ("0186-1234567", "+84561234567"),
        ("0188 1234567", "+84581234567"),
        ("0199 1234567", "+84591234567"),
        ("+84 (0) 912 345 678", "+84912345678"),
        ("84912345678", "+84912345678"),
        ("0084912345678", "+84912345678"),
        ("912345678", "+84912345678"),
        ("０９１２３４５６７８", "+84912345678"),
    ],
)
def test_a_mobile_number_has_one_form(text: str, number: str) -> None:
    assert mobile_number(text) == number
    assert mobile_number(number) == number
    assert mobile_number(displayed(number)) == number


@pytest.mark.parametrize(
    "text", ["", "123", "0269 3824 567", "091234567", "09123456789", "0140 123 4567", "abc", "0912345678x", "9" * 400]
)
def test_what_is_no_mobile_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        mobile_number(text)


def test_a_number_is_shown_as_people_write_it() -> None:
    assert displayed("+84323456789") == "0323 456 789"
    with pytest.raises(ValueError):
        displayed("hello")


def test_mobile_numbers_are_found_inside_a_sentence() -> None:
    text = "sn 2003 dt 0162 345 6789 lang boi, nop 150000"
    assert [text[start:end] + " " + number for start, end, number in find_numbers(text)] == [
        "0162 345 6789 +84323456789"
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("  Rơ Châm   H'Bia ", "Rơ Châm H'Bia"),
        ("Rơ Châm H\u2019Bia", "Rơ Châm H\u2019Bia"),
        (unicodedata.normalize("NFD", "Nguyễn Thị Hồng"), "Nguyễn Thị Hồng"),
        ("Y Byen", "Y Byen"),
        ("Siu Ajuih\u200b", "Siu Ajuih"),
    ],
)
def test_a_name_is_kept_as_its_owner_writes_it(text: str, name: str) -> None:
    assert clean_name(text) == name


@pytest.mark.parametrize("text", ["", "   ", "Lan 2", "a" * 81, "Lan\x00", "...", "\ud800", "٣"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        clean_name(text)


def test_ways_to_write_one_name_have_one_key() -> None:
    assert {name_key(name) for name in ("H'Bia", "H\u2019Bia", "H\u02bcBia", "HBia", "H Bia", "h'bia")} == {"hbia"}
    assert name_key("Nguyễn Thị Mỹ") == name_key("nguyen thi mi")
