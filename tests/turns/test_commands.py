"""Commands as platforms list them, and links that open a talk: they work in any language, in the middle of anything."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.book import command_of
from handlers import COMMANDS
from storage import campaigns, contacts
from storage.campaigns import NewCampaign
from storage.database import Connection
from storage.schema import campaign
from storage.sites import Place
from tests.turns.bureau import CHANNEL, HEAD, Bureau, bureau_in

TEXT = {"vi": "Mời họp chi hội tối thứ bảy.", "en": "Meeting on Saturday."}


@pytest.fixture
async def bureau(tmp_path: Path, place: Place) -> AsyncIterator[Bureau]:
    async with bureau_in(tmp_path, place) as bureau:
        yield bureau


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_every_listed_command_is_a_plain_word_with_a_short_description(bureau: Bureau, language: str) -> None:
    words = []
    for name in COMMANDS:
        command = command_of(name, bureau.desk.content.wording, language)
        assert command is not None, name
        assert re.fullmatch(r"[a-z0-9_]{1,32}", command[0])
        assert 3 <= len(command[1]) <= 100
        words.append(command[0])
    assert len(set(words)) == len(words)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("/baocao", "Báo cáo về việc gì?"),
        ("/report", "Báo cáo về việc gì?"),
        ("/BaoCao@LanToaBot", "Báo cáo về việc gì?"),
        ("/menu", "Trợ lý Hội xin chào."),
        ("/start", "Trợ lý Hội xin chào."),
        ("/start lạ", "Trợ lý Hội xin chào."),
        ("/dulieu", "Dữ liệu của tôi: muốn làm gì?"),
        ("/trogiup", "Có thể gõ hoặc bấm nút:"),
        ("/help", "Có thể gõ hoặc bấm nút:"),
        ("/dung", "Đã dừng."),
        ("/stop", "Đã dừng."),
        ("/ngonngu", "Chọn ngôn ngữ"),
    ],
)
async def test_a_command_opens_its_talk(bureau: Bureau, typed: str, read: str) -> None:
    assert (await bureau.hears(typed))[0].startswith(read)


async def test_help_as_a_command_helps_with_the_question_that_waits(bureau: Bureau) -> None:
    await bureau.hears("hôm qua trồng 150 cây")
    for typed in ("/trogiup", "/help"):
        (said,) = await bureau.hears(typed)
        assert said.startswith("Đây là báo cáo trước khi gửi.")


async def test_an_unknown_command_is_not_understood(bureau: Bureau) -> None:
    assert (await bureau.hears("/khongco"))[0] == "Trợ lý Hội chưa hiểu ý này."


async def shared(bureau: Bureau, *, linked: bool = True) -> str:
    def make(db: Connection) -> str:
        head = contacts.find_address(db, CHANNEL, HEAD)
        assert head is not None
        made, _ = campaigns.create(db, NewCampaign(head.contact_id, 1, None, TEXT, "wish"), at=bureau.now)
        if linked:
            db.execute(update(campaign).values(linked_at=bureau.now))
        return made.code

    return await bureau.db.write(make)


async def test_a_link_to_a_campaign_shows_its_text_whatever_is_open(bureau: Bureau) -> None:
    code = await shared(bureau)
    await bureau.hears("báo cáo")
    await bureau.hears("trồng cây")
    said = await bureau.hears(f"/start {code.lower()}")
    assert said == [TEXT["vi"], "Trồng được bao nhiêu cây?"]


async def test_a_stranger_is_offered_to_register(bureau: Bureau) -> None:
    code = await shared(bureau)
    await bureau.takes_in(f"/start {code}", who="stranger")
    await bureau.dispatcher.drain()
    bodies = await bureau.to("stranger")
    assert bodies[0]["text"] == TEXT["vi"]
    assert [button["label"] for button in bodies[0]["buttons"]] == ["Đăng ký gia nhập Hội", "Xem việc có thể làm"]


async def test_a_campaign_nobody_gave_out_is_answered_like_an_unknown_code(bureau: Bureau) -> None:
    code = await shared(bureau, linked=False)
    said = await bureau.hears(f"/start {code}")
    assert said == await bureau.hears("/start TN-ZZZZ")
    assert "họp" not in said[0]
