"""One program beside two platforms: what a person began on one of them she finishes on the other."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.program import Program, free_port, write_config
from tests.fakes.telegram import fake_telegram
from tests.fakes.zalo import fake_zalo
from tests.operations.conftest import template as template

ROOT = Path(__file__).resolve().parents[2]


async def read_until(person: Any, words: str) -> Any:
    """Read her messages until one has these words in it."""
    while words not in (message := await person.next_message()).text:
        continue
    return message


@pytest.mark.slow
async def test_what_was_begun_on_telegram_is_finished_on_zalo_by_a_code(tmp_path: Path, template: Path) -> None:
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
        program = Program(tmp_path / "place", port, environment)
        await program.start()
        there, here = telegram.person(1001, "Mai"), zalo.person(2002, "Mai")
        await there.send_text("đăng ký")
        for _ in range(2):  # to the transfer abroad, then to the application itself
            await there.press(await read_until(there, "đồng ý"), "Đồng ý")
        await read_until(there, "Họ và tên")
        await there.send_text("Siu H'Mai")
        await read_until(there, "Ngày sinh")
        await there.send_text("mở web")
        link = (await read_until(there, "#ma=")).text
        code = re.search(r"#ma=([2-9A-HJ-NP-Z-]{19})", link)
        assert code is not None
        await here.send_text(f"mã {code[1]}")
        await read_until(here, "1. Nhận")
        await here.send_text("1")
        await read_until(here, "Ngày sinh")
        for words, then in (("1990", "chi hội nào"), ("làng Bối", "Số điện thoại"), ("bỏ qua", "Siu H'Mai")):
            await here.send_text(words)
            await read_until(here, then)
        await here.send_text("gửi đơn")
        assert "DK-" in (await read_until(here, "Đã nhận đơn")).text
        await program.stop()
        assert await telegram.halts() == []
