"""What is no answer and asks nothing itself is answered in the middle of a talk, which waits on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from storage.schema import inbox
from storage.sites import Place
from tests.turns.bureau import Bureau, bureau_in

CARD = "Báo cáo của"


@pytest.fixture
async def bureau(tmp_path: Path, place: Place) -> AsyncIterator[Bureau]:
    async with bureau_in(tmp_path, place) as open_bureau:
        yield open_bureau


async def test_an_opinion_in_the_middle_of_a_report_keeps_the_draft_and_is_erased_soon(bureau: Bureau) -> None:
    await bureau.hears("hôm qua trồng 150 cây")
    said = await bureau.hears("bà con lo giá cà phê xuống quá", key="opinion")
    assert [text.startswith(CARD) for text in said] == [False, True]
    query = select(inbox.c.restricted).where(inbox.c.key.contains("opinion"))
    assert (await bureau.db.read(lambda db: db.scalars(query).all())) == [True]
    assert "BC-" in (await bureau.presses("Gửi"))[0]


async def test_a_question_in_the_middle_of_a_question_is_answered(bureau: Bureau) -> None:
    await bureau.hears("tặng 10 phần quà 2 triệu")
    said = await bureau.hears("tháng này được bao nhiêu hv mới rồi?")
    assert len(said) == 2
    assert "mỗi phần" in said[-1]


async def test_danger_in_the_middle_of_a_report_is_answered_first_and_the_draft_is_kept(bureau: Bureau) -> None:
    await bureau.hears("hôm qua trồng 150 cây")
    said = await bureau.hears("nhà bên cạnh chồng đang đánh vợ")
    assert "113" in said[0]
    assert "160" in (await bureau.hears("cây 160"))[0]
