"""An officer at her phone: she plans messages, presses the buttons of their cards, edits them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from bot.due import next_runs
from dialogue.messages import Reply
from handlers import broadcast, broadcast_edit, broadcasts
from handlers.broadcast_times import Planning
from storage import broadcasts as runs
from storage.schema import broadcast as broadcast_table
from storage.schema import campaign, schedule
from tests.members.stage import NOON, Person, Press, Stage
from tests.sending.world import join

TEXT = "Mời chị em họp chi hội tối thứ bảy."
SEND = Press("send")
NO_PHOTO = Press({"go": "skip"})
PLANNING = Planning(next_runs)


def plans(officer: Person, *said: str | Press, planning: Planning = PLANNING) -> Reply:
    """She plans a message."""
    return officer.plays(broadcast.conversation(officer.stage.sealer, planning), *said)


def steers(officer: Person, start: Mapping[str, Any], *said: str | Press) -> Reply:
    """She presses a button of a campaign's card and answers what is asked."""
    return officer.plays(broadcasts.conversation(officer.stage.sealer, PLANNING), *said, start=start)


def does(officer: Person, start: Mapping[str, Any] | None = None) -> Reply:
    """She presses a button after which nothing is asked."""
    return officer.does(broadcasts.conversation(officer.stage.sealer, PLANNING), start)


def edits(officer: Person, campaign_id: int, *said: str | Press, planning: Planning = PLANNING) -> Reply:
    """She changes a message that is planned."""
    talk = broadcast_edit.conversation(officer.stage.sealer, planning)
    return officer.plays(talk, *said, start={"campaign": campaign_id})


def opens_edit(officer: Person, campaign_id: int) -> Reply:
    """She presses "change it" where there is nothing to change."""
    return officer.does(broadcast_edit.conversation(officer.stage.sealer, PLANNING), {"campaign": campaign_id})


def a_member(stage: Stage, unit: str, name: str | None = None) -> Person:
    """Add a member of a unit."""
    person = stage.person(name)
    with stage.db() as db:
        join(db, person.contact_id, stage.units[unit])
    return person


def said_before(stage: Stage, unit: str = "chu_pah", text: str = TEXT) -> tuple[Any, ...]:
    """Text, no photo, the unit, everybody."""
    return text, NO_PHOTO, Press(stage.units[unit]), Press("everybody")


def planned(stage: Stage) -> list[Any]:
    """Return rule, next due time and state of every schedule."""
    with stage.db() as db:
        return list(db.execute(select(schedule.c.rule, schedule.c.next_due_at, schedule.c.state)).all())


def sent(stage: Stage, officer: Person, *, rule: str = "daily") -> tuple[int, int]:
    """Plan a daily message and start a run of it; return the ids of campaign and run."""
    plans(officer, *said_before(stage), Press(rule), "7h", SEND)
    with stage.db() as db:
        campaign_id = int(db.execute(select(campaign.c.id)).scalar_one())
        run = runs.start(db, campaign_id, None, at=NOON)
        while not runs.freeze_page(db, run.id, at=NOON):
            pass
        return campaign_id, run.id


def state_of(stage: Stage) -> tuple[str, str]:
    """Return the states of the run and of the schedule."""
    with stage.db() as db:
        run = db.execute(select(broadcast_table.c.state)).scalar_one()
        return run, db.execute(select(schedule.c.state)).scalar_one()


def buttons(said: Reply) -> list[str]:
    """Return the acts of the buttons under a card, empty for those without one."""
    return [str(choice.value["start"].get("act", "")) for choice in said.choices if isinstance(choice.value, dict)]
