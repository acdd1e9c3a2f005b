"""What a run remembers of its campaign, and what its counts cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, select, update

from storage import audiences, broadcasts, consents, contacts, deliveries
from storage.audiences import Audience, Size
from storage.schema import broadcast, delivery, membership
from storage.schema import campaign as campaign_table
from tests.sending.world import MORNING, Union, campaign, found_union, join, person, run, take, unit
from tests.tables import on_sqlite

TODAY = MORNING.date()


@contextmanager
def plans(db: Connection) -> Iterator[list[str]]:
    """Collect how the database goes about each statement inside."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        seen.append((statement, parameters))

    found: list[str] = []
    event.listen(db, "before_cursor_execute", note)
    yield found
    event.remove(db, "before_cursor_execute", note)
    for statement, parameters in seen:
        rows = db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        found += [row.detail for row in rows]


def chapter_of(db: Connection, union: Union, size: int) -> list[int]:
    people = [person(db) for _ in range(size)]
    for one in people:
        join(db, one, union.chapter)
    return people


def test_a_campaign_edited_later_changes_only_later_runs(db: Connection) -> None:
    campaign_id = campaign(db, found_union(db))
    first = broadcasts.start(db, campaign_id, None, at=MORNING)
    db.execute(update(campaign_table).values(texts={"vi": "Họp lúc 8h"}))
    second = broadcasts.start(db, campaign_id, None, at=MORNING)
    assert [dict(each.texts or {}) for each in (first, second)] == [{"vi": "Mời họp"}, {"vi": "Họp lúc 8h"}]
    assert (first.attachment_id, second.attachment_id) == (None, None)


@pytest.mark.parametrize("page", [1, 3, 1_000])
def test_the_audience_is_counted_while_it_is_frozen(db: Connection, page: int) -> None:
    union = found_union(db)
    chapter_of(db, union, 5)
    made = broadcasts.start(db, campaign(db, union), None, at=MORNING)
    while not broadcasts.freeze_page(db, made.id, at=MORNING, page=page):
        pass
    frozen = broadcasts.get(db, made.id)
    assert frozen is not None
    assert frozen.audience == 6
    assert deliveries.counts(db, made.id) == dict.fromkeys(deliveries.STATES, 0) | {"ready": 6}


def test_a_run_begun_before_audiences_were_counted_is_counted_on(db: Connection) -> None:
    union = found_union(db)
    chapter_of(db, union, 5)
    made = broadcasts.start(db, campaign(db, union), None, at=MORNING)
    broadcasts.freeze_page(db, made.id, at=MORNING, page=2)
    db.execute(update(broadcast).values(audience=None))
    while not broadcasts.freeze_page(db, made.id, at=MORNING, page=2):
        pass
    assert sum(deliveries.counts(db, made.id).values()) == 6


@on_sqlite  # whose plans do not depend on how many rows there are
def test_counts_look_at_no_row_of_a_recipient(db: Connection) -> None:
    union = found_union(db)
    chapter_of(db, union, 5)
    broadcast_id = run(db, campaign(db, union))
    take(db, many=2)
    db.execute(update(delivery).where(delivery.c.state == "ready", delivery.c.id > 4).values(state="failed"))
    with plans(db) as found:
        assert deliveries.counts(db, broadcast_id) == dict.fromkeys(deliveries.STATES, 0) | {
            "ready": 2,
            "sending": 2,
            "failed": 2,
        }
    of_deliveries = [line for line in found if "delivery" in line]
    assert len(of_deliveries) == 2
    assert any("COVERING INDEX ix_delivery_settled (broadcast_id=?)" in line for line in of_deliveries)
    assert any("ix_delivery_sending" in line for line in of_deliveries)


def test_danger_to_life_reaches_those_who_said_stop_and_nobody_who_was_erased(db: Connection) -> None:
    union = found_union(db)
    stopped, _ = chapter_of(db, union, 2)
    contacts.set_stopped(db, stopped, MORNING)
    everybody, willing = (Audience(union.commune, None, TODAY, is_alert=alert) for alert in (True, False))
    assert (audiences.size(db, everybody).people, audiences.size(db, willing).people) == (3, 2)
    broadcast_id = run(db, campaign(db, union, sort="alert"))
    rows = db.execute(select(delivery.c.contact_id, delivery.c.sort).where(delivery.c.broadcast_id == broadcast_id))
    assert {row.contact_id: row.sort for row in rows}[stopped] == "alert"


def test_a_large_audience_is_estimated_by_a_sample(db: Connection) -> None:
    union = found_union(db)
    chapter_of(db, union, 700)
    for _ in range(700):
        join(db, person(db), union.neighbour)
    who = Audience(union.commune, None, TODAY)
    assert audiences.size(db, who) == Size(701)
    assert audiences.size(db, who, most=100) == Size(1_000, is_exact=False)
    assert audiences.size(db, Audience(union.commune, "officer", TODAY), most=0) == Size(1)


@on_sqlite
def test_an_audience_is_estimated_without_going_through_all_contacts(db: Connection) -> None:
    union = found_union(db)
    chapter_of(db, union, 70)
    with plans(db) as found:
        audiences.size(db, Audience(union.commune, None, TODAY), most=10)
    assert not [line for line in found if line.startswith(("SCAN contact", "SCAN member", "SCAN appointment"))]


def test_stop_takes_away_what_waits_but_not_a_warning_of_danger(db: Connection) -> None:
    union = found_union(db)
    one, _ = chapter_of(db, union, 2)
    ordinary, alert = run(db, campaign(db, union)), run(db, campaign(db, union, key="a", sort="alert"))
    assert consents.stop_everything(db, one, at=MORNING) == 1
    rows = db.execute(select(delivery.c.broadcast_id, delivery.c.state).where(delivery.c.contact_id == one))
    assert {row.broadcast_id: row.state for row in rows} == {ordinary: "cancelled", alert: "ready"}


def test_a_small_audience_is_found_without_going_through_all_contacts(db: Connection) -> None:
    union = found_union(db)
    few = chapter_of(db, union, 2)
    elsewhere = unit(db, "nơi khác", None, "upper")
    for _ in range(30):
        join(db, person(db), elsewhere)
    made = broadcasts.start(db, campaign(db, union), None, at=MORNING)
    assert broadcasts.freeze_page(db, made.id, at=MORNING, page=5)
    assert set(db.scalars(select(delivery.c.contact_id))) == {union.officer, *few}


@on_sqlite
def test_pages_do_not_work_out_the_tree_again(db: Connection) -> None:
    union = found_union(db)
    chapter_of(db, union, 8)
    made = broadcasts.start(db, campaign(db, union), None, at=MORNING)
    broadcasts.freeze_page(db, made.id, at=MORNING, page=3)
    with plans(db) as found:
        broadcasts.freeze_page(db, made.id, at=MORNING, page=3)
    assert not [line for line in found if "unit_version" in line]
    assert not [line for line in found if line.startswith(("SCAN member", "SCAN contact", "SCAN appointment"))]


def test_the_longest_name_of_an_audience_is_known_and_an_empty_one_too(db: Connection) -> None:
    union = found_union(db)
    join(db, person(db, name="Rơ Châm H'Bia"), union.chapter)
    join(db, person(db, name="Một cái tên dài hơn nhiều"), union.neighbour)
    who = Audience(union.commune, None, TODAY)
    for most in (0, 100):  # looked up for each contact, and as a set
        assert audiences.longest_name(db, who, most=most) == "Rơ Châm H'Bia"
        assert audiences.longest_name(db, who, over=12, most=most) == "Rơ Châm H'Bia"
        assert audiences.longest_name(db, who, over=13, most=most) == ""
    assert not audiences.is_empty(db, who)
    db.execute(update(membership).values(valid_to=TODAY - timedelta(days=1)))
    assert audiences.is_empty(db, Audience(union.chapter, None, TODAY))
    assert audiences.longest_name(db, Audience(union.chapter, None, TODAY)) == ""
