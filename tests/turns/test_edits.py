"""An edited message is a correction of what it became, never a second report."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import null, select, update

from storage.schema import inbox, report
from storage.sites import Place
from tests.turns.bureau import Bureau, bureau_in, photo

CARD = "Báo cáo của Chi hội làng Bối:"
TREES = ("TREES_PLANTED", "2026-11-22")
NEW = ("MEMBERS_NEW", "2026-11-22")


@pytest.fixture
async def bureau(tmp_path: Path, place: Place) -> AsyncIterator[Bureau]:
    async with bureau_in(tmp_path, place) as bureau:
        yield bureau


async def test_an_edit_of_a_message_that_still_waits_counts_in_its_place(bureau: Bureau) -> None:
    await bureau.takes_in("hôm qua trồng 150 cây", key="first")
    await bureau.takes_in("menu", key="second")
    await bureau.takes_in("hôm qua trồng 160 cây", key="edit 1", edits="first")
    await bureau.takes_in("hôm qua trồng 170 cây", key="edit 2", edits="first")
    said = await bureau.works()
    assert "170 cây" in said[0], "the order is that of the first messages"
    assert "Trợ lý Hội xin chào" in said[1]
    assert len(said) == 3, "the card is asked again after the menu; the edits themselves say nothing"
    await bureau.presses("Gửi")
    assert await bureau.reports() == [("submitted", [(*TREES, 170)], 0)]
    assert set(await bureau.states()) == {"done"}


async def test_an_edit_that_changes_nothing_says_nothing(bureau: Bureau) -> None:
    await bureau.hears("hôm qua trồng 150 cây", key="first")
    assert await bureau.hears("hôm qua trồng 150 cây ", key="edit", edits="first") == []
    await bureau.presses("Gửi")
    assert await bureau.hears("hôm qua trồng 150 cây", key="edit 2", edits="first") == []
    assert await bureau.hears("Hôm qua, trồng 150 cây.", key="edit 3", edits="first") == [], "a typo put right"


async def test_an_edit_replaces_the_draft_on_the_card(bureau: Bureau) -> None:
    await bureau.hears("hôm qua trồng 150 cây, kết nạp 3 hv", key="first", attachments=[photo("one")])
    (card,) = await bureau.hears("hôm qua trồng 160 cây", key="edit", edits="first", attachments=[photo("one")])
    assert card.startswith(CARD)
    assert "160 cây" in card
    assert "hội viên" not in card
    await bureau.presses("Gửi")
    assert await bureau.reports() == [("submitted", [(*TREES, 160)], 1)]


async def test_photos_added_to_the_draft_stay_with_it(bureau: Bureau) -> None:
    await bureau.hears("hôm qua trồng 150 cây", key="first")
    await bureau.hears(attachments=[photo("one")])
    await bureau.presses("Thêm ảnh")
    await bureau.hears(attachments=[photo("two")])
    (card,) = await bureau.hears("hôm qua trồng 160 cây", key="edit", edits="first")
    assert "Ảnh kèm theo: 2" in card


async def test_figures_added_to_the_draft_stay_with_it(bureau: Bureau) -> None:
    await bureau.hears("hôm qua trồng 150 cây", key="first")
    await bureau.hears("kết nạp 3 hv mới")
    (card,) = await bureau.hears("hôm qua trồng 160 cây", key="edit", edits="first")
    assert "160 cây" in card
    assert "3 người" in card


async def test_a_draft_that_was_set_aside_comes_back_as_edited(bureau: Bureau) -> None:
    await bureau.hears("hôm qua trồng 150 cây", key="first")
    await bureau.hears("báo cáo")
    await bureau.hears("trồng cây")
    (card,) = await bureau.hears("hôm qua trồng 160 cây", key="edit", edits="first")
    assert "160 cây" in card
    said = await bureau.presses("Gửi")
    assert "Trồng được bao nhiêu cây?" in said[-1], "the other one waits under it"


async def test_an_edit_after_sending_opens_a_correction_of_that_report_and_nothing_is_changed_before_she_sends_it(
    bureau: Bureau,
) -> None:
    await bureau.hears("hôm qua trồng 150 cây, kết nạp 3 hv", key="first")
    await bureau.presses("Gửi")
    await bureau.hears("hôm nay tặng 20 suất quà")
    await bureau.presses("Gửi")
    bureau.later(days=1)
    (card,) = await bureau.hears("hôm qua trồng 160 cây, kết nạp 3 hv", key="edit", edits="first")
    assert "160 cây (22/11/2026)" in card, "“hôm qua” is what it was when she wrote it"
    assert "Thay cho báo cáo BC-" in card
    assert (await bureau.reports())[0] == ("submitted", [(*TREES, 150), (*NEW, 3)], 0)
    await bureau.presses("Gửi")
    first, second = await bureau.reports()
    assert first == ("submitted", [(*TREES, 160), (*NEW, 3)], 0)
    assert second[1][0][2] == 20


async def test_what_is_no_longer_said_is_taken_out_and_what_is_new_comes_in(bureau: Bureau) -> None:
    await bureau.hears("hôm qua trồng 150 cây, kết nạp 3 hv", key="first")
    await bureau.presses("Gửi")
    await bureau.hears("hôm qua trồng 150 cây, tặng 20 suất quà", key="edit", edits="first")
    await bureau.presses("Gửi")
    ((_, figures, _),) = await bureau.reports()
    assert sorted(value for _, _, value in figures) == [20, 150]


async def test_a_second_edit_goes_on_from_the_first(bureau: Bureau) -> None:
    await bureau.hears("hôm qua trồng 150 cây, kết nạp 3 hv", key="first")
    await bureau.presses("Gửi")
    await bureau.hears("hôm qua trồng 160 cây", key="edit", edits="first")
    (card,) = await bureau.hears("hôm qua trồng 170 cây", key="edit 2", edits="first")
    assert "170 cây" in card
    assert "hội viên" not in card
    assert "Thay cho báo cáo BC-" in card
    await bureau.presses("Gửi")
    assert await bureau.reports() == [("submitted", [(*TREES, 170)], 0)]


async def test_an_edit_that_is_no_report_leaves_the_report_as_it_is(bureau: Bureau) -> None:
    await bureau.hears("hôm qua trồng 150 cây", key="first")
    await bureau.presses("Gửi")
    (said,) = await bureau.hears("xin lỗi, nhầm", key="edit", edits="first")
    assert said.startswith("Tin này đã gửi thành báo cáo BC-")
    await bureau.presses("Rút lại")
    await bureau.presses("Rút lại")
    assert [state for state, _, _ in await bureau.reports()] == ["withdrawn"]
    assert "không sửa được nữa" in (await bureau.hears("hôm qua trồng 9 cây", key="edit 2", edits="first"))[0]


async def test_an_edited_answer_is_to_be_typed_anew(bureau: Bureau) -> None:
    await bureau.hears("báo cáo")
    await bureau.hears("trồng cây", key="answer")
    said = await bureau.hears("tặng quà", key="edit", edits="answer")
    assert said[0].startswith("Trợ lý Hội không sửa lại được câu đã trả lời trước.")
    assert said[1] == "Trồng được bao nhiêu cây?"
    assert await bureau.hears("tặng quà", key="edit 2", edits="answer") == []


async def test_danger_told_in_an_edit_is_answered_at_once_and_kept_from_everybody(bureau: Bureau) -> None:
    await bureau.hears("hôm qua trồng 150 cây", key="first")
    (said,) = await bureau.hears("chồng đánh em", key="edit", edits="first")
    assert said.startswith("Trước hết là an toàn.")
    restricted = await bureau.db.read(lambda db: list(db.scalars(select(inbox.c.restricted).order_by(inbox.c.id))))
    assert restricted == [True, True], "its words stand with the first message too"


async def test_an_edit_of_what_was_said_in_danger_is_as_restricted(bureau: Bureau) -> None:
    await bureau.hears("chồng đánh em", key="first")
    await bureau.db.write(lambda db: db.execute(update(inbox).values(body=null())) and None)
    await bureau.hears("không có gì", key="edit", edits="first")
    assert await bureau.db.read(lambda db: list(db.scalars(select(inbox.c.restricted)))) == [True, True]


async def test_edits_that_come_out_of_order_end_as_the_latest(bureau: Bureau) -> None:
    await bureau.hears("hôm qua trồng 150 cây", key="first")
    bureau.later(minutes=2)
    await bureau.hears("hôm qua trồng 170 cây", key="edit 2", edits="first")
    bureau.now, later = bureau.now.replace(minute=31), bureau.now
    assert await bureau.hears("hôm qua trồng 160 cây", key="edit 1", edits="first") == []
    bureau.now = later
    await bureau.presses("Gửi")
    assert await bureau.reports() == [("submitted", [(*TREES, 170)], 0)]


async def test_an_edit_that_overtakes_its_message_makes_one_report_of_both(bureau: Bureau) -> None:
    await bureau.takes_in("hôm qua trồng 160 cây", key="edit", edits="first")
    await bureau.takes_in("hôm qua trồng 150 cây", key="first")
    (card,) = await bureau.works()
    assert "160 cây" in card
    assert await bureau.states() == ["done", "done"]
    (card,) = await bureau.hears("hôm qua trồng 170 cây", key="edit 2", edits="first")
    await bureau.presses("Gửi")
    assert await bureau.reports() == [("submitted", [(*TREES, 170)], 0)]


async def test_an_edit_of_a_message_that_never_came_stands_for_it(bureau: Bureau) -> None:
    (card,) = await bureau.hears("hôm qua trồng 160 cây", key="edit", edits="first")
    assert "160 cây" in card
    assert await bureau.hears("hôm qua trồng 150 cây", key="first") == []
    assert await bureau.hears("hôm qua trồng 160 cây", key="edit", edits="first") == [], "handed over once more"
    (card,) = await bureau.hears("hôm qua trồng 170 cây", key="edit 2", edits="first")
    await bureau.presses("Gửi")
    assert await bureau.reports() == [("submitted", [(*TREES, 170)], 0)]


async def test_nobody_edits_the_message_of_another(bureau: Bureau) -> None:
    await bureau.hears("hôm qua trồng 150 cây", key="first")
    await bureau.presses("Gửi")
    await bureau.hears("hôm qua trồng 999 cây", key="edit", edits="first", who="stranger")
    assert await bureau.reports() == [("submitted", [(*TREES, 150)], 0)]
    await bureau.takes_in("hôm qua trồng 999 cây", key="edit 2", edits="second", who="stranger")
    await bureau.takes_in("menu", key="second")
    assert (await bureau.works())[0].startswith("Trợ lý Hội xin chào")


async def test_an_edit_of_a_dead_letter_is_kept_with_it(bureau: Bureau) -> None:
    await bureau.hears("hôm qua trồng 150 cây", key="first")
    await bureau.db.write(lambda db: db.execute(update(inbox).values(state="dead")) and None)
    await bureau.hears("hôm qua trồng 160 cây", key="edit", edits="first")
    body = await bureau.db.read(lambda db: db.scalar(select(inbox.c.body).where(inbox.c.key == "first")))
    assert body is not None
    assert body["text"] == "hôm qua trồng 160 cây"


async def test_a_report_knows_the_message_it_was_written_in(bureau: Bureau) -> None:
    await bureau.hears("hôm qua trồng 150 cây", key="first")
    await bureau.presses("Gửi")
    await bureau.hears("tháng này không phát sinh", key="nil")
    await bureau.presses("Gửi")
    keys = select(inbox.c.key).join(report, report.c.inbox_id == inbox.c.id).order_by(report.c.id)
    assert await bureau.db.read(lambda db: list[Any](db.scalars(keys))) == ["first", "nil"]
