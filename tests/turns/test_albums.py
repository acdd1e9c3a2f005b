"""An album is one message: one report however its parts come, none of its photos lost, whenever we are killed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from storage import inbox as inbox_rows
from storage.schema import attachment, inbox
from storage.sites import Place
from tests.turns.bureau import Bureau, bureau_in, photo

TREES = ("TREES_PLANTED", "2026-11-22", 150)
CAPTION = "hôm qua trồng 150 cây"


@pytest.fixture
async def bureau(tmp_path: Path, place: Place) -> AsyncIterator[Bureau]:
    async with bureau_in(tmp_path, place) as bureau:
        yield bureau


async def part(bureau: Bureau, name: str, text: str = "", *, album: str = "album", key: str | None = None) -> None:
    await bureau.takes_in(text, key=key or f"part {name}", album=album, attachments=[photo(name)])


async def test_an_album_is_one_report_with_all_its_photos(bureau: Bureau) -> None:
    for name in ("one", "two", "three"):
        await part(bureau, name, CAPTION if name == "two" else "")
    assert await bureau.works() == [], "it waits for the rest"
    bureau.later(seconds=1.5)
    (card,) = await bureau.works()
    assert "150 cây" in card
    assert "Ảnh kèm theo: 3" in card
    assert await bureau.states() == ["done"] * 3
    await bureau.presses("Gửi")
    assert await bureau.reports() == [("submitted", [TREES], 3)]


async def test_what_was_written_after_the_album_waits_for_it(bureau: Bureau) -> None:
    await part(bureau, "one", CAPTION)
    await bureau.takes_in("menu")
    await part(bureau, "two")
    assert await bureau.works() == []
    bureau.later(seconds=2)
    said = await bureau.works()
    assert "Ảnh kèm theo: 2" in said[0]
    assert said[1].startswith("Trợ lý Hội xin chào")


@pytest.mark.parametrize("seed", range(6))
async def test_shuffled_late_and_repeated_parts_end_as_one_report(bureau: Bureau, seed: int) -> None:
    chance = random.Random(seed)
    parts = [(str(number), CAPTION if number == 0 else "") for number in range(5)]
    coming = [*parts, *chance.sample(parts, 3)]
    chance.shuffle(coming)
    for name, text in coming:
        await part(bureau, name, text)
        if chance.random() < 0.4:
            bureau.later(seconds=chance.choice((0.2, 1.6)))
            await bureau.works()
        if chance.random() < 0.2:
            bureau.open(f"process {name}")
    bureau.later(seconds=2)
    await bureau.works()
    await bureau.presses("Gửi")
    assert await bureau.reports() == [("submitted", [TREES], 5)]
    assert set(await bureau.states()) == {"done"}


async def test_photos_that_come_after_the_card_are_added_to_it(bureau: Bureau) -> None:
    await part(bureau, "one", CAPTION)
    bureau.later(seconds=2)
    await bureau.works()
    await bureau.presses("Thêm ảnh")
    await part(bureau, "two")
    await part(bureau, "three")
    bureau.later(seconds=2)
    (asked,) = await bureau.works()
    assert asked.startswith("Gửi ảnh vào đây"), "the question she was at"
    (card,) = await bureau.hears("bỏ qua")
    assert "Ảnh kèm theo: 3" in card


async def test_a_caption_that_comes_last_makes_the_report_of_all_photos(bureau: Bureau) -> None:
    await part(bureau, "one")
    bureau.later(seconds=2)
    assert (await bureau.works())[0].startswith("Đã nhận ảnh.")
    await part(bureau, "two", CAPTION)
    bureau.later(seconds=2)
    (card,) = await bureau.works()
    assert "Ảnh kèm theo: 2" in card
    assert "150 cây" in card


async def test_a_photo_that_comes_when_the_report_is_sent_is_added_while_nobody_decided(bureau: Bureau) -> None:
    await part(bureau, "one", CAPTION)
    bureau.later(seconds=2)
    await bureau.works()
    await bureau.presses("Gửi")
    await part(bureau, "two")
    bureau.later(seconds=2)
    (said,) = await bureau.works()
    assert said.startswith("Ảnh đến sau đã được thêm vào báo cáo BC-")
    assert await bureau.reports() == [("submitted", [TREES], 2)]


async def test_a_photo_that_comes_after_the_decision_is_refused_kindly(bureau: Bureau) -> None:
    await part(bureau, "one", CAPTION)
    bureau.later(seconds=2)
    await bureau.works()
    (receipt,) = await bureau.presses("Gửi")
    code = receipt.split()[4]
    await bureau.hears(f"mở {code}", who="chair")
    await bureau.hears("duyệt", who="chair")
    await bureau.said()
    await part(bureau, "two")
    bureau.later(seconds=2)
    (said,) = await bureau.works()
    assert "chưa được thêm" in said
    assert await bureau.reports() == [("approved", [TREES], 1)]


async def test_a_photo_that_comes_when_the_draft_is_gone_opens_nothing(bureau: Bureau) -> None:
    await part(bureau, "one", CAPTION)
    bureau.later(seconds=2)
    await bureau.works()
    await bureau.hears("hủy")
    await part(bureau, "two")
    bureau.later(seconds=2)
    (said,) = await bureau.works()
    assert said.startswith("Ảnh này đến muộn")


async def test_photos_sent_where_photos_are_asked_for_answer_the_question_late_ones_too(bureau: Bureau) -> None:
    await bureau.hears(CAPTION)
    await bureau.presses("Thêm ảnh")
    await part(bureau, "one")
    bureau.later(seconds=2)
    await bureau.works()
    await part(bureau, "two")
    bureau.later(seconds=2)
    (card,) = await bureau.works()
    assert "Ảnh kèm theo: 2" in card


async def test_a_part_that_cannot_be_read_is_answered_once_beside_the_rest(bureau: Bureau) -> None:
    await part(bureau, "one", CAPTION)
    await bureau.takes_in(album="album", unread="video")
    await bureau.takes_in(album="album", unread="video")
    bureau.later(seconds=2)
    said = await bureau.works()
    assert said[0].startswith("Trợ lý Hội chưa xem được video.")
    assert "Ảnh kèm theo: 1" in said[1]
    assert len(said) == 2


async def test_parts_go_to_their_own_album(bureau: Bureau) -> None:
    await part(bureau, "one", CAPTION, album="first")
    await part(bureau, "two", "hôm qua kết nạp 3 hv", album="second")
    await part(bureau, "three", album="first")
    bureau.later(seconds=2)
    said = await bureau.works()
    assert "Ảnh kèm theo: 2" in said[0]
    assert "Ảnh kèm theo: 3" in said[1], "figures said at the card are added to it, with their photos"


async def test_a_caption_edited_while_the_album_waits_counts(bureau: Bureau) -> None:
    await part(bureau, "one", "hôm qua trồng 15 cây")
    await part(bureau, "two")
    await bureau.takes_in(CAPTION, key="edit", edits="part one", album="album", attachments=[photo("one")])
    bureau.later(seconds=2)
    (card,) = await bureau.works()
    assert "150 cây" in card
    assert "Ảnh kèm theo: 2" in card
    await bureau.presses("Gửi")
    (card,) = await bureau.hears("hôm qua trồng 151 cây", key="edit 2", edits="part one")
    assert "151 cây" in card


async def test_an_album_left_by_a_dead_process_is_one_report(bureau: Bureau) -> None:
    await part(bureau, "one", CAPTION)
    await part(bureau, "two")
    bureau.open("second")
    await part(bureau, "three")
    bureau.later(seconds=2)
    running = asyncio.create_task(bureau.dispatcher.run())
    while "open" in await bureau.states():
        await asyncio.sleep(0)
    bureau.dispatcher.stop()
    await running
    assert len(await bureau.said()) == 1
    await bureau.presses("Gửi")
    assert await bureau.reports() == [("submitted", [TREES], 3)]


async def test_an_album_that_fails_is_one_dead_letter_for_her_and_whole_when_it_is_tried_again(bureau: Bureau) -> None:
    await part(bureau, "one", CAPTION)
    await part(bureau, "two")
    bodies = await bureau.db.read(lambda db: list(db.scalars(select(inbox.c.body).order_by(inbox.c.id))))
    await bureau.db.write(lambda db: db.execute(update(inbox).values(body={"attachments": [{"broken": 1}]})) and None)
    told: list[str] = []
    with capture_logs():  # written out in full they take most of a minute
        for _ in range(6):
            bureau.later(minutes=3)
            told += await bureau.works()
    assert len(told) == 1
    assert told[0].startswith("Trợ lý Hội đang gặp trục trặc")
    assert await bureau.states() == ["dead", "dead"]
    for number, body in enumerate(bodies, 1):
        await bureau.db.write(inbox_rows.rewrite, {number: body})
    await bureau.db.write(inbox_rows.replay, [1, 2])
    (card,) = await bureau.works()
    assert "Ảnh kèm theo: 2" in card


async def test_no_photo_is_kept_twice(bureau: Bureau) -> None:
    await part(bureau, "one", CAPTION)
    await part(bureau, "one", key="again")
    bureau.later(seconds=2)
    await bureau.works()
    await bureau.presses("Gửi")
    assert len(await bureau.db.read(lambda db: list(db.scalars(select(attachment.c.id))))) == 1
