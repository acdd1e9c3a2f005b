"""Sentences written from a grammar (a deed, a number, a date, accents or none) are read back exactly."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from figures.reading import read
from tests.reading.table import shipped, without_accents
from vietnamese.lunar import solar_from_lunar

relaxed = settings(max_examples=400, deadline=None)
LUNAR_MONTHS = ("Giêng", "hai", "ba", "tư", "năm", "sáu", "bảy", "tám", "chín", "mười")


@dataclass(frozen=True)
class Deed:
    """Words with `{}` for the number, the indicator they mean, its unit, and the largest number that is usual."""

    words: str
    code: str
    unit: str
    most: int


DEEDS = (
    Deed("kết nạp {} hội viên mới", "MEMBERS_NEW", "nguoi", 25),
    Deed("phát triển được {} hv mới", "MEMBERS_NEW", "nguoi", 25),
    Deed("trồng {} cây xanh", "TREES_PLANTED", "cay", 500),
    Deed("chi hội trồng được {} cây", "TREES_PLANTED", "cay", 500),
    Deed("giúp {} hộ đạt 5 không 3 sạch", "HH_5K3S_ACHIEVED", "ho", 10),
    Deed("tặng {} suất quà cho hội viên nghèo", "GIFTS_GIVEN", "suat", 90),
    Deed("nấu {} suất cơm chay miễn phí", "MEALS_GIVEN", "suat", 90),
    Deed("góp {} ngày công", "WORKDAYS", "ngay_cong", 90),
)
MONEY = (
    Deed("thu hội phí được {}", "DUES_COLLECTED", "vnd", 5_000_000),
    Deed("bán ve chai gây quỹ được {}", "FUND_RAISED", "vnd", 3_000_000),
)
ONES = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")


def in_words(value: int) -> str:
    """Write 1 to 99 as it is said: mười lăm, hai mươi mốt, ba mươi tư."""
    tens, ones = divmod(value, 10)
    if not tens:
        return ONES[ones]
    if tens == 1:
        return "mười" + {0: "", 5: " lăm"}.get(ones, f" {ONES[ones]}")
    return f"{ONES[tens]} mươi" + {0: "", 1: " mốt", 4: " tư", 5: " lăm"}.get(ones, f" {ONES[ones]}")


def short_words(value: int) -> str:
    """Write 21 to 99 as it is said in haste: hai mốt, ba lăm."""
    return in_words(value).replace(" mươi ", " ") if value > 20 and value % 10 else in_words(value)


def with_dot(value: int) -> str:
    return f"{value:,}".replace(",", ".")


COUNTS: tuple[Callable[[int], str], ...] = (str, with_dot, lambda value: in_words(value) if value < 100 else str(value))
SUMS: tuple[Callable[[int], str], ...] = (
    lambda thousands: f"{thousands}k",
    lambda thousands: f"{thousands} nghìn",
    lambda thousands: f"{with_dot(thousands * 1_000)}đ",
    lambda thousands: f"{with_dot(thousands * 1_000)} đồng",
    lambda thousands: f"{thousands} ngàn",
    lambda thousands: _millions(thousands, "tr"),
    lambda thousands: _millions(thousands, " triệu"),
    lambda thousands: f"{str(thousands / 1_000).replace('.', ',')}tr" if thousands % 10 == 0 else f"{thousands} ngàn",
)


def _millions(thousands: int, word: str) -> str:
    """Write 1tr5, 2tr350, 3 triệu; sums that do not fit so are written in thousands."""
    millions, rest = divmod(thousands, 1_000)
    if not millions or (rest % 100 and rest < 100):
        return f"{thousands}k"
    if not rest:
        return f"{millions}{word}"
    return f"{millions}{word}{' ' if word.startswith(' ') else ''}{rest // 100 if rest % 100 == 0 else rest}"


Told = tuple[str, str]
"""Words for a date and the label they mean."""


def days_of(today: date) -> st.SearchStrategy[Told]:
    """Every notation of a past day or period, as seen from `today`."""
    ago = st.integers(0, 90).map(lambda days: today - timedelta(days=days))
    monday = today - timedelta(days=today.weekday())
    last_week = [(f"thứ {n}", n - 2) for n in range(2, 8)] + [("chủ nhật", 6), ("CN", 6)]
    quarters = [(f"quý {n}", f"{today.year}-Q{n}") for n in range(1, (today.month - 1) // 3 + 2)]
    fixed: list[Told] = [
        ("hôm nay", today.isoformat()),
        ("hnay", today.isoformat()),
        ("sáng nay", today.isoformat()),
        ("hôm qua", (today - timedelta(days=1)).isoformat()),
        ("hqua", (today - timedelta(days=1)).isoformat()),
        ("hôm kia", (today - timedelta(days=2)).isoformat()),
        ("tháng này", f"{today:%Y-%m}"),
        ("tháng trước", f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"),
        ("tháng rồi", f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"),
        *quarters,
        *[(f"{name} tuần trước", (monday - timedelta(days=7 - day)).isoformat()) for name, day in last_week],
    ]
    return st.one_of(
        st.sampled_from(fixed),
        ago.map(lambda day: (f"ngày {day.day}/{day.month}", day.isoformat())),
        ago.map(lambda day: (f"{day.day}/{day.month}/{day.year}", day.isoformat())),
        ago.map(lambda day: (f"ngày {day.day} tháng {day.month}", day.isoformat())),
        ago.map(lambda day: (f"ngày {day:%d}.{day:%m}.{day.year}", day.isoformat())),
        st.integers(1, len(LUNAR_MONTHS)).map(lambda month: _full_moon(month, today)),
    )


def _full_moon(month: int, today: date) -> Told:
    moons = (solar_from_lunar(15, month, year) for year in (today.year, today.year - 1))
    return f"rằm tháng {LUNAR_MONTHS[month - 1]}", max(day for day in moons if day and day <= today).isoformat()


TODAYS = st.dates(date(2023, 1, 15), date(2030, 12, 31))
LOOKS: tuple[Callable[[str], str], ...] = (
    str.upper,
    str.lower,
    without_accents,
    lambda text: unicodedata.normalize("NFD", text),
)


@dataclass(frozen=True)
class Written:
    """A sentence, another spelling of it, the day it was sent, and the one figure it tells."""

    plain: str
    respelt: str
    today: date
    figure: tuple[str, int, str, str]


@st.composite
def sentences(draw: st.DrawFn) -> Written:
    """Draw a sentence: a day or period, a deed, its number, in one of the usual orders."""
    today = draw(TODAYS)
    when, label = draw(days_of(today))
    deed = draw(st.sampled_from((*DEEDS, *MONEY)))
    if deed.unit == "vnd":
        value = 1_000 * draw(st.integers(20, deed.most // 1_000))
        number = SUMS[draw(st.integers(0, len(SUMS) - 1))](value // 1_000)
    else:
        value = draw(st.integers(1, deed.most))
        number = COUNTS[draw(st.integers(0, len(COUNTS) - 1))](value)
    said = deed.words.format(number)
    plain = draw(st.sampled_from((f"{when} {said}", f"{when}: {said}", f"{said}, {when}", f"dạ {when}, {said} ạ")))
    respelt = LOOKS[draw(st.integers(0, len(LOOKS) - 1))](plain)
    return Written(plain, respelt, today, (deed.code, value, deed.unit, label))


@relaxed
@given(written=sentences())
def test_a_written_sentence_is_read_back(written: Written) -> None:
    at = datetime.combine(written.today, time(13), UTC)
    for text in (written.plain, written.respelt):
        reading = read(text, at=at, sender_level="chi_hoi", catalogue=shipped())
        got = [(record.indicator, record.value, record.unit, record.date) for record in reading.records]
        assert got == [written.figure] or (reading.confirm and text != written.plain), reading.as_json()
        assert not reading.confirm or text != written.plain, reading.as_json()
