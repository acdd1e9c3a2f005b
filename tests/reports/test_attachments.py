"""Photos of reports, and targets: what storage promises of them."""

from __future__ import annotations

from figures.targets import Target, achieved_percent
from storage import attachments, targets
from storage.attachments import Kept
from tests.reports.stage import EVENING, Person, Stage, sha

ONE, TWO = sha("one"), sha("two")


def test_a_photo_waits_until_it_is_made_safe_and_is_settled_once(stage: Stage, head: Person) -> None:
    with stage.db() as db:
        (first,) = attachments.receive(db, [ONE, ONE], contact_id=head.contact_id, at=EVENING)
        assert [each.received_sha256 for each in attachments.waiting(db, most=5)] == [ONE]
        assert attachments.keep(db, Kept(first, TWO, 800, 600, 1000))
        assert not attachments.refuse(db, first, "picture.damaged")
        assert attachments.waiting(db, most=5) == []
        assert attachments.safe_copy(db, ONE) == attachments.safe_copy(db, TWO) == Kept(first, TWO, 800, 600, 1000)


def test_the_same_photo_sent_twice_is_made_safe_once_for_both(stage: Stage, head: Person) -> None:
    with stage.db() as db:
        first, second = (attachments.receive(db, [ONE], contact_id=head.contact_id, at=EVENING)[0] for _ in range(2))
        assert attachments.keep(db, Kept(first, TWO, 800, 600, 1000))
        assert not attachments.keep(db, Kept(second, TWO, 800, 600, 1000))
        attachments.receive(db, [ONE], contact_id=head.contact_id, at=EVENING)
        assert attachments.waiting(db, most=5) == []


def test_a_file_that_kills_the_helper_is_not_tried_for_ever(stage: Stage, head: Person) -> None:
    with stage.db() as db:
        (photo,) = attachments.receive(db, [ONE], contact_id=head.contact_id, at=EVENING)
        for _ in range(5):
            attachments.count_attempt(db, photo)
        (given_up,) = attachments.waiting(db, most=5)
        assert given_up.attempts == attachments.TRIES
        assert not attachments.is_settled(db, photo)
        assert attachments.refuse(db, photo, "picture.damaged")
        assert attachments.is_settled(db, photo)


def test_a_refused_photo_is_counted_and_shown_nowhere(stage: Stage, head: Person) -> None:
    head.hears("trồng 150 cây", "one", "two")
    head.presses("report.send")
    with stage.db() as db:
        first = attachments.waiting(db, most=1)[0]
        assert attachments.refuse(db, first.id, "picture.damaged")
    stored = stage.report(stage.codes()[0])
    assert stored.photos == 1
    with stage.db() as db:
        assert attachments.of_report(db, stored.id, most=5) == [TWO]
        assert [name for _, name, _ in attachments.all_names(db)] == [TWO]


def test_a_target_set_again_takes_the_place_of_the_earlier_one(stage: Stage) -> None:
    unit_id = stage.units["xa"]
    with stage.db() as db:
        for value in (5, 15):
            targets.put(db, Target("HH_5K3S_ACHIEVED", "2026", value, "NQ", value == 15), unit_id=unit_id)
        assert targets.of(db, "2026", unit_id=unit_id) == {
            "HH_5K3S_ACHIEVED": Target("HH_5K3S_ACHIEVED", "2026", 15, "NQ", True)
        }
        assert targets.of(db, "2025", unit_id=unit_id) == {}


def test_nearly_reached_is_not_reached_and_more_than_reached_is_not_cut() -> None:
    assert str(achieved_percent(4698, 5500)) == "85.4"
    assert str(achieved_percent(9999, 10000)) == "99.9"
    assert str(achieved_percent(123, 10)) == "1230.0"
    assert achieved_percent(3, 0) is None
