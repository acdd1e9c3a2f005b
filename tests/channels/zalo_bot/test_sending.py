"""The way out: text and pictures as the platform takes them, and waits that grow."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

from bot.channels.base import NotSent, PictureRefused, Refused, TooManyRequests
from bot.channels.zalo_bot.settings import TEXT_LIMIT, capabilities_at
from bot.picture_links import LIFE, PictureLinks
from dialogue.fit import fit
from dialogue.messages import Button, Rendered
from tests.channels.conftest import free_port, now, outgoing
from tests.channels.zalo_bot.conftest import MakeLine
from tests.fakes.zalo import FakeZalo

CAN = capabilities_at(5, pictures=True)
NAME = "ab" * 32


def a_picture(folder: Path, name: str = f"{NAME}.jpg") -> Path:
    content = io.BytesIO()
    Image.new("RGB", (8, 8), "green").save(content, "JPEG")
    (folder / name).write_bytes(content.getvalue())
    return folder / name


async def test_a_text_arrives_and_its_id_is_returned(line: MakeLine, fake: FakeZalo) -> None:
    mai = fake.person(1001)
    async with line() as open_line:
        sent = await open_line.channel.send(outgoing("Xin chào", to=mai.id))
    message = await mai.next_message()
    assert (message.text, message.id) == ("Xin chào", sent)


async def test_marked_words_are_underlined_as_the_platform_counts_them(line: MakeLine, fake: FakeZalo) -> None:
    async with line() as open_line:
        message = outgoing("🌸 trồng 20 cây", to=fake.person(1001).id)
        marked = replace(message, rendered=replace(message.rendered, marks=((2, 14),)))
        await open_line.channel.send(marked)
    (said,) = await fake.messages()
    assert said.content["text_styles"] == [{"start": 3, "len": 12, "st": ["u"]}]


async def test_choices_are_numbers_under_the_text() -> None:
    (part,) = fit(Rendered("Chọn", (Button(1, "Đồng ý"), Button(2, "Không"))), CAN)
    assert part.text == "Chọn\n1. Đồng ý\n2. Không"
    assert part.buttons == ()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
async def test_a_long_text_is_cut_within_the_limit_whatever_form_it_has(
    line: MakeLine, fake: FakeZalo, form: Literal["NFC", "NFD"]
) -> None:
    mai = fake.person(1001)
    text = unicodedata.normalize(form, "Hội Liên hiệp Phụ nữ xã mời chị em dự sinh hoạt chi hội. 🌸 " * 90)
    async with line() as open_line:
        for part in fit(Rendered(text), CAN):
            await open_line.channel.send(outgoing(part.text, to=mai.id))
    parts = [message.text for message in await fake.messages()]
    assert len(parts) > 2
    assert all(len(part.encode("utf-16-le")) // 2 <= TEXT_LIMIT for part in parts)
    assert all(unicodedata.is_normalized("NFC", part) for part in parts)
    assert " ".join(parts).split() == unicodedata.normalize("NFC", text).split()


async def test_a_picture_goes_by_an_address_the_platform_fetches(
    line: MakeLine, fake: FakeZalo, tmp_path: Path
) -> None:
    mai, picture, port = fake.person(1001), a_picture(tmp_path), free_port()
    async with line(public_url=f"http://127.0.0.1:{port}/") as open_line:
        assert open_line.channel.capabilities.pictures
        app = web.Application()
        assert open_line.ports.links is not None
        app.router.add_routes(open_line.ports.links.routes())
        async with TestServer(app, port=port):
            await open_line.channel.send(outgoing("Ảnh họp", to=mai.id, picture=picture))
    message = await mai.next_message()
    assert message.text == "Ảnh họp"
    assert message.content["bytes"] == picture.stat().st_size


async def test_a_picture_that_is_not_fetched_is_told_from_other_refusals(
    line: MakeLine, fake: FakeZalo, tmp_path: Path
) -> None:
    async with line(public_url="http://127.0.0.1:9") as open_line:
        with pytest.raises(PictureRefused):
            await open_line.channel.send(outgoing("x", to=fake.person(1).id, picture=a_picture(tmp_path)))


async def test_waits_grow_until_something_is_taken(line: MakeLine, fake: FakeZalo) -> None:
    waits: list[float | None] = []
    async with line() as open_line:
        await fake.fault("quota", times=4)
        for _ in range(4):
            with pytest.raises(TooManyRequests) as told:
                await open_line.channel.send(outgoing("x", to=fake.person(1).id))
            waits.append(told.value.retry_after_s)
        troubles = [open_line.channel.trouble]
        await open_line.channel.send(outgoing("x", to=fake.person(1).id))
        troubles.append(open_line.channel.trouble)
    assert troubles == ["quota", None]
    assert waits == [30, 60, 120, 240]


async def test_a_picture_somebody_sent_is_fetched_and_nothing_from_elsewhere(line: MakeLine, fake: FakeZalo) -> None:
    await fake.person(1001).send_photo(b"\xff\xd8\xffanh")
    async with line() as open_line:
        await open_line.channel.listen()
        await fake.wait_confirmed()
        (body,) = open_line.ports.handed
        (file,) = body["files"]
        assert await open_line.channel.fetch(file["reference"]) == b"\xff\xd8\xffanh"
        await fake.order("forget_pictures")
        with pytest.raises(Refused):
            await open_line.channel.fetch(file["reference"])
        for place in (
            "http://169.254.169.254/x",
            "https://zdn.vn.example.com/x",
            "file:///etc/passwd",
            "http://a.zdn.vn",
        ):
            with pytest.raises(Refused):
                await open_line.channel.fetch(place)
        with pytest.raises(NotSent):
            await open_line.channel.fetch(f"http://127.0.0.1:{free_port()}/x")


# --- Links to pictures ---


async def test_a_link_gives_the_picture_for_a_week_and_nothing_to_who_guesses(tmp_path: Path) -> None:
    picture, at = a_picture(tmp_path), [now()]
    links = PictureLinks(tmp_path, "https://lantoa.example.vn/", key=b"k" * 32, clock=lambda: at[0])
    app = web.Application()
    app.router.add_routes(links.routes())
    path = links.url_of(picture.name).removeprefix("https://lantoa.example.vn")
    _, _, code, until, name = path.split("/")
    client: TestClient[web.Request, web.Application] = TestClient(TestServer(app))
    async with client:

        async def status(*parts: str) -> int:
            return (await client.get("/pictures/" + "/".join(parts))).status

        answer = await client.get(path)
        assert (answer.status, answer.content_type) == (200, "image/jpeg")
        assert await answer.read() == picture.read_bytes()
        assert await status("0" * 32, until, name) == 404
        assert await status(code, f"{int(until, 16) + 1:x}", name) == 404
        a_picture(tmp_path, other := "cd" * 32 + ".jpg")
        assert await status(code, until, other) == 404
        assert await status(code, until, "..%2F..%2Fetc%2Fpasswd") == 404
        assert await status("chị", "x" * 9, name) == 404
        at[0] += LIFE
        assert await status(code, until, name) == 200
        at[0] += timedelta(days=1)
        assert await status(code, until, name) == 404
        assert links.url_of(name) != path
        picture.unlink()
        assert (await client.get(links.url_of(name).removeprefix("https://lantoa.example.vn"))).status == 404


def test_a_link_is_the_same_for_a_day_and_at_every_start_and_differs_by_key(tmp_path: Path) -> None:
    at = now().replace(hour=1)

    def link(key: bytes, hours: int) -> str:
        clock = at + timedelta(hours=hours)
        return PictureLinks(tmp_path, "https://x.vn", key=key, clock=lambda: clock).url_of(f"{NAME}.jpg")

    assert link(b"k", 0) == link(b"k", 20)
    assert link(b"k", 0) != link(b"k", 24)
    assert link(b"k", 0) != link(b"other", 0)
