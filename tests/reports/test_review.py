"""Approving and returning: one decision stands, nobody decides on her own, no foreign unit is reached."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import select

from dialogue.messages import Reply, opening
from storage import reports
from storage.schema import audit
from tests.reports.stage import EVENING, Person, Stage, keys, names, sha, told


def send(head: Person, text: str = "trồng 150 cây", *photos: str) -> str:
    head.hears(text, *photos)
    return str(told(head.presses("report.send"), "report.receipt")["code"])


def opened(person: Person, code: str) -> list[Reply]:
    return person.hears(f"mở {code}")


def test_an_officer_opens_and_approves_and_the_author_hears_it(stage: Stage, head: Person, officer: Person) -> None:
    code = send(head)
    officer.presses("review.open")
    assert told(officer.replies, "review.case")["code"] == code
    officer.presses("review.approve")
    stored = stage.report(code)
    assert (stored.state, stored.decided_by) == ("approved", officer.contact_id)
    assert keys(head.replies)[-1] == "review.told_approved"


def test_returned_corrected_approved_replaces_the_figures_and_doubles_nothing(
    stage: Stage, head: Person, officer: Person
) -> None:
    code = send(head)
    opened(officer, code)
    officer.presses("review.return")
    officer.presses("review.reason.wrong_figure")
    assert stage.report(code).state == "returned"
    assert told(head.replies, "review.told_returned")["reason"].key == "review.reason.wrong_figure"
    head.presses("report.correct_and_send")
    head.hears("trồng 100 cây")
    head.presses("report.send")
    stored = stage.report(code)
    assert (stored.state, stored.version, stored.reason) == ("submitted", 2, None)
    assert keys(officer.replies)[-1] == "report.notice_corrected"
    officer.presses("review.open")
    officer.presses("review.approve")
    assert stage.report(code).state == "approved"
    assert stage.figures(code) == [("TREES_PLANTED", 150, True), ("TREES_PLANTED", 100, False)]


def test_a_reason_in_her_own_words_reaches_the_author(stage: Stage, head: Person, officer: Person) -> None:
    code = send(head)
    opened(officer, code)
    officer.presses("review.return")
    assert keys(officer.hears("x" * 501))[0] == "answer.too_long"
    officer.hears("Chụp lại ảnh cho rõ nhé")
    assert told(head.replies, "review.told_returned")["reason"] == "Chụp lại ảnh cho rõ nhé"


def test_the_second_of_two_officers_is_told_what_became_of_it(stage: Stage, head: Person, officer: Person) -> None:
    code = send(head)
    colleague = stage.person(("chu_tich_xa", "xa"))
    opened(officer, code)
    opened(colleague, code)
    officer.presses("review.approve")
    said = colleague.presses("review.approve")
    assert keys(said)[0] == "review.already"
    assert stage.report(code).decided_by == officer.contact_id


def test_of_many_officers_at_once_exactly_one_decides(stage: Stage, head: Person) -> None:
    code = send(head)
    officers = [stage.person(("can_bo_xa", "xa")).contact_id for _ in range(8)]
    together = Barrier(len(officers))

    def decide(officer_id: int) -> bool:
        together.wait()
        with stage.db() as db:
            return reports.decide(db, code, "approved", version=1, by=officer_id, at=EVENING)

    with ThreadPoolExecutor(len(officers)) as pool:
        decided = list(pool.map(decide, officers))
    assert decided.count(True) == 1
    assert stage.report(code).decided_by == officers[decided.index(True)]


def test_buttons_shown_before_a_correction_decide_nothing(stage: Stage, head: Person, officer: Person) -> None:
    code = send(head)
    opened(officer, code)
    head.presses("report.correct")
    head.hears("trồng 100 cây")
    head.presses("report.send")
    before = next(reply for reply in officer.replies if "review.case" in keys([reply]))
    said = officer.presses("review.approve", of=before)
    assert "review.case" in keys(said)
    assert stage.report(code).state == "submitted"
    officer.presses("review.approve", of=said[-1])
    assert stage.report(code).state == "approved"


def test_nobody_decides_on_her_own(stage: Stage, officer: Person) -> None:
    stage.person(("chu_tich_xa", "xa"))
    code = send(officer)
    assert keys(opened(officer, code)) == ["review.unknown"]
    with stage.db() as db:
        assert not reports.decide(db, code, "approved", version=1, by=officer.contact_id, at=EVENING)
    assert stage.report(code).state == "submitted"


def test_a_foreign_code_is_as_unknown_as_a_wrong_one(stage: Stage, head: Person) -> None:
    code = send(head)
    foreign = stage.person(("can_bo_xa", "xa2"))
    assert keys(opened(foreign, code)) == keys(opened(foreign, "BC-ZZZZ")) == ["review.unknown"]
    assert keys(foreign.hears("chờ duyệt")) == ["waiting.none"]


def test_an_officer_who_lost_her_post_decides_nothing(stage: Stage, head: Person, officer: Person) -> None:
    code = send(head)
    opened(officer, code)
    with stage.db() as db:
        db.exec_driver_sql(f"update appointment set valid_to = '2026-11-01' where contact_id = {officer.contact_id}")
    assert "review.approved" not in keys(officer.presses("review.approve"))
    assert stage.report(code).state == "submitted"


def test_what_waits_is_listed_page_by_page_oldest_first(stage: Stage, head: Person, officer: Person) -> None:
    codes = [send(head, f"trồng {number} cây") for number in range(10, 20)]
    officer.hears("chờ duyệt")
    assert told(officer.replies, "waiting.head")["count"] == 10
    assert names(officer.replies) == [*codes[:8], "waiting.more"]
    officer.presses("waiting.more")
    assert names(officer.replies) == codes[8:]


def test_photos_come_three_at_most_a_message_each_and_lead_back(stage: Stage, head: Person, officer: Person) -> None:
    code = send(head, "trồng 150 cây", "a.jpg", "b.jpg", "c.jpg", "d.jpg")
    opened(officer, code)
    said = officer.presses("review.photos")
    pictures = [reply.picture for reply in said if reply.picture]
    assert [picture.spec["sha256"] for picture in pictures] == [sha("a.jpg"), sha("b.jpg"), sha("c.jpg")]
    officer.presses("review.open_again")
    assert "review.approve" in names(officer.replies)


def test_who_may_not_approve_opens_nothing(stage: Stage, head: Person) -> None:
    code = send(head)
    assert "review.case" not in keys(opened(head, code))


def test_each_act_leaves_a_line_in_the_audit_trail(stage: Stage, head: Person, officer: Person) -> None:
    code = send(head)
    opened(officer, code)
    officer.presses("review.approve")
    with stage.db() as db:
        rows = list(db.execute(select(audit.c.act, audit.c.actor_id, audit.c.subject).order_by(audit.c.id)))
    assert [tuple(row) for row in rows] == [
        ("report.submitted", head.contact_id, f"report:{code}"),
        ("report.approved", officer.contact_id, f"report:{code}"),
    ]


def test_the_button_of_a_notice_carries_the_code(stage: Stage, head: Person, officer: Person) -> None:
    code = send(head)
    assert officer.replies[-1].choices == (opening("review", officer.replies[-1].choices[0].label, code=code),)
