"""One program beside two platforms and the web chat: people on each of them are one conversation."""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.demo import ADDRESS, PLAYED_ON
from storage import contacts
from storage.opening import beside
from tests.acceptance.program import Phone, Program, free_port, line, write_config
from tests.fakes.telegram import FakeTelegram, fake_telegram
from tests.fakes.zalo import FakeZalo, fake_zalo
from tests.operations.conftest import template as template

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Place:
    """The program, not yet running, beside both platforms."""

    program: Program
    telegram: FakeTelegram
    zalo: FakeZalo

    def give_address(self, slug: str, channel: str, external_id: str) -> None:
        """Let a persona of the demonstration be reached on a channel."""
        with beside(self.program.folder / "var" / "lantoa.db") as db:
            known = contacts.find_address(db, PLAYED_ON, ADDRESS.format(slug=slug))
            assert known is not None
            contacts.add_address(db, known.contact_id, channel, external_id, at=datetime.now(UTC))


@pytest.fixture
async def place(tmp_path: Path, template: Path) -> AsyncIterator[Place]:
    write_config(tmp_path / "place", port := free_port(), ROOT / "content")
    shutil.copytree(template, tmp_path / "place" / "var")
    async with fake_telegram(per_private=None) as telegram, fake_zalo() as zalo:
        environment = {
            "LANTOA_CHANNELS__ALLOW_DEMO": "true",
            "LANTOA_CHANNELS__TELEGRAM__TOKEN": telegram.token,
            "LANTOA_CHANNELS__TELEGRAM__API_URL": telegram.url,
            "LANTOA_CHANNELS__ZALO_BOT__TOKEN": zalo.token,
            "LANTOA_CHANNELS__ZALO_BOT__API_URL": zalo.url,
        }
        yield Place(Program(tmp_path / "place", port, environment), telegram, zalo)
        assert await telegram.halts() == []


@asynccontextmanager
async def running(place: Place) -> AsyncIterator[None]:
    await place.program.start()
    try:
        yield
    finally:
        await place.program.stop()


async def read_until(person: Any, words: str) -> Any:
    """Read her messages until one has these words in it."""
    while words not in (message := await person.next_message()).text:
        continue
    return message


async def registers(person: Any, name: str, *, begun: bool = False) -> str:
    """Let her apply on Zalo, by numbers and words; return the code of her application."""
    steps = [("1990", "chi hội nào"), ("làng Bối", "Số điện thoại"), ("bỏ qua", name), ("1", "Đã nhận đơn")]
    if not begun:
        steps = [("đăng ký", "1. Đồng ý"), ("1", "Họ và tên"), (name, "Ngày sinh"), *steps]
    for words, then in steps:
        await person.send_text(words)
        told = await read_until(person, then)
    code = re.search(r"DK-\w{4}", told.text)
    assert code is not None
    return code[0]


@pytest.mark.slow
async def test_what_was_begun_on_telegram_is_finished_on_zalo_by_a_code(place: Place) -> None:
    there, here = place.telegram.person(1001, "Mai"), place.zalo.person(2002, "Mai")
    async with running(place):
        await there.send_text("đăng ký")
        for _ in range(2):  # to the transfer abroad, then to the application itself
            await there.press(await read_until(there, "đồng ý"), "Đồng ý")
        await read_until(there, "Họ và tên")
        await there.send_text("Siu H'Mai")
        await read_until(there, "Ngày sinh")
        await there.send_text("mở web")
        code = re.search(r"#ma=([2-9A-HJ-NP-Z-]{19})", (await read_until(there, "#ma=")).text)
        assert code is not None
        await here.send_text(f"mã {code[1]}")
        await read_until(here, "1. Nhận")
        await here.send_text("1")
        await read_until(here, "Ngày sinh")
        assert await registers(here, "Siu H'Mai", begun=True)


@pytest.mark.slow
async def test_a_member_on_zalo_a_head_on_telegram_and_an_officer_on_the_page_play_together(place: Place) -> None:
    member, head = place.zalo.person(2002, "Hoa"), place.telegram.person(1001, "H'Nhung")
    cookie = secrets.token_hex(32)
    place.give_address("truong-lang-boi", "telegram", str(head.id))
    place.give_address("can-bo-xa", PLAYED_ON, hashlib.sha256(cookie.encode()).hexdigest())
    async with running(place), line() as session:
        officer = Phone(session, f"{place.program.url}/chat", {"lantoa_visitor": cookie})
        await officer.open()
        await officer.send(text="menu")  # from now on she is told things here
        await officer.next_answer()
        application = await registers(member, "Lê Thị Hoa")
        await press(officer, application, "Mở đơn")
        await press(officer, "Lê Thị Hoa", "Kết nạp")
        await read_until(member, "Chúc mừng")
        await head.send_text("hôm nay trồng 31 cây")
        await head.press(await read_until(head, "31 cây"), "Gửi")
        report = re.search(r"BC-\w{4,8}", (await read_until(head, "Đã nhận báo cáo")).text)
        assert report is not None
        await press(officer, report[0], "Mở báo cáo")
        await press(officer, "31 cây", "Duyệt")
        approved = await read_until(head, report[0])
        assert "duyệt" in approved.text


async def press(officer: Phone, words: str, label: str) -> None:
    """Wait for a message with these words and this button, and press it."""

    def is_meant(message: dict[str, Any]) -> bool:
        return words in message["text"] and any(each["label"] == label for each in message["choices"])

    message = await officer.wait_for(is_meant)
    await officer.send(choice=next(each["value"] for each in message["choices"] if each["label"] == label))
