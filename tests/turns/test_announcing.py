"""Words an officer writes for others may tell of a flood; a cry for help against violence is heard even there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.sites import Place
from tests.turns.bureau import Bureau, bureau_in


@pytest.fixture
async def bureau(tmp_path: Path, place: Place) -> AsyncIterator[Bureau]:
    async with bureau_in(tmp_path, place) as bureau:
        yield bureau


FLOOD = "Nước lũ đang lên nhanh, mời bà con lên nhà rông ngay, cần cứu thì gọi 114."


async def says(bureau: Bureau, text: str) -> str:
    await bureau.hears(text, who="chair")
    return str((await bureau.to("chair"))[-1]["text"])


async def test_a_flood_in_an_announcement_is_its_text_and_no_call_for_help(bureau: Bureau) -> None:
    await says(bureau, "gửi tin")
    assert (await says(bureau, FLOOD)).startswith("Có gửi kèm ảnh không?")


async def test_outside_of_it_the_same_words_are_a_call_for_help(bureau: Bureau) -> None:
    assert "114" in await says(bureau, FLOOD)


async def test_violence_is_answered_with_help_whatever_she_is_writing(bureau: Bureau) -> None:
    await says(bureau, "gửi tin")
    assert "1900 96 96 80" in await says(bureau, "cứu em với, chồng đánh em")
