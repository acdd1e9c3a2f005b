from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.due import BadRule, next_due, next_runs
from dialogue import rhythms
from dialogue.answers import Invalid
from dialogue.messages import Inbound
from dialogue.moments import read_clock, read_day_of_month, read_day_of_year, read_moment
from dialogue.quiet import NEVER_QUIET, read_quiet_hours
from dialogue.text import VIETNAM

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=VIETNAM)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("19:30 hôm nay", "2026-11-23 19:30"),
        ("19h30", "2026-11-23 19:30"),
        ("mai 7h", "2026-11-24 07:00"),
        ("7h sáng mai", "2026-11-24 07:00"),
        ("7 giờ rưỡi sáng mai", "2026-11-24 07:30"),
        ("8 giờ tối nay", "2026-11-23 20:00"),
        ("3h chiều ngày kia", "2026-11-25 15:00"),
        ("chieu mai 2h", "2026-11-24 14:00"),
        ("25/11 18:30", "2026-11-25 18:30"),
        ("18:30 ngày 25/11/2026", "2026-11-25 18:30"),
        ("18g30 25-11", "2026-11-25 18:30"),
        ("ngày 1 tháng 12 lúc 8h", "2026-12-01 08:00"),
        ("8/3 7h", "2027-03-08 07:00"),
        ("thứ hai 10h", "2026-11-23 10:00"),
        ("thứ 7 8h", "2026-11-28 08:00"),
        ("chủ nhật 8h", "2026-11-29 08:00"),
        ("thứ hai tuần sau 8h", "2026-11-30 08:00"),
        ("12h trưa", "2026-11-23 12:00"),
    ],
)
def test_moments_are_read_as_people_type_them(typed: str, meant: str) -> None:
    wanted = datetime.strptime(meant, "%Y-%m-%d %H:%M").replace(tzinfo=VIETNAM)
    assert read_moment(typed, MONDAY) == wanted


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("8h", "moment.past"),
        ("hôm nay 8:59", "moment.past"),
        ("20/11 8h", "moment.past"),
        ("mai", "moment.unclear"),
        ("25/11", "moment.unclear"),
        ("31/2 8h", "moment.unclear"),
        ("25h", "moment.unclear"),
        ("15h sáng mai", "moment.unclear"),
        ("tuần sau 8h", "moment.unclear"),
        ("lúc nào cũng được", "moment.unclear"),
        ("1/1/2030 8h", "moment.far"),
    ],
)
def test_what_is_over_or_unclear_gets_a_hint(typed: str, hint: str) -> None:
    with pytest.raises(Invalid) as wrong:
        read_moment(typed, MONDAY)
    assert wrong.value.hint.key == hint


@pytest.mark.parametrize(("typed", "clock"), [("7h", "07:00"), ("18:30", "18:30"), ("7 giờ tối", "19:00")])
def test_a_time_of_day_is_read(typed: str, clock: str) -> None:
    assert read_clock(Inbound(MONDAY, typed)) == clock


@pytest.mark.parametrize(("typed", "day"), [("5", "5"), ("ngày 28", "28"), ("mùng 1", "1"), ("cuối tháng", "last")])
def test_a_day_of_every_month_is_read(typed: str, day: str) -> None:
    assert read_day_of_month(Inbound(MONDAY, typed)) == day


@pytest.mark.parametrize("typed", ["0", "29", "31", "hôm nào cũng được"])
def test_a_day_some_months_lack_is_not_taken(typed: str) -> None:
    with pytest.raises(Invalid):
        read_day_of_month(Inbound(MONDAY, typed))


@pytest.mark.parametrize(("typed", "day"), [("8/3", "08-03"), ("ngày 20 tháng 10", "20-10"), ("mùng 1/1", "01-01")])
def test_a_day_of_every_year_is_read(typed: str, day: str) -> None:
    assert read_day_of_year(Inbound(MONDAY, typed)) == day


@pytest.mark.parametrize("typed", ["29/2", "31/4", "8", "8/3/2027", "mai", "0/5"])
def test_a_day_some_years_lack_is_not_taken(typed: str) -> None:
    with pytest.raises(Invalid) as wrong:
        read_day_of_year(Inbound(MONDAY, typed))
    assert wrong.value.hint.key == "moment.unclear_day_of_year"


@given(
    clock=st.times(), kind=st.sampled_from(["daily", "weekly", "monthly", "last", "yearly"]), number=st.integers(1, 7)
)
def test_a_rule_comes_when_its_answers_say_and_is_said_in_the_same_words(clock: time, kind: str, number: int) -> None:
    written = clock.isoformat("minutes")
    given_parts = {
        "daily": {},
        "weekly": {"weekday": rhythms.WEEKDAYS[number - 1]},
        "monthly": {"day": str(number)},
        "last": {"day": rhythms.LAST},
        "yearly": {"day": str(number), "month": str(number)},
    }
    rule = rhythms.rule(written, **given_parts[kind])
    said = rhythms.in_words(rule)
    assert said.key == f"broadcast.goes.{'monthly' if kind == 'last' else kind}"
    assert said.values["clock"] == written
    for run in next_runs(rule, MONDAY):
        local = run.astimezone(VIETNAM)
        assert (local.hour, local.minute) == (clock.hour, clock.minute)
        assert kind != "weekly" or local.weekday() == number - 1
        assert kind not in ("monthly", "yearly") or local.day == number
        assert kind != "last" or (local + timedelta(days=1)).day == 1
        assert kind != "yearly" or local.month == number


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ("30 7 * * mon,thu", "broadcast.goes.weekly"),
        ("0 8 */2 * *", "broadcast.goes.cron"),
        ("0 8,20 * * *", "broadcast.goes.cron"),
        ("0 8 1 * mon", "broadcast.goes.cron"),
        ("0 8 last 12 *", "broadcast.goes.cron"),
        ("99 8 * * *", "broadcast.goes.cron"),
        ("0 8 * *", "broadcast.goes.cron"),
    ],
)
def test_a_rule_without_plain_words_is_shown_as_it_is(rule: str, key: str) -> None:
    assert rhythms.in_words(rule).key == key


def test_a_rule_gives_its_next_runs_in_utc() -> None:
    runs = next_runs("30 7 * * mon", MONDAY)
    assert [run.astimezone(VIETNAM).strftime("%d/%m %H:%M") for run in runs] == [
        "30/11 07:30",
        "07/12 07:30",
        "14/12 07:30",
        "21/12 07:30",
        "28/12 07:30",
    ]
    assert {run.tzinfo for run in runs} == {UTC}


def test_the_last_day_of_the_month_follows_the_month() -> None:
    runs = next_runs("0 8 last * *", MONDAY, count=4)
    assert [run.astimezone(VIETNAM).day for run in runs] == [30, 31, 31, 28]


def test_a_due_time_is_never_its_own_successor() -> None:
    due = next_due("0 9 * * *", MONDAY)
    assert due == MONDAY + timedelta(days=1)
    assert next_due("once", MONDAY) is None


@pytest.mark.parametrize("rule", ["", "sometimes", "0 9 * *", "61 9 * * *", "0 9 * * 1"])
def test_a_rule_that_cannot_be_read_is_refused(rule: str) -> None:
    with pytest.raises(BadRule):
        next_due(rule, MONDAY)


QUIET = read_quiet_hours("20:30–07:00, 11:30-13:30")


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("20:29", None),
        ("20:30", "07:00"),
        ("23:59", "07:00"),
        ("00:00", "07:00"),
        ("06:59", "07:00"),
        ("07:00", None),
        ("11:30", "13:30"),
        ("13:30", None),
    ],
)
def test_quiet_hours_end_when_they_say(at: str, until: str | None) -> None:
    moment = datetime.combine(MONDAY.date(), time.fromisoformat(at), VIETNAM)
    end = QUIET.end_of_quiet(moment.astimezone(UTC))
    assert (end and end.strftime("%H:%M")) == until
    assert end is None or moment < end <= moment + timedelta(hours=11)


def test_spans_that_touch_are_one_quiet_time() -> None:
    quiet = read_quiet_hours("20:00–22:00, 22:00–06:00")
    assert quiet.end_of_quiet(MONDAY.replace(hour=21)) == (MONDAY + timedelta(days=1)).replace(hour=6)


def test_a_wholly_quiet_day_keeps_nothing_back_for_ever() -> None:
    assert read_quiet_hours("00:00–12:00, 12:00–00:00").end_of_quiet(MONDAY) is None
    assert NEVER_QUIET.end_of_quiet(MONDAY) is None
    assert read_quiet_hours(" ") == NEVER_QUIET


@pytest.mark.parametrize("text", ["at night", "20:30", "20:30–25:00", "20:30–07:00;"])
def test_quiet_hours_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_quiet_hours(text)
