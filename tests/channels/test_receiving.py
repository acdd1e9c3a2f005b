"""What is done with updates whichever way they came: presses, what cannot be taken, silence."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot import dead
from bot.channels.base import TooManyRequests
from bot.channels.telegram.channel import Telegram
from bot.channels.telegram.names import NAME
from bot.channels.telegram.settings import Settings
from bot.intake import MAX_TEXT_CHARS, Intake
from bot.ports.telegram import TelegramPorts
from dialogue.text import Wording
from handlers.content import Content
from storage import channel_accounts, contacts
from storage.database import Database
from storage.inbox import MOST_WAITING
from tests.channels.conftest import Line, MakeLine, now, outgoing
from tests.channels.waiting import Unwilling, deliveries_to, texts, until
from tests.fakes.telegram import FakeTelegram


async def test_a_press_is_answered_once_it_is_kept(line: MakeLine, fake: FakeTelegram) -> None:
    mai = fake.person(1001)
    async with line() as open_line:
        await open_line.channel.listen()
        await open_line.channel.send(outgoing("Chọn", "Có", "Không"))
        press = await mai.press(await mai.next_message(), "Không")
        assert await fake.answer_to(press) is not None
        (row,) = await open_line.inbox()
        assert row["body"]["pressed"] == "7.1"
        stale = await mai.press((await fake.messages())[0], "Có", stale=True)
        await fake.wait_confirmed()
        await until(lambda: _count(open_line, 2))
        assert stale.query_id
        assert open_line.channel.trouble is None


async def _count(open_line: Line, count: int) -> bool:
    return len(await open_line.inbox()) == count


async def test_no_press_is_answered_while_the_platform_wants_quiet(line: MakeLine, fake: FakeTelegram) -> None:
    mai = fake.person(1001)
    async with line() as open_line:
        await open_line.channel.listen()
        await open_line.channel.send(outgoing("Chọn", "Có"))
        shown = await mai.next_message()
        await fake.fault("too_many_requests", retry_after_s=30, times=1)
        with pytest.raises(TooManyRequests):
            await open_line.channel.send(outgoing("Nữa"))
        await mai.press(shown, "Có")
        await fake.wait_confirmed()
        await until(lambda: _count(open_line, 1))
    assert [call.method for call in await fake.in_halts() if call.method != "getUpdates"] == []


async def test_a_text_beyond_all_measure_is_not_kept_and_she_is_told(line: MakeLine, fake: FakeTelegram) -> None:
    mai = fake.person(1001)
    async with line() as open_line:
        await open_line.channel.listen()
        await mai.send_text("x" * (MAX_TEXT_CHARS + 1))
        await mai.send_text("ngắn")
        await fake.wait_confirmed()
        assert texts(await open_line.inbox()) == ["ngắn"]
        (said,) = await open_line.db.read(deliveries_to(1001))
    assert "ngắn hơn" in said


async def test_a_flood_of_one_person_is_cut_told_once_and_hinders_nobody(line: MakeLine, fake: FakeTelegram) -> None:
    mai, lan = fake.person(1001), fake.person(1002)
    await fake.send_many([(mai, f"{n}") for n in range(MOST_WAITING + 30)] + [(lan, "tôi")])
    async with line() as open_line:
        await open_line.channel.listen()
        await fake.wait_confirmed()
        rows = await open_line.inbox()
        told = await open_line.db.read(deliveries_to(1001))
    assert [row["external_id"] for row in rows].count("1001") == MOST_WAITING
    assert [row["external_id"] for row in rows].count("1002") == 1
    assert len(told) == 1


async def test_what_nobody_can_read_becomes_a_dead_letter_and_the_next_is_taken(
    line: MakeLine, fake: FakeTelegram
) -> None:
    strange = {"message_id": "seven", "chat": {"id": 1001, "type": "private"}, "date": "yesterday", "text": 5}
    async with line() as open_line:
        await open_line.channel.listen()
        await fake.tell("message", strange, 1001)
        await fake.person(1001).send_text("đọc được")
        await fake.wait_confirmed()
        dead, good = await open_line.inbox()
    assert (dead["state"], dead["reason"], dead["external_id"]) == ("dead", "unreadable", "1001")
    assert json.loads(dead["body"]["raw"])["message"] == strange
    assert not dead["restricted"]
    assert good["body"]["text"] == "đọc được"


async def test_what_our_own_fault_keeps_out_is_kept_aside_and_hinders_nobody(
    line: MakeLine, fake: FakeTelegram
) -> None:
    class Faulty(Unwilling):
        async def write_each(self, fn: Any, item: Any) -> Any:
            if item.body["text"] == "hỏng":
                raise ValueError("a fault of ours")
            return await self._db.write_each(fn, item)

    async with line() as plain:
        db = plain.db
    await fake.send_many([(fake.person(1001 + number), text) for number, text in enumerate(["một", "hỏng", "hai"])])
    async with line(db=Faulty(db, 0)) as open_line:
        await open_line.channel.listen()
        await fake.wait_confirmed()
        async with asyncio.timeout(20):
            while len(rows := await open_line.inbox()) < 3:
                continue
    assert sorted((row["state"], row["external_id"]) for row in rows) == [
        ("dead", "1002"),
        ("open", "1001"),
        ("open", "1003"),
    ]


async def test_an_unreadable_call_for_help_is_erased_within_a_day(line: MakeLine, fake: FakeTelegram) -> None:
    strange = {"message_id": None, "chat": {"id": 1001, "type": "private"}, "text": "chồng đánh em, cứu em với"}
    async with line() as open_line:
        await open_line.channel.listen()
        await fake.tell("message", strange, 1001)
        await fake.wait_confirmed()
        (dead,) = await open_line.inbox()
    assert dead["restricted"]


async def test_a_group_that_moves_keeps_its_address(line: MakeLine, fake: FakeTelegram) -> None:
    mai, group = fake.person(1001), fake.group(-500)
    async with line() as open_line:
        await open_line.channel.listen()
        await group.message(mai, "/start")
        await fake.wait_confirmed()
        before = await open_line.db.read(contacts.find_address, "telegram", "-500")
        moved = await group.migrate(mai, -1000000000500)
        await fake.wait_confirmed()
        after = await open_line.db.read(contacts.find_address, "telegram", str(moved.id))
    assert before is not None
    assert after is not None
    assert before.id == after.id


async def test_hearing_is_stored_once_a_minute_at_most(line: MakeLine) -> None:
    async with line() as open_line:
        await open_line.ports.heard()
        stored = await open_line.db.read(channel_accounts.get, "telegram")
        await open_line.ports.heard()
        again = await open_line.db.read(channel_accounts.get, "telegram")
    assert stored is not None
    assert stored.heard_at is not None
    assert now() - stored.heard_at < timedelta(seconds=5)
    assert stored == again


async def test_an_unreadable_update_goes_to_work_once_it_can_be_read(line: MakeLine, fake: FakeTelegram) -> None:
    async with line() as open_line:
        ports, chat = open_line.ports, {"id": 1001, "type": "private"}
        good = {"message_id": 1, "date": 1764000000, "chat": chat, "text": "\u1ea4m"}
        for number, message in enumerate(({**good, "date": "x"}, good)):
            await ports.keep_unreadable("1001", f"k{number}", json.dumps({"update_id": 1, "message": message}))
        ids = [row["id"] for row in await open_line.inbox()]
        assert await open_line.db.write(dead.replay, ids) == 1
        still, put_back = await open_line.inbox()
    assert (still["state"], still["reason"]) == ("dead", "unreadable")
    assert (put_back["state"], put_back["reason"], put_back["body"]) == ("open", None, {"text": "Ấm"})
    assert put_back["sent_at"] == datetime(2025, 11, 24, 16, 0, tzinfo=UTC)


def test_every_command_has_a_word_the_platform_takes(content: Content) -> None:
    for language in content.wording.languages:
        for key in (key for key in content.wording.languages["vi"] if key.startswith("command.")):
            word, between, purpose = content.wording.sentence(key, language).partition("|")
            assert re.fullmatch(r"[a-z0-9_]{1,32}", word.strip()), key
            assert between
            assert 1 <= len(purpose.strip()) <= 256


async def test_commands_are_set_in_every_language(database: Database, fake: FakeTelegram, content: Content) -> None:
    sentences = {
        "vi": {"command.menu": "menu | Xem việc có thể làm"},
        "en": {"command.menu": "menu | See what I can do"},
    }
    languages = {name: {**_without_commands(content, name), **more} for name, more in sentences.items()}
    intake = Intake(database, "test", "vi", now, lambda _channel, _seconds: None)
    worded = replace(content, wording=Wording(languages))
    ports = TelegramPorts(name=NAME, db=database, intake=intake, content=worded, clock=now)
    channel = Telegram(ports, Settings(fake.token, fake.url, poll_s=5), now=now)
    await channel.start()
    await channel.listen()

    async def found() -> list[Any]:
        kept = (await fake.bot())["kept"]
        return [commands for commands in kept.values() if commands]

    both = await until(lambda: _if(found, lambda kept: len(kept) == 2))
    await channel.hush()
    await channel.stop()
    assert {command["description"] for commands in both for command in commands} == {
        "Xem việc có thể làm",
        "See what I can do",
    }


def _without_commands(content: Content, language: str) -> dict[str, str]:
    sentences = content.wording.languages[language]
    return {key: words for key, words in sentences.items() if not key.startswith("command.")}


async def _if(found: Callable[[], Any], is_wanted: Callable[[Any], bool]) -> Any:
    value = await found()
    return value if is_wanted(value) else None
