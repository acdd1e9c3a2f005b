"""The channel's settings: secrets from the environment only, ways in that fit, and words for whoever sets it up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.channels.telegram.channel import Telegram
from bot.config import Config, load
from bot.intake import Intake
from bot.platforms import telegram
from handlers.content import Content
from storage import channel_accounts, installation
from storage.database import Database
from storage.opening import beside
from storage.sealing import Keys
from tests.channels.conftest import free_port, now
from tests.fakes.telegram import TOKEN, fake_telegram
from tests.operations.conftest import Lantoa
from tests.operations.conftest import config as config
from tests.operations.conftest import demo as demo
from tests.operations.conftest import lantoa as lantoa
from tests.operations.conftest import program as program
from tests.operations.conftest import template as template
from tests.operations.test_config import mistakes, written

TOKEN_NAME = "LANTOA_CHANNELS__TELEGRAM__TOKEN"
MODE_NAME = "LANTOA_CHANNELS__TELEGRAM__MODE"
URL_NAME = "LANTOA_CHANNELS__TELEGRAM__API_URL"
SECRET_NAME = "LANTOA_CHANNELS__TELEGRAM__WEBHOOK_SECRET"


def test_without_a_token_the_channel_is_off_and_polls_when_it_is_on(tmp_path: Path) -> None:
    section = load(written(tmp_path, ""), {}).channels.telegram
    assert section.token is None
    assert section.mode == "polling"
    assert str(section.api_url) == "https://api.telegram.org/"
    assert load(written(tmp_path, ""), {TOKEN_NAME: TOKEN}).channels.telegram.token == TOKEN


def test_a_token_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    config = load(written(tmp_path, ""), {f"{TOKEN_NAME}_FILE": str(tmp_path / "token")})
    assert config.channels.telegram.token == TOKEN
    assert TOKEN not in repr(config)


def test_no_secret_is_taken_from_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, f"channels: {{telegram: {{token: '{TOKEN}', webhook_secret: {'x' * 20}}}}}")
    assert mistakes(file) == {
        "channels.telegram.token": "config.secret_in_file",
        "channels.telegram.webhook_secret": "config.secret_in_file",
    }


@pytest.mark.parametrize("token", ["nonsense", "12345", ":abc", "123:", "123:a b", f"{TOKEN} x"])
def test_what_cannot_be_a_token_is_refused(tmp_path: Path, token: str) -> None:
    assert list(mistakes(written(tmp_path, ""), {TOKEN_NAME: token}).values()) == ["config.bot_token"]


@pytest.mark.parametrize("secret", ["short", "x" * 257, "chị" * 10, "with blanks in between"])
def test_a_webhook_secret_is_long_and_plain(tmp_path: Path, secret: str) -> None:
    assert list(mistakes(written(tmp_path, ""), {SECRET_NAME: secret}).values()) == ["config.webhook_secret"]


def test_a_way_in_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    environ = {TOKEN_NAME: TOKEN, MODE_NAME: "pigeon"}
    assert mistakes(written(tmp_path, ""), environ) == {f"channels.telegram.mode ({MODE_NAME})": "config.mode"}


@pytest.mark.parametrize(
    ("public_url", "api_url", "fits"),
    [
        ("", "", False),
        ("http://lantoa.example.vn", "", False),
        ("https://lantoa.example.vn", "", True),
        ("", "http://127.0.0.1:8081", False),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8081", True),
    ],
)
def test_the_webhook_needs_an_address_the_platform_can_call(
    tmp_path: Path, public_url: str, api_url: str, fits: bool
) -> None:
    environ = {TOKEN_NAME: TOKEN, MODE_NAME: "webhook", "LANTOA_WEB__PUBLIC_URL": public_url, URL_NAME: api_url}
    if fits:
        assert load(written(tmp_path, ""), environ).channels.telegram.mode == "webhook"
    else:
        assert mistakes(written(tmp_path, ""), environ) == {"channels.telegram.mode": "config.webhook_needs_url"}


def test_the_rate_is_a_setting(tmp_path: Path) -> None:
    environ = {"LANTOA_BROADCAST__RATE__TELEGRAM": "1000"}
    assert load(written(tmp_path, ""), environ).broadcast.rate == {"telegram": 1000}


async def test_rate_window_and_way_in_follow_the_settings(config: Config, content: Content, database: Database) -> None:
    environ = {
        TOKEN_NAME: TOKEN,
        MODE_NAME: "webhook",
        "LANTOA_WEB__PUBLIC_URL": "https://lantoa.example.vn/",
        "LANTOA_BROADCAST__RATE__TELEGRAM": "1000",
    }
    busy = load(config.data.folder.parent / "config.yaml", environ)
    plain = load(config.data.folder.parent / "config.yaml", {TOKEN_NAME: TOKEN})
    place = await database.read(installation.get)
    intake = Intake(database, "test", "vi", now, lambda _channel, _seconds: None)
    make = telegram(Keys({1: b"s" * 32}, b"i" * 32, b"d" * 32))
    channels = [make(each, content, place, intake, now) for each in (busy, plain)]
    assert all(isinstance(channel, Telegram) for channel in channels)
    assert [(channel.capabilities.rate_per_s, channel.capabilities.window) for channel in channels] == [
        (1000, 110),
        (30, 8),
    ]
    assert [len(channel.routes()) for channel in channels] == [1, 0]


# --- What the commands say ---


def test_check_hides_the_token(lantoa: Lantoa, demo: Config) -> None:
    said = lantoa("check", **{TOKEN_NAME: TOKEN, SECRET_NAME: "x" * 20, URL_NAME: f"http://127.0.0.1:{free_port()}"})
    assert "channels.telegram.token = ******" in said.stdout
    assert TOKEN not in said.stdout + said.stderr
    assert "x" * 20 not in said.stdout + said.stderr


def test_a_demonstration_does_not_start_beside_a_token(program: Lantoa, demo: Config) -> None:
    said = program("run", **{TOKEN_NAME: TOKEN})
    assert said.returncode == 2
    assert "channels.telegram.token" in said.stderr
    assert "allow_demo" in said.stderr


@pytest.fixture
def rehearsal(demo: Config) -> Iterator[dict[str, str]]:
    """Variables under which a demonstration may run beside a token."""
    yield {TOKEN_NAME: TOKEN, "LANTOA_CHANNELS__ALLOW_DEMO": "true"}


def checked(lantoa: Lantoa, **variables: str) -> tuple[int, str]:
    said = lantoa("check", **variables)
    return said.returncode, said.stdout + said.stderr


async def test_check_says_who_we_are_there(lantoa: Lantoa, rehearsal: dict[str, str]) -> None:
    async with fake_telegram() as fake:
        code, text = await asyncio.to_thread(checked, lantoa, **rehearsal, **{URL_NAME: fake.url})
        assert code == 0, text
        assert "@fake_700000001_bot" in text
        await fake.revoke()
        code, text = await asyncio.to_thread(checked, lantoa, **rehearsal, **{URL_NAME: fake.url})
        assert code == 1
        assert "@BotFather" in text
        await fake.revoke(revoked=False)
        await fake.fault("server_error", methods=["getMe"], times=1)
        code, text = await asyncio.to_thread(checked, lantoa, **rehearsal, **{URL_NAME: fake.url})
        assert code == 1
        assert "server_error" in text


def test_check_says_what_to_do_where_there_is_no_line(lantoa: Lantoa, rehearsal: dict[str, str]) -> None:
    code, text = checked(lantoa, **rehearsal, **{URL_NAME: f"http://127.0.0.1:{free_port()}"})
    assert code == 1
    assert "tường lửa" in text
    assert TOKEN not in text


def test_an_invitation_comes_with_a_link_to_the_chat_once_its_name_is_known(
    lantoa: Lantoa, rehearsal: dict[str, str], demo: Config
) -> None:
    arguments = ("invite", "--unit", "GIA_LAI", "--role", "can_bo_tinh")
    assert "https://t.me/" not in lantoa(*arguments, **rehearsal).stdout
    with beside(demo.database.path) as db:
        channel_accounts.take(db, "telegram", "700000001")
        channel_accounts.rename(db, "telegram", "700000001", "LanToaBot")
    said = lantoa(*arguments, **rehearsal).stdout
    assert "https://t.me/LanToaBot?start=" in said
    assert "https://t.me/" not in lantoa(*arguments).stdout
