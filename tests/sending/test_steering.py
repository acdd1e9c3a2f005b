"""Skip a run, change a plan, send to the doubtful once more."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from dialogue.messages import Reply
from dialogue.text import VIETNAM
from storage import broadcasts, deliveries, schedules
from storage.schema import attachment, audit, campaign, delivery, firing, schedule
from storage.schema import broadcast as broadcast_table
from tests.members.stage import ABROAD, NOON, Person, Press, Stage, key_of, values_of
from tests.sending.desk import (
    SEND,
    TEXT,
    a_member,
    buttons,
    does,
    edits,
    opens_edit,
    planned,
    plans,
    said_before,
    sent,
    state_of,
    steers,
)

SAVE = Press("save")
SURE = Press("sure")


@pytest.fixture
def colleague(stage: Stage) -> Person:
    """An officer of the province, who may steer what goes to the commune."""
    return stage.person("Thu", role="can_bo_tinh", unit="tinh")


def local(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=VIETNAM)


def button(card: Reply, act: str) -> dict[str, Any]:
    """What a button of the card begins with."""
    starts = [choice.value["start"] for choice in card.choices if isinstance(choice.value, dict)]
    [found] = [dict(start) for start in starts if isinstance(start, dict) and start.get("act") == act]
    return found


def acts(stage: Stage) -> list[tuple[str, int]]:
    with stage.db() as db:
        return [(row.act, row.actor_id) for row in db.execute(select(audit.c.act, audit.c.actor_id))]


# --- Skip once ---


def test_the_coming_run_can_be_skipped_and_the_next_ones_stay(stage: Stage, officer: Person) -> None:
    campaign_id, _ = sent(stage, officer)
    card = does(officer, {"campaign": campaign_id})
    skipped = does(officer, button(card, "skip"))
    assert key_of(skipped) == "broadcasts.did_skip"
    assert planned(stage) == [("0 7 * * *", local("2026-11-25 07:00"), "active")]
    with stage.db() as db:
        rows = db.execute(select(firing.c.due_at, firing.c.outcome)).all()
    assert rows == [(local("2026-11-24 07:00"), "skipped")]
    assert acts(stage) == [("broadcast.skip", officer.contact_id)]
    assert stage.notices == []


def test_a_second_press_skips_no_second_run(stage: Stage, officer: Person) -> None:
    campaign_id, _ = sent(stage, officer)
    start = button(does(officer, {"campaign": campaign_id}), "skip")
    assert key_of(does(officer, start)) == "broadcasts.did_skip"
    assert key_of(does(officer, start)) == "broadcasts.too_late"
    assert planned(stage)[0][1] == local("2026-11-25 07:00")


def test_her_colleague_may_skip_and_she_hears_of_it(stage: Stage, officer: Person, colleague: Person) -> None:
    campaign_id, _ = sent(stage, officer)
    does(colleague, button(does(colleague, {"campaign": campaign_id}), "skip"))
    [notice] = stage.notices
    assert notice.contact_id == officer.contact_id
    assert key_of(notice.reply) == "broadcasts.by_colleague"
    assert "Thu" not in repr(notice.reply)
    assert acts(stage) == [("broadcast.skip", colleague.contact_id)]


def test_a_single_message_is_cancelled_not_skipped(stage: Stage, officer: Person) -> None:
    plans(officer, *said_before(stage), Press("at"), "mai 7h", SEND)
    assert "skip" not in buttons(does(officer, {"campaign": 1}))


def test_the_card_shows_the_rhythm_and_the_next_five_runs(stage: Stage, officer: Person) -> None:
    campaign_id, _ = sent(stage, officer)
    shown = repr(does(officer, {"campaign": campaign_id}))
    assert "broadcast.goes.daily" in shown
    assert shown.count("broadcast.run_line") == 5


# --- Change ---


def texts(stage: Stage) -> tuple[Any, Any]:
    """What the campaign says, and what its run says."""
    with stage.db() as db:
        return (
            db.execute(select(campaign.c.texts)).scalar_one(),
            db.execute(select(broadcast_table.c.texts)).scalar_one(),
        )


def test_a_changed_text_holds_for_later_runs_only(stage: Stage, officer: Person) -> None:
    campaign_id, _ = sent(stage, officer)
    summary = edits(officer, campaign_id, Press("text"), "Họp lúc 8h")
    assert key_of(summary) == "broadcast_edit.summary"
    assert key_of(edits(officer, campaign_id, Press("text"), "Họp lúc 8h", SAVE)) == "broadcast_edit.did"
    assert texts(stage) == ({"vi": "Họp lúc 8h"}, {"vi": TEXT})
    assert acts(stage) == [("broadcast.edited", officer.contact_id)]


def test_a_photo_can_be_taken_away_again(stage: Stage, officer: Person) -> None:
    campaign_id, _ = sent(stage, officer)
    with stage.db() as db:
        made = attachment.insert().values(received_sha256="a" * 64, created_at=NOON)
        db.execute(made)
        db.execute(update(campaign).values(attachment_id=1))
    said = edits(officer, campaign_id, Press("photo"), Press({"go": "skip"}), SAVE)
    assert key_of(said) == "broadcast_edit.did"
    with stage.db() as db:
        assert db.execute(select(campaign.c.attachment_id)).scalar_one() is None


@pytest.mark.parametrize("is_paused", [False, True])
def test_another_time_moves_the_plan(stage: Stage, officer: Person, is_paused: bool) -> None:
    campaign_id, _ = sent(stage, officer)
    if is_paused:
        does(officer, {"campaign": campaign_id, "act": "pause_plan"})
    said = edits(officer, campaign_id, Press("time"), Press("monthly"), "cuối tháng", "8h", SAVE)
    assert key_of(said) == "broadcast_edit.did"
    state = "paused" if is_paused else "active"
    assert planned(stage) == [("0 8 last * *", local("2026-11-30 08:00"), state)]


def test_no_time_is_urgent_or_now(stage: Stage, officer: Person) -> None:
    campaign_id, _ = sent(stage, officer)
    question = edits(officer, campaign_id, Press("time"))
    assert [choice.value for choice in question.choices] == ["at", "daily", "weekly", "monthly", "yearly", "cron"]


def test_what_has_ended_cannot_be_changed(stage: Stage, officer: Person) -> None:
    campaign_id, _ = sent(stage, officer)
    steers(officer, {"campaign": campaign_id, "act": "cancel"}, SURE)
    assert key_of(opens_edit(officer, campaign_id)) == "broadcasts.too_late"


def test_a_stranger_changes_nothing_and_a_colleagues_change_is_told(
    stage: Stage, officer: Person, colleague: Person
) -> None:
    campaign_id, _ = sent(stage, officer)
    stranger = stage.person("Mai", role="chu_tich_xa", unit="ia_ly")
    assert key_of(opens_edit(stranger, campaign_id)) == "broadcasts.not_found"
    edits(colleague, campaign_id, Press("text"), "Họp lúc 8h", SAVE)
    assert [notice.contact_id for notice in stage.notices] == [officer.contact_id]


def test_a_plan_that_fired_meanwhile_is_not_moved(stage: Stage, officer: Person) -> None:
    campaign_id, _ = sent(stage, officer)
    with stage.db() as db:
        before = schedules.of_campaign(db, campaign_id)
        assert before is not None
        db.execute(update(schedule).values(next_due_at=NOON + timedelta(days=2)))
        assert not schedules.reschedule(db, before, rule="0 8 * * *", next_due_at=NOON + timedelta(days=1))


# --- Links and files ---


def test_a_link_of_every_channel_that_has_one_lets_others_read_it(stage: Stage, officer: Person) -> None:
    campaign_id, _ = sent(stage, officer)
    assert "link" not in buttons(does(officer, {"campaign": campaign_id}))
    links = ("https://one.example/bot?start={payload}", "https://two.example/{payload}")
    officer.facts["chat_links"] = links
    assert "link" in buttons(does(officer, {"campaign": campaign_id}))
    said = does(officer, {"campaign": campaign_id, "act": "link"})
    with stage.db() as db:
        code, linked_at = db.execute(select(campaign.c.code, campaign.c.linked_at)).one()
    assert (key_of(said), linked_at) == ("broadcasts.links", NOON)
    assert list(values_of(said)["links"].items) == [link.replace("{payload}", code) for link in links]
    assert acts(stage) == [("broadcast.linked", officer.contact_id)]


def test_where_no_channel_has_links_nothing_is_opened_to_others(stage: Stage, officer: Person) -> None:
    campaign_id, _ = sent(stage, officer)
    assert key_of(does(officer, {"campaign": campaign_id, "act": "link"})) == "broadcasts.no_links"
    with stage.db() as db:
        assert db.execute(select(campaign.c.linked_at)).scalar_one() is None


@pytest.mark.parametrize(("abroad", "files"), [(True, True), (False, False), (False, True)])
def test_a_table_with_names_is_given_only_where_files_open_and_nothing_goes_abroad(
    stage: Stage, officer: Person, abroad: bool, files: bool
) -> None:
    campaign_id, _ = sent(stage, officer)
    officer.capabilities = replace(officer.capabilities, data_abroad=abroad, files=files)
    said = does(officer, {"campaign": campaign_id, "act": "sheet"})
    with stage.db() as db:
        code = db.execute(select(campaign.c.code)).scalar_one()
    if files and not abroad:
        assert (key_of(said), said.file) == ("broadcasts.sheet_here", f"{code}.xlsx")
    else:
        assert (key_of(said), said.file) == ("broadcasts.sheet_elsewhere", None)
        assert "broadcast.state.ready" in repr(said)


def test_before_the_first_run_there_is_no_table(stage: Stage, officer: Person) -> None:
    plans(officer, *said_before(stage), Press("at"), "mai 7h", SEND)
    assert key_of(does(officer, {"campaign": 1, "act": "sheet"})) == "broadcasts.too_late"


# --- The doubtful and the failed ---


def doubtful(stage: Stage, officer: Person, *, state: str = "done") -> tuple[int, int]:
    """Three recipients in doubt, of a run in `state`."""
    for _ in range(2):
        a_member(stage, "boi")
    campaign_id, run_id = sent(stage, officer)
    with stage.db() as db:
        db.execute(update(delivery).where(delivery.c.lane == 1).values(state="unknown", doubts=1, reason="timeout"))
        values = {"state": state, "settled_at": NOON, "told_at": NOON} if state == "done" else {"state": state}
        db.execute(update(broadcast_table).values(**values))
    return campaign_id, run_id


@pytest.mark.parametrize("state", ["done", "paused"])
def test_the_doubtful_are_sent_to_again_once_with_their_doubts_kept(stage: Stage, officer: Person, state: str) -> None:
    campaign_id, run_id = doubtful(stage, officer, state=state)
    start = button(does(officer, {"campaign": campaign_id}), "resend")
    question = steers(officer, start)
    assert key_of(question) == "broadcasts.sure_resend"
    assert (values_of(question)["count"], values_of(question)["twice"]) == (3, 3)
    assert key_of(steers(officer, start, SURE)) == "broadcasts.did_resend"
    with stage.db() as db:
        rows = db.execute(select(delivery.c.state, delivery.c.doubts).where(delivery.c.lane == 1)).all()
        assert rows == [("ready", 1)] * 3
        run = broadcasts.get(db, run_id)
        assert run is not None
        assert (run.state, run.settled_at) == ("running" if state == "done" else state, None)
        assert sum(deliveries.counts(db, run_id).values()) == 3
        assert broadcasts.send_again(db, run_id, at=NOON) == 0
    assert key_of(does(officer, start)) == "broadcasts.too_late"
    assert acts(stage) == [("broadcast.resend", officer.contact_id)]


@pytest.mark.parametrize("said", ["có", "gửi lại"])
def test_sending_again_takes_the_button_itself(stage: Stage, officer: Person, said: str) -> None:
    campaign_id, run_id = doubtful(stage, officer)
    steers(officer, {"campaign": campaign_id, "act": "resend", "run": run_id}, said)
    with stage.db() as db:
        assert deliveries.counts(db, run_id)["unknown"] == 3


def test_nothing_of_a_cancelled_run_or_an_earlier_one_is_sent_again(stage: Stage, officer: Person) -> None:
    campaign_id, run_id = doubtful(stage, officer, state="cancelled")
    assert "resend" not in buttons(does(officer, {"campaign": campaign_id}))
    with stage.db() as db:
        assert broadcasts.send_again(db, run_id, at=NOON) == 0
        broadcasts.start(db, campaign_id, None, at=NOON)
    start = {"campaign": campaign_id, "act": "resend", "run": run_id}
    assert key_of(steers(officer, start, SURE)) == "broadcasts.too_late"


def test_failures_are_counted_by_their_reason(stage: Stage, officer: Person) -> None:
    campaign_id, run_id = doubtful(stage, officer)
    with stage.db() as db:
        ids = list(db.scalars(select(delivery.c.id).where(delivery.c.lane == 1)))
        db.execute(update(delivery).where(delivery.c.id.in_(ids)).values(state="failed", reason="blocked"))
        db.execute(update(delivery).where(delivery.c.id == ids[0]).values(reason="no_address"))
        assert deliveries.failures(db, run_id) == [("blocked", 2), ("no_address", 1)]
    shown = repr(does(officer, {"campaign": campaign_id}))
    assert shown.count("broadcasts.failure") == 2


def test_on_a_channel_abroad_the_card_counts_the_doubtful_and_says_where_their_names_are(
    stage: Stage, officer: Person
) -> None:
    campaign_id, _ = doubtful(stage, officer)
    officer.capabilities = ABROAD
    shown = repr(does(officer, {"campaign": campaign_id}))
    assert "broadcasts.names_elsewhere" in shown
    assert "Lan" not in shown


def test_the_state_of_a_resend_is_that_of_any_run(stage: Stage, officer: Person) -> None:
    campaign_id, run_id = doubtful(stage, officer)
    steers(officer, {"campaign": campaign_id, "act": "resend", "run": run_id}, SURE)
    assert state_of(stage) == ("running", "active")
