from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dialogue.messages import Reply, Say
from dialogue.quiet import read_quiet_hours
from dialogue.text import VIETNAM
from handlers import broadcast
from handlers.broadcast import Message, plan_message
from handlers.broadcast_times import When
from storage import schedules
from storage.schema import appointment, campaign, delivery, schedule
from tests.members.stage import ABROAD, NOON, TODAY, Person, Press, Stage, key_of, values_of
from tests.sending.desk import (
    NO_PHOTO,
    PLANNING,
    SEND,
    TEXT,
    a_member,
    buttons,
    does,
    planned,
    plans,
    said_before,
    sent,
    state_of,
    steers,
)


def test_a_message_is_shown_with_its_audience_and_sent_at_once(stage: Stage, officer: Person) -> None:
    a_member(stage, "boi")
    a_member(stage, "kep")
    summary = plans(officer, *said_before(stage), Press("now"))
    assert key_of(summary) == "broadcast.summary"
    values = values_of(summary)
    assert values["count"] == 2  # the member of làng Bối and the officer herself
    assert values["sample"] == Say("broadcast.sample", {"text": TEXT, "opt_out": Say("broadcast.opt_out")})
    answer = plans(officer, *said_before(stage), Press("now"), SEND)
    assert key_of(answer) == "broadcast.planned"
    assert planned(stage) == [("once", NOON, "active")]


@pytest.mark.parametrize(
    ("said", "rule", "first"),
    [
        ([Press("at"), "mai 7h"], "once", "2026-11-24 07:00"),
        ([Press("daily"), "7h"], "0 7 * * *", "2026-11-24 07:00"),
        ([Press("daily"), "18:30"], "30 18 * * *", "2026-11-23 18:30"),
        ([Press("weekly"), Press("mon"), "7h"], "0 7 * * mon", "2026-11-30 07:00"),
        ([Press("monthly"), "5", "8h"], "0 8 5 * *", "2026-12-05 08:00"),
        ([Press("monthly"), "cuối tháng", "8h"], "0 8 last * *", "2026-11-30 08:00"),
    ],
)
def test_a_time_becomes_a_rule_and_its_first_due_time(
    stage: Stage, officer: Person, said: list[Any], rule: str, first: str
) -> None:
    plans(officer, *said_before(stage), *said, SEND)
    due = datetime.strptime(first, "%Y-%m-%d %H:%M").replace(tzinfo=VIETNAM).astimezone(UTC)
    assert planned(stage) == [(rule, due, "active")]


def test_a_moment_that_is_over_gets_a_hint_and_another_try(stage: Stage, officer: Person) -> None:
    hint = plans(officer, *said_before(stage), Press("at"), "hôm nay 7h")
    assert key_of(hint) == "moment.past"
    answer = plans(officer, *said_before(stage), Press("at"), "hôm nay 7h", "mai 7h", SEND)
    assert key_of(answer) == "broadcast.planned"


def test_a_text_that_is_too_long_is_not_taken(stage: Stage, officer: Person) -> None:
    assert key_of(plans(officer, "a" * 1001)) == "broadcast.text_too_long"
    assert key_of(plans(officer, "a" * 1000)) == "broadcast.photo"


def test_a_unit_below_is_found_by_typing_and_one_beside_is_not(stage: Stage, officer: Person) -> None:
    a_member(stage, "boi")
    found = plans(officer, TEXT, NO_PHOTO, "lang boi")
    assert key_of(found) == "broadcast.when"  # nobody holds a role there, so there is nothing to choose
    assert key_of(plans(officer, TEXT, NO_PHOTO, "làng Kép")) == "broadcast.unit.none"


def test_a_role_narrows_the_audience(stage: Stage, officer: Person) -> None:
    a_member(stage, "boi")
    stage.person("Hoa", role="chi_hoi_truong", unit="boi")
    a_member(stage, "boi")
    summary = plans(officer, TEXT, NO_PHOTO, Press(stage.units["chu_pah"]), Press("chi_hoi_truong"), Press("now"))
    assert values_of(summary)["count"] == 1
    assert values_of(summary)["to"] == Say("role.chi_hoi_truong")


def test_with_nobody_to_reach_the_only_ways_are_back_and_out(stage: Stage, officer: Person) -> None:
    question = plans(officer, TEXT, NO_PHOTO, "thôn 2")
    assert key_of(question) == "broadcast.nobody"
    assert question.choices == ()


@pytest.mark.parametrize(("demo", "note"), [(False, "broadcast.quiet_wait"), (True, "broadcast.quiet_but_demo")])
def test_the_summary_says_when_quiet_hours_delay_it(stage: Stage, officer: Person, demo: bool, note: str) -> None:
    quiet = read_quiet_hours("11:30–13:30")
    talk = broadcast.conversation(stage.sealer, replace(PLANNING, quiet=quiet))
    asked = replace(talk, ask=lambda context: talk.ask(replace(context, demo=demo)))
    summary = officer.plays(asked, *said_before(stage), Press("now"))  # it is noon
    [shown] = values_of(summary)["notes"].items
    assert shown.key == note
    later = officer.plays(asked, *said_before(stage), Press("at"), "14h")
    assert [shown.key for shown in values_of(later)["notes"].items] == ["broadcast.catch_up"]


def test_a_role_lost_before_the_confirmation_sends_nothing(stage: Stage, officer: Person) -> None:
    context = officer.context(1)
    with stage.db() as db:
        db.execute(appointment.update().values(valid_to=TODAY - timedelta(days=1)))
        said = plan_message(stage.sealer, db, context, Message(TEXT, None, stage.units["chu_pah"], None, When("once")))
        assert [key_of(each) for each in said if isinstance(each, Reply)] == ["broadcast.not_allowed"]
        assert db.execute(select(campaign)).all() == []


def test_the_same_confirmation_worked_on_twice_makes_one_campaign(stage: Stage, officer: Person) -> None:
    inbox_id = officer._writes("gửi")
    context = officer.context(inbox_id)
    message = Message(TEXT, None, stage.units["chu_pah"], None, When("once"))
    for _ in range(2):
        with stage.db() as db:
            plan_message(stage.sealer, db, context, message)
    with stage.db() as db:
        assert len(db.execute(select(campaign)).all()) == len(db.execute(select(schedule)).all()) == 1


def test_progress_counts_by_state_and_can_be_steered(stage: Stage, officer: Person) -> None:
    campaign_id, _ = sent(stage, officer)
    card = does(officer, {"campaign": campaign_id})
    assert key_of(card) == "broadcasts.card"
    assert buttons(card) == ["", "pause", "cancel_run", "pause_plan", "cancel", "skip", "", ""]
    paused = does(officer, {"campaign": campaign_id, "act": "pause"})
    assert key_of(paused) == "broadcasts.did_pause"
    assert "resume" in buttons(paused)
    assert key_of(does(officer, {"campaign": campaign_id, "act": "pause"})) == "broadcasts.too_late"
    assert key_of(does(officer, {"campaign": campaign_id, "act": "resume"})) == "broadcasts.did_resume"
    assert state_of(stage) == ("running", "active")


def test_cancelling_is_confirmed_and_ends_the_schedule_too(stage: Stage, officer: Person) -> None:
    campaign_id, _ = sent(stage, officer)
    start = {"campaign": campaign_id, "act": "cancel"}
    assert key_of(steers(officer, start)) == "broadcasts.sure_cancel"
    assert state_of(stage) == ("running", "active")
    assert key_of(steers(officer, start, Press("sure"))) == "broadcasts.did_cancel"
    assert state_of(stage) == ("cancelled", "ended")


def test_cancelling_one_run_leaves_the_schedule(stage: Stage, officer: Person) -> None:
    campaign_id, _ = sent(stage, officer)
    steers(officer, {"campaign": campaign_id, "act": "cancel_run"}, Press("sure"))
    assert state_of(stage) == ("cancelled", "active")


def test_a_message_that_waits_for_its_time_can_be_cancelled(stage: Stage, officer: Person) -> None:
    plans(officer, *said_before(stage), Press("at"), "mai 7h", SEND)
    with stage.db() as db:
        campaign_id = int(db.execute(select(campaign.c.id)).scalar_one())
    steers(officer, {"campaign": campaign_id, "act": "cancel"}, Press("sure"))
    assert planned(stage) == [("once", None, "ended")]


@pytest.mark.parametrize("act", ["pause", "cancel", "resume_plan"])
def test_an_officer_of_another_unit_finds_and_changes_nothing(stage: Stage, officer: Person, act: str) -> None:
    campaign_id, _ = sent(stage, officer)
    stranger = stage.person("Mai", role="chu_tich_xa", unit="ia_ly")
    answer = does(stranger, {"campaign": campaign_id, "act": act})
    assert key_of(answer) == "broadcasts.not_found"
    assert state_of(stage) == ("running", "active")
    assert key_of(does(stranger)) == "broadcasts.none"


def test_the_officer_above_sees_and_may_pause_it(stage: Stage, officer: Person) -> None:
    campaign_id, _ = sent(stage, officer)
    above = stage.person("Thu", role="can_bo_tinh", unit="tinh")
    assert key_of(does(above)) == "broadcasts.list"
    assert key_of(does(above, {"campaign": campaign_id, "act": "pause"})) == "broadcasts.did_pause"


def test_a_code_alone_opens_its_card(stage: Stage, officer: Person) -> None:
    sent(stage, officer)
    with stage.db() as db:
        code = db.execute(select(campaign.c.code)).scalar_one()
    assert key_of(does(officer, {"code": code})) == "broadcasts.card"
    assert key_of(does(officer, {"code": "TN-2222"})) == "broadcasts.not_found"


@pytest.mark.parametrize("abroad", [False, True])
def test_the_doubtful_are_named_but_not_on_a_channel_abroad(stage: Stage, officer: Person, abroad: bool) -> None:
    campaign_id, _ = sent(stage, officer)
    with stage.db() as db:
        db.execute(delivery.update().where(delivery.c.lane == 1).values(state="unknown"))
    officer.capabilities = ABROAD if abroad else officer.capabilities
    card = does(officer, {"campaign": campaign_id})
    assert ("Lan" in repr(card)) == (not abroad)
    assert "broadcast.state.unknown" in repr(card)


def test_a_paused_schedule_can_go_on(stage: Stage, officer: Person) -> None:
    campaign_id, _ = sent(stage, officer)
    does(officer, {"campaign": campaign_id, "act": "pause_plan"})
    assert state_of(stage) == ("running", "paused")
    card = does(officer, {"campaign": campaign_id, "act": "resume_plan"})
    assert key_of(card) == "broadcasts.did_resume_plan"
    with stage.db() as db:
        assert [one.campaign_id for one in schedules.unplanned(db)] == [campaign_id]
