"""The chat page of the real program in Chromium at 360 px: a report with a photo, a line that goes and comes back."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import BrowserContext, FilePayload, Page, async_playwright, expect

from tests.acceptance.program import Program, free_port, write_config
from tests.page.conftest import ARGUMENTS, chromium

ROOT = Path(__file__).resolve().parents[2]
HEAD = "demo/truong-lang-boi/"
OFFICER = "demo/can-bo-xa/"

pytestmark = pytest.mark.browser


@asynccontextmanager
async def phone(url: str) -> AsyncIterator[BrowserContext]:
    """Yield a browser the size of an old phone."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        context = await browser.new_context(viewport={"width": 360, "height": 740}, locale="vi-VN", base_url=url)
        context.set_default_timeout(20_000)
        yield context
        await browser.close()


@asynccontextmanager
async def program(folder: Path) -> AsyncIterator[Program]:
    """Yield the real program on a fresh demonstration."""
    port = free_port()
    write_config(folder, port, ROOT / "content")
    running = Program(folder, port)
    await running.start()
    yield running
    assert await running.stop() < 5, "an idle program leaves within five seconds"


async def write(page: Page, text: str) -> None:
    """Type a message and send it."""
    await page.locator("#text").fill(text)
    await page.locator("#send").click()


async def press(page: Page, label: str) -> None:
    """Press the newest button of that name."""
    await page.locator("button.choice:not([disabled])").get_by_text(label, exact=True).last.click()


async def reads(page: Page, text: str) -> None:
    """Wait until the newest messages hold a text."""
    await expect(page.get_by_role("log")).to_contain_text(text, timeout=20_000)


def photo_with_place() -> bytes:
    """Return a JPEG that says where it was taken."""
    file = BytesIO()
    picture = Image.new("RGB", (800, 600), "seagreen")
    exif = picture.getexif()
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (14.0, 5.0, 30.0)
    picture.save(file, "JPEG", exif=exif)
    return file.getvalue()


async def test_a_report_with_a_photo_reaches_the_officer_and_her_approval_comes_back(tmp_path: Path) -> None:
    async with program(tmp_path) as running, phone(running.url) as browser:
        head, officer = await browser.new_page(), await browser.new_page()
        await head.goto(HEAD)
        await reads(head, "Trợ lý Hội xin chào")
        file: FilePayload = {"name": "cay.jpg", "mimeType": "image/jpeg", "buffer": photo_with_place()}
        await head.locator("input[type=file]").set_input_files(file)
        await expect(head.locator("#previews img")).to_have_count(1)
        await write(head, "hôm qua trồng 150 cây, kết nạp 3 hv")
        await reads(head, "150 cây")
        await press(head, "Gửi")
        await reads(head, "Đã nhận báo cáo BC-")
        await officer.goto(OFFICER)
        await reads(officer, "gửi báo cáo")
        await press(officer, "Mở báo cáo")
        await reads(officer, "150 cây")
        await press(officer, "Xem ảnh")
        await expect(officer.get_by_role("log").locator("img")).to_have_count(1, timeout=20_000)
        await press(officer, "Quay lại báo cáo")
        await press(officer, "Duyệt")
        await reads(head, "đã được duyệt")
    kept = list((tmp_path / "var" / "attachments").glob("*.jpg"))
    assert len(kept) == 1
    with Image.open(kept[0]) as picture:
        assert not picture.getexif(), "what is kept does not say where it was taken"


async def test_what_is_written_without_a_line_is_sent_once_when_it_is_back(tmp_path: Path) -> None:
    said = ["hôm nay trồng 31 cây", "menu", "trợ giúp"]
    async with program(tmp_path) as running, phone(running.url) as browser:
        page = await browser.new_page()
        await page.goto(HEAD)
        await reads(page, "Trợ lý Hội xin chào")
        await browser.set_offline(True)
        for text in said[:2]:
            await write(page, text)
        await reads(page, "chưa gửi")
        await running.kill()
        await write(page, said[2])
        await running.start()
        await browser.set_offline(False)
        await expect(page.locator(".me[data-state=sent]")).to_have_count(3, timeout=30_000)
        await reads(page, "Báo cáo của Chi hội làng Bối")
    with closing(sqlite3.connect(tmp_path / "var" / "lantoa.db")) as db:
        rows = db.execute("select json_extract(body, '$.text') from inbox order by id").fetchall()
    heard = [text for (text,) in rows if text != "/start"]
    assert heard == said
