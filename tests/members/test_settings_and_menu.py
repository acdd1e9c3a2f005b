"""Stop, start again, language, menu and help: each by what she is and may do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from handlers import menu, settings
from storage import members
from storage.members import NewMember
from storage.schema import broadcast, campaign, delivery
from tests.members.stage import NOON, TODAY, Person, Press, Stage, filled, key_of


def _waiting_broadcast(stage: Stage, *people: Person) -> None:
    with stage.db() as db:
        made = filled(campaign, created_by=people[0].contact_id, unit_id=stage.units["boi"])
        plan = db.execute(made.returning(campaign.c.id)).scalar_one()
        run = db.execute(filled(broadcast, campaign_id=plan).returning(broadcast.c.id)).scalar_one()
        for person in people:
            base = {"contact_id": person.contact_id, "state": "ready"}
            db.execute(filled(delivery, **base, lane=1, sort="broadcast", broadcast_id=run))
            db.execute(filled(delivery, **base, lane=0, sort="reply", body={"text": "x"}))


def test_stop_cancels_her_waiting_broadcasts_and_nothing_else(stage: Stage) -> None:
    woman, other = stage.person(), stage.person()
    _waiting_broadcast(stage, woman, other)
    assert key_of(woman.does(settings.STOP)) == "stop.stopped"
    columns = "contact_id, sort, state, reason"
    rows = stage.rows(f"select {columns} from delivery where address_id is null order by id")
    assert rows == [
        (woman.contact_id, "broadcast", "cancelled", "stopped"),
        (woman.contact_id, "reply", "ready", None),
        (other.contact_id, "broadcast", "ready", None),
        (other.contact_id, "reply", "ready", None),
    ]
    stopped = dict(stage.rows("select id, stopped_at is not null from contact"))
    assert (stopped[woman.contact_id], stopped[other.contact_id]) == (1, 0)


def test_start_again_undoes_it(stage: Stage) -> None:
    woman = stage.person()
    woman.does(settings.STOP)
    woman.now = NOON + timedelta(days=1)
    assert key_of(woman.does(settings.START_AGAIN)) == "stop.started_again"
    assert stage.rows("select stopped_at from contact") == [(None,)]


def test_stop_asks_for_no_right() -> None:
    assert settings.STOP.needs is None


def test_the_language_is_kept_and_answered_in(stage: Stage) -> None:
    woman = stage.person()
    said = woman.plays(settings.LANGUAGE, Press("en"))
    assert said.text == ("set now",)
    assert woman.context().language == "en"
    assert woman.plays(settings.LANGUAGE, Press("vi")).text == ("set",)


def test_a_language_we_do_not_have_is_not_taken(stage: Stage) -> None:
    assert key_of(stage.person().plays(settings.LANGUAGE, "de")) == "turn.pick_one"


def openings(someone: Person) -> list[Any]:
    values: list[Any] = [choice.value for choice in someone.does(menu.MENU).choices]
    return [value["open"] for value in values]


def test_a_stranger_may_register_or_use_a_code(stage: Stage) -> None:
    assert openings(stage.person()) == ["register", "invitation", "my_data"]


def test_a_member_is_not_asked_to_register(stage: Stage) -> None:
    woman = stage.person()
    with stage.db() as db:
        member_id = members.add(db, stage.sealer, NewMember(woman.contact_id, "Siu Mai"), at=NOON)
        members.join(db, member_id, stage.units["boi"], since=TODAY)
    assert openings(woman) == ["results", "invitation", "my_data"]


@pytest.mark.parametrize(
    ("role", "unit", "expected"),
    [
        ("chi_hoi_truong", "boi", ["guided", "nil", "results", "my_data"]),
        (
            "chu_tich_xa",
            "chu_pah",
            ["guided", "nil", "waiting", "admit", "broadcast", "broadcasts", "results", "my_data"],
        ),
    ],
)
def test_an_officer_sees_what_her_role_allows(stage: Stage, role: str, unit: str, expected: list[str]) -> None:
    assert openings(stage.person("Ai đó", role=role, unit=unit)) == expected


def test_help_speaks_of_reports_only_to_those_who_report(stage: Stage) -> None:
    head = stage.person("Trưởng làng", role="chi_hoi_truong", unit="boi")
    assert "help.report" in repr(head.does(menu.HELP))
    assert "help.report" not in repr(stage.person().does(menu.HELP))
