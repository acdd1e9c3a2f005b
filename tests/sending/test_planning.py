"""What an officer hears before a message goes out: names in it, its length, its runs, what an urgent one does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.content import load_content
from dialogue.messages import Capabilities, Lines, Say
from dialogue.text import VIETNAM, Wording
from handlers.broadcast_text import text_notes
from handlers.broadcast_times import Planning
from storage import contacts
from storage.schema import audit, campaign, schedule
from tests.members.stage import NOON, Person, Press, Stage, key_of, values_of
from tests.sending.desk import NO_PHOTO, PLANNING, SEND, TEXT, a_member, planned, plans, said_before

CONTENT = Path(__file__).resolve().parents[2] / "content"
TIGHT = replace(PLANNING, channels=(Capabilities(buttons=True, pictures=True, text_limit=120, caption_limit=90),))


@pytest.fixture(scope="module")
def wording() -> Wording:
    return load_content(CONTENT, ("vi", "en")).wording


@pytest.fixture
def speaking(stage: Stage, wording: Wording, officer: Person) -> Person:
    """The officer, where the program's own words count."""
    stage.wording = wording
    return officer


def lines(notes: Any) -> Iterator[str]:
    for note in notes.items:
        if isinstance(note, Lines):
            yield from lines(note)
        elif isinstance(note, Say):
            yield note.key


# --- Names and length ---


def test_a_mark_nobody_knows_is_refused_at_once(officer: Person) -> None:
    said = plans(officer, "Kính gửi {chức vụ} {tên}")
    assert key_of(said) == "broadcast.unknown_mark"
    assert values_of(said)["found"] == "{chức vụ}"
    assert key_of(plans(officer, "Kính gửi {tên}")) == "broadcast.photo"


def test_the_summary_shows_her_own_name_where_the_readers_will_stand(stage: Stage, officer: Person) -> None:
    summary = plans(officer, *said_before(stage, text="Mời {tên} đi họp"), Press("now"))
    assert values_of(summary)["sample"].values["text"] == "Mời Lan đi họp"
    assert list(lines(values_of(summary)["notes"])) == ["broadcast.names_note"]


def test_a_text_that_fits_with_the_longest_name_is_taken(stage: Stage, speaking: Person) -> None:
    a_member(stage, "boi", "Rơ Châm H'Bia")
    said = said_before(stage, text="Mời {tên} đi họp lúc 7h tối")
    assert key_of(plans(speaking, *said, Press("now"), planning=TIGHT)) == "broadcast.summary"


def test_one_that_does_not_fit_with_the_longest_name_must_be_shorter(stage: Stage, speaking: Person) -> None:
    a_member(stage, "boi", "Nguyễn Phúc Công Tằng Tôn Nữ Thị Hồng Ngọc Lan")
    said = (*said_before(stage, text="Mời {tên} đi họp lúc 7h tối ở nhà văn hóa"), Press("now"))
    question = plans(speaking, *said, planning=TIGHT)
    assert key_of(question) == "broadcast.shorter"
    assert values_of(question)["over"] > 0
    again = plans(speaking, *said, "Mời {tên} đi họp lúc 7h tối ở nhà văn hóa thôn", planning=TIGHT)
    assert key_of(again) == "broadcast.still_too_long"
    summary = plans(speaking, *said, "Mời {tên} họp 7h tối", planning=TIGHT)
    assert key_of(summary) == "broadcast.summary"
    plans(speaking, *said, "Mời {tên} họp 7h tối", SEND, planning=TIGHT)
    with stage.db() as db:
        assert db.execute(select(campaign.c.texts)).scalar_one() == {"vi": "Mời {tên} họp 7h tối"}


def test_a_name_outside_the_audience_does_not_count(stage: Stage, speaking: Person) -> None:
    a_member(stage, "kep", "Nguyễn Phúc Công Tằng Tôn Nữ Thị Hồng Ngọc Lan")
    said = (*said_before(stage, text="Mời {tên} đi họp lúc 7h tối ở nhà văn hóa"), Press("now"))
    assert key_of(plans(speaking, *said, planning=TIGHT)) == "broadcast.summary"


# --- Times ---


@pytest.mark.parametrize(
    ("said", "rule", "first"),
    [
        ([Press("yearly"), "8/3", "7h"], "0 7 8 3 *", "2027-03-08 07:00"),
        ([Press("yearly"), "23/11", "18h"], "0 18 23 11 *", "2026-11-23 18:00"),
        ([Press("cron"), "30 7 * * MON,thu"], "30 7 * * mon,thu", "2026-11-26 07:30"),
    ],
)
def test_a_rhythm_becomes_a_rule_and_its_first_due_time(
    stage: Stage, officer: Person, said: list[Any], rule: str, first: str
) -> None:
    plans(officer, *said_before(stage), *said, SEND)
    due = datetime.strptime(first, "%Y-%m-%d %H:%M").replace(tzinfo=VIETNAM)
    assert planned(stage) == [(rule, due, "active")]


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("mỗi sáng", "broadcast.cron_unclear"),
        ("0 7 * * 1", "broadcast.cron_unclear"),
        ("0 7 * *", "broadcast.cron_unclear"),
        ("0 7 * * mon " + "x" * 100, "broadcast.cron_unclear"),
        ("0 7 30 2 *", "broadcast.cron_never"),
        ("*/10 7 * * *", "broadcast.cron_too_often"),
    ],
)
def test_cron_text_that_makes_no_sense_gets_a_hint(stage: Stage, officer: Person, typed: str, hint: str) -> None:
    assert key_of(plans(officer, *said_before(stage), Press("cron"), typed)) == hint


def test_the_next_five_runs_are_shown_by_weekday_before_she_confirms(
    stage: Stage, officer: Person, wording: Wording
) -> None:
    summary = plans(officer, *said_before(stage), Press("weekly"), Press("wed"), "7h tối")
    [runs, *_] = values_of(summary)["notes"].items
    assert wording.phrase(runs, "vi").splitlines() == [
        "5 lượt gửi tới:",
        "• thứ tư, 19:00 ngày 25/11/2026",
        "• thứ tư, 19:00 ngày 02/12/2026",
        "• thứ tư, 19:00 ngày 09/12/2026",
        "• thứ tư, 19:00 ngày 16/12/2026",
        "• thứ tư, 19:00 ngày 23/12/2026",
    ]
    assert list(lines(values_of(summary)["notes"]))[-1] == "broadcast.catch_up"


# --- Danger to life ---

FLOOD = "nước lũ đang lên ở làng Bối"


def test_an_urgent_message_reaches_those_who_stopped_and_keeps_its_reason(stage: Stage, officer: Person) -> None:
    stopped = a_member(stage, "boi")
    with stage.db() as db:
        contacts.set_stopped(db, stopped.contact_id, NOON)
    said = (*said_before(stage), Press("alert"), FLOOD)
    summary = plans(officer, *said)
    assert key_of(summary) == "broadcast.alert_summary"
    assert (values_of(summary)["count"], values_of(summary)["reason"]) == (2, FLOOD)
    assert values_of(plans(officer, *said_before(stage), Press("now")))["count"] == 1
    assert key_of(plans(officer, *said, SEND)) == "broadcast.planned"
    with stage.db() as db:
        made = db.execute(select(campaign)).one()
        assert (made.sort, made.alert_reason) == ("alert", FLOOD)
        assert db.execute(select(schedule.c.rule)).scalar_one() == "once"
        noted = db.execute(select(audit.c.act, audit.c.subject, audit.c.actor_id)).one()
    assert noted == ("broadcast.alert", f"campaign:{made.code}", officer.contact_id)


@pytest.mark.parametrize("said", ["có", "ok", "gửi"])
def test_an_urgent_message_goes_out_only_by_its_own_button(stage: Stage, officer: Person, said: str) -> None:
    answer = plans(officer, *said_before(stage), Press("alert"), FLOOD, said)
    assert key_of(answer) in ("turn.pick_one", "broadcast.alert_summary")
    assert planned(stage) == []


@pytest.mark.parametrize("reason", ["lũ", "x" * 501])
def test_its_reason_says_something_and_is_no_novel(stage: Stage, officer: Person, reason: str) -> None:
    assert key_of(plans(officer, *said_before(stage), Press("alert"), reason)) == "broadcast.alert_reason_length"


def test_where_all_said_stop_only_an_urgent_message_has_readers(stage: Stage, officer: Person) -> None:
    stopped = a_member(stage, "boi")
    with stage.db() as db:
        contacts.set_stopped(db, stopped.contact_id, NOON)
    said = (TEXT, NO_PHOTO, "làng Bối")
    assert key_of(plans(officer, *said, Press("now"))) == "broadcast.nobody"
    assert key_of(plans(officer, *said, Press("alert"), FLOOD)) == "broadcast.alert_summary"


def test_an_ordinary_message_leaves_nothing_in_the_audit(stage: Stage, officer: Person) -> None:
    plans(officer, *said_before(stage), Press("now"), SEND)
    with stage.db() as db:
        assert db.execute(select(audit)).all() == []


def test_planning_knows_nothing_of_the_clock_but_the_messages_own_time(stage: Stage, officer: Person) -> None:
    seen: list[datetime] = []

    def runs(rule: str, after: datetime) -> list[datetime]:
        seen.append(after)
        return [after + timedelta(days=1)]

    plans(officer, *said_before(stage), Press("daily"), "7h", planning=Planning(runs))
    assert set(seen) == {NOON}


def test_she_is_told_where_a_photo_cannot_be_shown() -> None:
    plain = Capabilities(buttons=False, pictures=False, text_limit=1900, tells_of_pictures=True)
    told = [each.key for each in notes(replace(PLANNING, channels=(plain,)), has_photo=True)]
    assert told == ["broadcast.with_photo", "broadcast.photo_not_everywhere"]
    shown = [each.key for each in notes(replace(PLANNING, channels=(replace(plain, pictures=True),)), has_photo=True)]
    assert shown == ["broadcast.with_photo"]
    assert notes(replace(PLANNING, channels=(plain,)), has_photo=False) == []


def notes(planning: Planning, *, has_photo: bool) -> list[Say]:
    found = text_notes(planning, "Mời họp", has_photo=has_photo)
    return [each for each in found if isinstance(each, Say)]
