"""The channel's settings, what the commands say of it, and the real program beside the fake platform."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot import dead
from bot.channels.zalo_bot.channel import ZaloBot
from bot.channels.zalo_bot.names import NAME
from bot.config import Config, load
from bot.demo import ADDRESS
from bot.intake import Intake
from bot.platforms import zalo_bot
from handlers.content import Content
from storage import channel_accounts, contacts, installation
from storage.database import Database
from storage.opening import beside
from storage.sealing import Keys
from tests.acceptance.program import Program, write_config
from tests.channels.conftest import ROOT, free_port, now
from tests.channels.test_program import health
from tests.channels.test_settings import checked
from tests.channels.zalo_bot.conftest import MakeLine
from tests.fakes.zalo import TOKEN, FakeZalo
from tests.operations.conftest import Lantoa
from tests.operations.conftest import config as config
from tests.operations.conftest import demo as demo
from tests.operations.conftest import lantoa as lantoa
from tests.operations.conftest import program as program
from tests.operations.conftest import template as template
from tests.operations.test_config import mistakes, written

PREFIX = "LANTOA_CHANNELS__ZALO_BOT__"
TOKEN_NAME, MODE_NAME, URL_NAME = f"{PREFIX}TOKEN", f"{PREFIX}MODE", f"{PREFIX}API_URL"
PUBLIC = "LANTOA_WEB__PUBLIC_URL"
KEYS = Keys({1: b"s" * 32}, b"i" * 32, b"d" * 32)


def test_without_a_token_the_channel_is_off_and_polls_when_it_is_on(tmp_path: Path) -> None:
    section = load(written(tmp_path, ""), {}).channels.zalo_bot
    assert section.token is None
    assert section.mode == "polling"
    assert str(section.api_url) == "https://bot-api.zaloplatforms.com/"
    assert load(written(tmp_path, ""), {TOKEN_NAME: TOKEN}).channels.zalo_bot.token == TOKEN


@pytest.mark.parametrize(("url", "fits"), [("", False), ("http://lantoa.vn", False), ("https://lantoa.vn", True)])
def test_the_webhook_needs_an_address_the_platform_can_call(tmp_path: Path, url: str, fits: bool) -> None:
    environ = {TOKEN_NAME: TOKEN, MODE_NAME: "webhook", PUBLIC: url}
    if fits:
        assert load(written(tmp_path, ""), environ).channels.zalo_bot.mode == "webhook"
    else:
        assert mistakes(written(tmp_path, ""), environ) == {"channels.zalo_bot.mode": "config.webhook_needs_url"}


async def test_what_the_channel_can_follows_the_settings(config: Config, content: Content, database: Database) -> None:
    folder = config.data.folder.parent
    environs = (
        {TOKEN_NAME: TOKEN},
        {
            TOKEN_NAME: TOKEN,
            PUBLIC: "https://lantoa.vn/",
            MODE_NAME: "webhook",
            "LANTOA_BROADCAST__RATE__ZALO_BOT": "9",
        },
    )
    place = await database.read(installation.get)
    intake = Intake(database, "test", "vi", now, lambda _channel, _seconds: None)
    configs = [load(folder / "config.yaml", environ) for environ in environs]
    channels = [zalo_bot(KEYS)(each, content, place, intake, now) for each in configs]
    assert all(isinstance(channel, ZaloBot) for channel in channels)
    can = [channel.capabilities for channel in channels]
    assert [(each.pictures, each.rate_per_s, each.data_abroad) for each in can] == [(False, 5, False), (True, 9, False)]
    assert [len(channel.routes()) for channel in channels] == [0, 1]
    assert channels[0].link("x") is None


def test_check_hides_the_token_and_a_demonstration_does_not_start_beside_it(lantoa: Lantoa, demo: Config) -> None:
    said = lantoa("check", **{TOKEN_NAME: TOKEN, URL_NAME: f"http://127.0.0.1:{free_port()}"})
    assert "channels.zalo_bot.token = ******" in said.stdout
    assert TOKEN not in said.stdout + said.stderr
    assert "channels.zalo_bot.token có mã" in said.stdout + said.stderr


async def test_check_says_who_we_are_there_or_what_to_do(lantoa: Lantoa, demo: Config, fake: FakeZalo) -> None:
    variables = {TOKEN_NAME: TOKEN, URL_NAME: fake.url, "LANTOA_CHANNELS__ALLOW_DEMO": "true"}

    async def asked() -> tuple[int, str]:
        return await asyncio.to_thread(checked, lantoa, **variables)

    code, text = await asked()
    assert code == 0, text
    assert "bot.fake700000002" in text
    expected = {"proxy_429": "hạn mức", "internal": "platform_error", "proxy_502": "server_error", "reset": "cut_off"}
    for fault, words in expected.items():
        await fake.fault(fault, methods=["getMe"], times=1)
        code, text = await asked()
        assert (code, words in text) == (1, True), text
    await fake.reset_token("700000002:NewTokenOfTheTests00000")
    code, text = await asked()
    assert code == 1
    assert "Zalo Bot Manager" in text
    assert TOKEN_NAME in text


def test_an_invitation_says_what_to_type_where_there_are_no_links(lantoa: Lantoa, demo: Config) -> None:
    variables = {TOKEN_NAME: TOKEN, "LANTOA_CHANNELS__ALLOW_DEMO": "true"}
    arguments = ("invite", "--unit", "GIA_LAI", "--role", "can_bo_tinh")
    assert "Zalo" not in lantoa(*arguments, **variables).stdout
    with beside(demo.database.path) as db:
        channel_accounts.take(db, NAME, "700000002")
        channel_accounts.rename(db, NAME, "700000002", "Bot Hội Gia Lai")
    said = lantoa(*arguments, **variables).stdout
    assert "Trên Zalo: mở bot Bot Hội Gia Lai, nhắn: mã " in said


async def test_an_unreadable_event_goes_to_work_once_it_can_be_read(line: MakeLine) -> None:
    chat = {"id": "a1", "chat_type": "PRIVATE"}
    good = {"message_id": "m1", "date": 1764000000000, "chat": chat, "text": "Ấm"}
    async with line() as open_line:
        for number, message in enumerate(({**good, "date": "x"}, good)):
            raw = json.dumps({"event_name": "message.text.received", "message": message})
            await open_line.ports.keep_unreadable("a1", f"k{number}", raw)
        ids = [row["id"] for row in await open_line.inbox()]
        assert await open_line.db.write(dead.replay, ids) == 1
        still, put_back = await open_line.inbox()
    assert (still["state"], put_back["state"], put_back["body"]) == ("dead", "open", {"text": "Ấm"})


# --- The real program ---


Start = Callable[..., AbstractAsyncContextManager[Program]]


@pytest.fixture
def started(tmp_path: Path, template: Path, fake: FakeZalo) -> Start:
    """Return what starts the program on one and the same demonstration; it is stopped with its log looked through."""
    port = free_port()
    write_config(tmp_path / "place", port, ROOT / "content")
    shutil.copytree(template, tmp_path / "place" / "var")

    @asynccontextmanager
    async def running(mode: str) -> AsyncIterator[Program]:
        environment = {
            "PYTHONWARNINGS": "error",
            "LANTOA_CHANNELS__ALLOW_DEMO": "true",
            TOKEN_NAME: TOKEN,
            URL_NAME: fake.url,
            MODE_NAME: mode,
            PUBLIC: f"http://127.0.0.1:{port}",
        }
        program = Program(tmp_path / "place", port, environment)
        await program.start()
        try:
            yield program
        finally:
            await program.stop()
        assert TOKEN.partition(":")[2] not in program.log.read_text()

    return running


@pytest.mark.slow
async def test_one_word_changes_the_way_in_and_a_picture_goes_by_our_own_server(
    started: Start, fake: FakeZalo, tmp_path: Path
) -> None:
    mai = fake.person(1001)
    with beside(tmp_path / "place" / "var" / "lantoa.db") as db:
        head = contacts.find_address(db, "web_chat", ADDRESS.format(slug="truong-lang-boi"))
        assert head is not None
        contacts.add_address(db, head.contact_id, NAME, mai.id, at=now())
    async with started("polling") as program:
        await mai.send_text("chào")
        assert ". " in (await mai.next_message()).text
        await fake.fault("proxy_502", methods=["sendMessage"], times=1)
        await mai.send_text("menu")
        for words in ("kết quả", "2"):
            await mai.send_text(words)
        while (message := await mai.next_message()).photo is None:
            continue
        assert message.photo.startswith(f"{program.url}/pictures/")
        assert message.content["bytes"] > 1000
        assert await trouble(program) is None
    await mai.send_text("menu")
    async with started("webhook") as program:
        assert await mai.next_message()
        assert await fake.webhook_url() == f"{program.url}/zalo-bot/webhook"
        await mai.send_text("menu")
        await mai.next_message()
        assert await trouble(program) is None


async def trouble(program: Program) -> Any:
    return (await health(program))["channels"][NAME]["trouble"]


async def test_without_access_the_program_runs_and_says_what_is_wrong(started: Start, fake: FakeZalo) -> None:
    await fake.revoke()
    async with started("polling") as program:
        while (found := await trouble(program)) is None:
            continue
        assert found == "token_refused"
        assert "web_chat" in (await health(program))["channels"]
