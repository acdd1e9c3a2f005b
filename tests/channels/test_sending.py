"""What the channel hands over, as the platform's own ledger has it."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from bot.channels.base import ContentError, Moved, NotSent, Refused, TooManyRequests, Unclear, Unreachable
from bot.channels.telegram.outgoing import keyboard
from bot.channels.telegram.settings import capabilities_at
from bot.received import MAX_BYTES
from dialogue.messages import Button, Pace
from storage import channel_accounts, halts, sent_files
from storage.database import Database
from tests.channels.conftest import MakeLine, now, outgoing
from tests.fakes.telegram import FakeTelegram


def _drawn() -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(drawn, "JPEG")
    return drawn.getvalue()


PICTURE = _drawn()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "0f1e.jpg"
    path.write_bytes(PICTURE)
    return path


async def test_a_text_arrives_as_it_is_with_its_buttons(line: MakeLine, fake: FakeTelegram) -> None:
    text = "*Chào* <b>chị</b> _Mai_ & [x](y) https://example.org"
    async with line() as open_line:
        message_id = await open_line.channel.send(outgoing(text, "Đồng ý", "Không", "Để khi khác tôi trả lời sau"))
    (message,) = await fake.messages()
    assert message.text == text
    assert str(message.message_id) == message_id
    assert [(button.text, button.data, button.row) for button in message.buttons] == [
        ("Đồng ý", "7.0", 0),
        ("Không", "7.1", 0),
        ("Để khi khác tôi trả lời sau", "7.2", 1),
    ]


async def test_marked_words_are_underlined_where_the_platform_counts_them(line: MakeLine, fake: FakeTelegram) -> None:
    text = "😀😀 “trồng 5 cây 🌳, hv 3”"
    marks = tuple((text.index(words), text.index(words) + len(words)) for words in ("trồng 5 cây 🌳", "hv 3"))
    message = outgoing(text)
    async with line() as open_line:
        await open_line.channel.send(replace(message, rendered=replace(message.rendered, marks=marks)))
    (shown,) = await fake.messages()
    in_units = text.encode("utf-16-le")
    entities = shown.content["entities"]
    assert [entity["type"] for entity in entities] == ["underline", "underline"]
    spans = [(2 * entity["offset"], 2 * (entity["offset"] + entity["length"])) for entity in entities]
    assert [in_units[start:end].decode("utf-16-le") for start, end in spans] == ["trồng 5 cây 🌳", "hv 3"]


def test_short_buttons_share_a_line_by_twos_and_a_long_one_stands_alone() -> None:
    labels = ["Có", "Không", "Bỏ qua", "Tôi muốn xem kết quả của xã", "Quay lại", "Hủy"]
    shown = keyboard(12, [Button(label, label) for label in labels])
    assert shown is not None
    assert [[button["text"] for button in row] for row in shown["inline_keyboard"]] == [
        ["Có", "Không"],
        ["Bỏ qua"],
        ["Tôi muốn xem kết quả của xã"],
        ["Quay lại", "Hủy"],
    ]
    assert keyboard(12, []) is None


async def test_a_picture_goes_up_once_however_many_want_it(line: MakeLine, fake: FakeTelegram, picture: Path) -> None:
    await fake.lift_limits()
    async with line() as open_line:
        await asyncio.gather(
            *(open_line.channel.send(outgoing("Ảnh", to=2000 + n, picture=picture)) for n in range(40))
        )
        messages = await fake.messages()
        assert len(messages) == 40
        assert len({message.file_id for message in messages}) == 1
        calls = [call for call in await fake.calls() if call.method == "sendPhoto"]
        assert len(calls) == 40
        bot_id = fake.token.partition(":")[0]
        stored = await open_line.db.read(sent_files.get, "telegram", bot_id, picture.name)
    async with line() as again:
        await again.channel.send(outgoing("Ảnh", to=1, picture=picture))
    assert stored is not None
    assert (await fake.messages(1))[0].file_id == messages[0].file_id


async def test_a_picture_the_platform_forgot_goes_up_again(line: MakeLine, fake: FakeTelegram, picture: Path) -> None:
    async with line() as open_line:
        await open_line.channel.send(outgoing("Một", "Có", picture=picture))
        await fake.forget_files()
        await asyncio.gather(*(open_line.channel.send(outgoing("Hai", to=50 + n, picture=picture)) for n in range(3)))
    first, *later = await fake.messages()
    assert len(later) == 3
    assert {message.file_id for message in later}.isdisjoint({first.file_id})
    assert len({message.file_id for message in later}) == 1
    assert first.labels == ["Có"]


async def test_a_picture_that_is_not_on_the_disk_was_not_sent(
    line: MakeLine, fake: FakeTelegram, tmp_path: Path
) -> None:
    async with line() as open_line:
        with pytest.raises(NotSent):
            await open_line.channel.send(outgoing("Ảnh", picture=tmp_path / "gone.jpg"))
    assert await fake.messages() == []


async def test_a_message_of_ours_is_changed_and_taken_away(line: MakeLine, fake: FakeTelegram) -> None:
    async with line() as open_line:
        send = open_line.channel.send
        one, two = await send(outgoing("Một")), await send(outgoing("Hai", "Dừng"))
        assert await send(outgoing("Hai, 50 %", "Dừng", delivery_id=8, edits=(two,))) == two
        assert await send(outgoing("Hai, 50 %", "Dừng", delivery_id=8, edits=(two,))) == two  # nothing changed: good
        first, second = await fake.messages()
        assert (second.text, second.buttons[0].data) == ("Hai, 50 %", "8.0")
        assert await send(outgoing("", edits=(one, two), erases=True)) == f"{one} {two}"
        assert all(message.deleted_at for message in await fake.messages())
        assert await send(outgoing("", edits=(one,), erases=True)) == one  # gone already: good
        with pytest.raises(Refused) as caught:
            await send(outgoing("Ba", edits=(two,)))
        assert caught.value.reason == "gone"
        assert first.text == "Một"


@pytest.mark.parametrize(
    ("trouble", "kind", "reason"),
    [
        ("blocked", Unreachable, "blocked"),
        ("chat_not_found", Unreachable, "no_such_chat"),
        ("too_long", ContentError, "too_long"),
        ("cannot_parse", ContentError, "content"),
        ("server_error", Unclear, "server_error"),
    ],
)
async def test_a_refusal_leaves_as_what_it_means(
    line: MakeLine, fake: FakeTelegram, trouble: str, kind: type[Exception], reason: str
) -> None:
    async with line() as open_line:
        await fake.trouble(1001, trouble)
        with pytest.raises(kind) as caught:
            await open_line.channel.send(outgoing())
    assert caught.value.args == (reason,)


async def test_a_lost_answer_is_an_open_question(line: MakeLine, fake: FakeTelegram) -> None:
    async with line() as open_line:
        for kind in ("reset", "cut", "garbage"):
            await fake.fault(kind, accepted=True, times=1)
            with pytest.raises(Unclear):
                await open_line.channel.send(outgoing(kind))
    assert len(await fake.messages()) == 3


async def test_a_group_that_moved_tells_where_to(line: MakeLine, fake: FakeTelegram) -> None:
    mai, group = fake.person(1001), fake.group(-500)
    async with line() as open_line:
        moved = await group.migrate(mai, -1000000000500)
        with pytest.raises(Moved) as caught:
            await open_line.channel.send(outgoing(to=-500))
        assert caught.value.external_id == str(moved.id)
        await open_line.channel.send(outgoing(to=moved.id))
        assert open_line.channel.is_group("-500")
        assert not open_line.channel.is_group("1001")


async def test_told_to_wait_the_channel_fetches_nothing_either(line: MakeLine, fake: FakeTelegram) -> None:
    async with line() as open_line:
        await fake.fault("too_many_requests", retry_after_s=7, times=1)
        with pytest.raises(TooManyRequests) as caught:
            await open_line.channel.send(outgoing())
        assert caught.value.retry_after_s == 7
        with pytest.raises(NotSent):
            await open_line.channel.fetch("any")
    assert [call.method for call in await fake.calls()] == ["sendMessage"]


async def test_a_wait_of_an_earlier_run_is_kept(line: MakeLine, fake: FakeTelegram) -> None:
    async with line() as open_line:
        db = open_line.db
    await db.write(halts.halt, "telegram", now() + timedelta(hours=1))
    async with line() as again:
        await again.channel.listen()
        with pytest.raises(NotSent):
            await again.channel.fetch("any")
    assert await fake.calls() == []


async def test_an_address_that_is_no_number_is_dead(line: MakeLine) -> None:
    async with line() as open_line:
        with pytest.raises(Unreachable):
            await open_line.channel.send(outgoing(to="Mai"))


# --- Files people sent ---


async def test_a_file_is_fetched_from_the_platform(line: MakeLine, fake: FakeTelegram) -> None:
    mai = fake.person(1001)
    async with line() as open_line:
        await open_line.channel.listen()
        await mai.send_document(PICTURE, "anh.jpg", "image/jpeg")
        await fake.wait_confirmed()
        (body,) = open_line.ports.handed
        (file,) = body["files"]
        assert body["attachments"][0]["sha256"] == file["name"]
        assert await open_line.channel.fetch(file["reference"]) == PICTURE
        with pytest.raises(Refused):
            await open_line.channel.fetch("no such file")
        await fake.fault("server_error", methods=["getFile"], times=1)
        with pytest.raises(NotSent):
            await open_line.channel.fetch(file["reference"])


async def test_a_photo_too_large_for_us_is_named_and_not_fetched(line: MakeLine, fake: FakeTelegram) -> None:
    mai = fake.person(1001)
    async with line() as open_line:
        await open_line.channel.listen()
        await mai.send_document(b"x", "a.jpg", "image/jpeg", size=MAX_BYTES + 1)
        await fake.wait_confirmed()
        (row,) = await open_line.inbox()
    assert row["body"] == {"text": "", "unread": "large_photo"}


# --- Who we are, and what we can ---


async def test_the_name_is_learnt_kept_and_stands_in_links(line: MakeLine, fake: FakeTelegram) -> None:
    bot_id = fake.token.partition(":")[0]
    async with line() as open_line:
        assert open_line.channel.link("abc") is None
        await open_line.channel.listen()
        account = await _until_named(open_line.db, bot_id)
        link = open_line.channel.link("7K3M-Q9RT-ABC2-DEFG")
        assert link == f"https://t.me/{account.name}?start=7K3M-Q9RT-ABC2-DEFG"
        assert open_line.channel.link("mã mời") is None
    async with line() as again:
        assert again.channel.link("x") is not None


async def _until_named(db: Database, bot_id: str) -> channel_accounts.Account:
    async with asyncio.timeout(5):
        while True:
            account = await db.read(channel_accounts.get, "telegram")
            if account is not None and account.name:
                assert account.bot_id == bot_id
                return account
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("rate_per_s", "window"), [(1, 8), (30, 8), (100, 16), (1000, 110)])
def test_what_may_be_in_doubt_grows_with_the_rate(rate_per_s: float, window: int) -> None:
    can = capabilities_at(rate_per_s)
    assert (can.window, can.rate_per_s) == (window, rate_per_s)
    assert (can.per_chat, can.per_group) == (Pace(1, 1.0), Pace(20, 60.0))
    assert (can.text_limit, can.caption_limit, can.text_unit) == (4096, 1024, "utf16")
    assert can.data_abroad
    assert can.edits_messages
    assert can.erases_messages
    assert not can.repeatable
