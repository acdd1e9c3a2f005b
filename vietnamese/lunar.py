"""The Vietnamese lunar calendar: solar days of lunar days, for UTC+7.

Months begin on the local day of the true new moon; the eleventh month holds the winter solstice; in a year of
thirteen months the first one without a major solar term is the leap month. New moons and the longitude of the sun
follow J. Meeus, Astronomical Algorithms (2nd ed., 1998), chapters 25 and 49, main terms only.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from math import floor, radians, sin

_ZONE_DAYS = 7 / 24
_FIRST, _LAST = 1900, 2099
_JULIAN_DAY_OF_ORDINAL_0 = 1721425  # the Julian day number of a day is its ordinal plus this
_SYNODIC_DAYS = 29.530588861
# The clock of the sky (TT) is some 69 s ahead of UTC in these decades; an error of a minute is harmless.
_TT_AHEAD_DAYS = 69 / 86400


def solar_from_lunar(day: int, month: int, year: int) -> date | None:
    """Return the solar day of a lunar day, not in a leap month; None if there is no such day or year (1900-2099)."""
    if not (1 <= month <= 12 and 1 <= day <= 30 and _FIRST <= year <= _LAST):
        return None
    months = _months_from_eleventh(year - 1) if month < 11 else _months_from_eleventh(year)
    wanted = (month - 11) % 12
    leap = _leap_index(months)
    index = wanted if leap is None or wanted < leap else wanted + 1
    solar = months[index] + day - 1
    return date.fromordinal(solar) if solar < months[index + 1] else None


@lru_cache(maxsize=64)
def _months_from_eleventh(year: int) -> tuple[int, ...]:
    """Return the first days (ordinals) of the months from the eleventh of `year` to two after the next eleventh."""
    first = _eleventh(year)
    count = round((_eleventh(year + 1) - first) / _SYNODIC_DAYS)
    return tuple(_new_moon_day(first, steps) for steps in range(count + 3))


def _leap_index(months: tuple[int, ...]) -> int | None:
    regular = len(months) - 3
    if regular < 13:
        return None
    return next(i for i in range(1, 13) if _sector(months[i]) == _sector(months[i + 1]))


def _eleventh(year: int) -> int:
    """Return the first day of the month that holds the winter solstice of `year`."""
    last = _new_moon_day(date(year, 12, 31).toordinal(), 0)
    if last > date(year, 12, 31).toordinal():
        last = _new_moon_day(last, -1)
    return last if _sector(last) < 9 else _new_moon_day(last, -1)


def _new_moon_day(near: int, steps: int) -> int:
    """Return the local day (ordinal) of the new moon nearest to day `near`, moved by so many months."""
    k = round((near - date(2000, 1, 6).toordinal()) / _SYNODIC_DAYS) + steps
    return _local_day(_new_moon(k))


def _local_day(julian: float) -> int:
    return floor(julian - _TT_AHEAD_DAYS + _ZONE_DAYS + 0.5) - _JULIAN_DAY_OF_ORDINAL_0


def _sector(ordinal: int) -> int:
    """Return which twelfth of the ecliptic (0-11) the sun is in at the local midnight that begins a day."""
    midnight = ordinal + _JULIAN_DAY_OF_ORDINAL_0 - 0.5 - _ZONE_DAYS + _TT_AHEAD_DAYS
    return int(_sun_longitude(midnight) // 30)


def _sun_longitude(julian: float) -> float:
    """Return the sun's apparent longitude in degrees (Meeus 25.2-25.8)."""
    t = (julian - 2451545.0) / 36525
    mean = 280.46646 + 36000.76983 * t + 0.0003032 * t * t
    anomaly = radians(357.52911 + 35999.05029 * t - 0.0001537 * t * t)
    centre = (
        (1.914602 - 0.004817 * t - 0.000014 * t * t) * sin(anomaly)
        + (0.019993 - 0.000101 * t) * sin(2 * anomaly)
        + 0.000289 * sin(3 * anomaly)
    )
    node = radians(125.04 - 1934.136 * t)
    return (mean + centre - 0.00569 - 0.00478 * sin(node)) % 360


def _new_moon(k: int) -> float:
    """Return the Julian day (TT) of new moon number `k` counted from January 2000 (Meeus 49.1 and its table)."""
    t = k / 1236.85
    mean = 2451550.09766 + _SYNODIC_DAYS * k + 0.00015437 * t * t - 0.00000015 * t**3
    e = 1 - 0.002516 * t - 0.0000074 * t * t
    m = radians(2.5534 + 29.1053567 * k - 0.0000014 * t * t)
    mp = radians(201.5643 + 385.81693528 * k + 0.0107582 * t * t + 0.00001238 * t**3)
    f = radians(160.7108 + 390.67050284 * k - 0.0016118 * t * t - 0.00000227 * t**3)
    node = radians(124.7746 - 1.56375588 * k + 0.0020672 * t * t)
    terms = (
        (-0.40720, mp), (0.17241 * e, m), (0.01608, 2 * mp), (0.01039, 2 * f), (0.00739 * e, mp - m),
        (-0.00514 * e, mp + m), (0.00208 * e * e, 2 * m), (-0.00111, mp - 2 * f), (-0.00057, mp + 2 * f),
        (0.00056 * e, 2 * mp + m), (-0.00042, 3 * mp), (0.00042 * e, m + 2 * f), (0.00038 * e, m - 2 * f),
        (-0.00024 * e, 2 * mp - m), (-0.00017, node), (-0.00007, mp + 2 * m),
    )  # fmt: skip
    return mean + sum(size * sin(angle) for size, angle in terms)
