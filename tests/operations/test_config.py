"""The configuration: defaults, the environment over the file, every mistake at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.check import effective
from bot.config import Wrong, load
from storage.postgresql import Server
from tests.operations.conftest import ROOT


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text(text, "utf-8")
    return file


def mistakes(file: Path, environ: dict[str, str] | None = None) -> dict[str, str]:
    """Return path → wording key of everything wrong."""
    with pytest.raises(Wrong) as caught:
        load(file, environ or {})
    return {str(said.values.get("path", said.values.get("name"))): said.key for said in caught.value.mistakes}


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    config = load(written(tmp_path, ""), {})
    assert config.web.host == "127.0.0.1"
    assert config.web.port == 8080
    assert config.languages == ("vi", "en")
    assert config.broadcast.quiet_hours == "20:30–07:00, 11:30–13:30"
    assert not config.channels.allow_demo
    assert config.database.path == tmp_path / "var" / "lantoa.db"
    assert config.data.key_file == tmp_path / "var" / "lantoa.key"


def test_a_section_left_blank_means_its_defaults(tmp_path: Path) -> None:
    config = load(written(tmp_path, "web:\ndata:\nchannels:\n  web_chat:\n"), {})
    assert config.web.port == 8080
    assert config.data.folder == tmp_path / "var"
    assert config.channels.web_chat.enabled


def test_the_file_that_comes_with_the_program_says_the_defaults(tmp_path: Path) -> None:
    shipped, plain = load(ROOT / "config.yaml", {}), load(written(tmp_path, ""), {})
    assert shipped.model_dump(exclude={"database", "data", "content"}) == plain.model_dump(
        exclude={"database", "data", "content"}
    )
    assert shipped.database.path == ROOT / "var" / "lantoa.db"


def test_paths_are_meant_from_the_folder_of_the_file(tmp_path: Path) -> None:
    config = load(written(tmp_path, "data: {folder: kept, key_file: /keys/k}\ndatabase: {url: sqlite:///d/x.db}"), {})
    assert config.data.folder == tmp_path / "kept"
    assert config.data.key_file == Path("/keys/k")
    assert config.database.path == tmp_path / "d" / "x.db"


def test_a_variable_beats_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "web: {port: 1}")
    environ = {"LANTOA_WEB__PORT": "9000", "LANTOA_LANGUAGES": "en, vi", "LANTOA_WEB__TRUSTED_PROXIES": "10.0.0.0/8"}
    config = load(file, environ)
    assert config.web.port == 9000
    assert config.languages == ("en", "vi")
    assert [str(network) for network in config.web.trusted_proxies] == ["10.0.0.0/8"]


def test_rates_can_be_set_per_channel(tmp_path: Path) -> None:
    config = load(written(tmp_path, ""), {"LANTOA_BROADCAST__RATE__WEB_CHAT": "2.5"})
    assert config.broadcast.rate == {"web_chat": 2.5}


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    assert load(written(tmp_path, ""), {"LANTOA_WEB__PUBLIC_URL": "", "LANTOA_WEB__PORT": ""}).web.port == 8080


def test_variables_of_the_tests_are_no_settings(tmp_path: Path) -> None:
    load(written(tmp_path, ""), {"LANTOA_TEST_POSTGRES": "postgresql://x"})


def test_the_password_of_a_server_is_not_read_from_the_file(tmp_path: Path) -> None:
    url = "postgresql://lantoa:ghe-tre-7@db.example.org/lantoa?sslmode=require"
    assert mistakes(written(tmp_path, f"database: {{url: '{url}'}}")) == {"database.url": "config.secret_in_file"}
    config = load(written(tmp_path, ""), {"LANTOA_DATABASE__URL": url.replace("postgresql", "postgres")})
    assert config.database.place == Server(url)
    for shown in (str(config.database.place), repr(config), *effective(config)):
        assert "ghe-tre" not in shown
    without = load(written(tmp_path, "database: {url: 'postgresql://lantoa@/lantoa?host=/run/postgresql'}"), {})
    assert isinstance(without.database.place, Server)


def test_a_value_may_lie_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("sqlite:////srv/x.db\n", "utf-8")
    config = load(written(tmp_path, ""), {"LANTOA_DATABASE__URL_FILE": str(secret)})
    assert config.database.path == Path("/srv/x.db")


def test_a_setting_that_ends_in_file_is_not_taken_for_one(tmp_path: Path) -> None:
    assert load(written(tmp_path, ""), {"LANTOA_DATA__KEY_FILE": "/k"}).data.key_file == Path("/k")


def test_every_mistake_is_named_at_once_with_its_path(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "web: {port: abc, hots: x, public_url: nope, trusted_proxies: [here]}\n"
        "channels: {web_chat: {enabled: maybe}}\n"
        "broadcast: {rate: {pigeon: 3, web_chat: -1}, daily_cap: 0, quiet_hours: '25:00-26:00'}\n"
        "languages: []\ndata: 5\nfoo: 1\n",
    )
    assert mistakes(file, {"LANTOA_WEB__PROT": "1", "LANTOA_DATABASE__URL_FILE": "/no/such/file"}) == {
        "LANTOA_DATABASE__URL_FILE": "config.secret_file",
        "web.port": "config.not_int",
        "web.hots": "config.unknown_key",
        "web.prot (LANTOA_WEB__PROT)": "config.unknown_key",
        "web.public_url": "config.not_url",
        "web.trusted_proxies.0": "config.not_network",
        "channels.web_chat.enabled": "config.not_bool",
        "broadcast.rate.pigeon": "config.no_such_channel",
        "broadcast.rate.web_chat": "config.limit.gt",
        "broadcast.daily_cap": "config.limit.ge",
        "broadcast.quiet_hours": "config.quiet_hours",
        "languages": "config.empty",
        "data": "config.not_section",
        "foo": "config.unknown_key",
    }


def test_a_channel_of_a_later_build_is_refused_by_name(tmp_path: Path) -> None:
    variable = "LANTOA_CHANNELS__PIGEON__TOKEN"
    assert mistakes(written(tmp_path, ""), {variable: "secret"}) == {
        f"channels.pigeon ({variable})": "config.no_channel"
    }


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("postgresql://u@h", "config.database_url"),
        ("postgresql://h:x/d", "config.database_url"),
        ("postgresql://h/d?timeout=3", "config.database_url"),
        ("postgresql://h/d?sslmode=maybe", "config.database_url"),
        ("mysql://h/d", "config.database_url"),
        ("sqlite:///", "config.database_url"),
        ("sqlite:///:memory:", "config.database_url"),
    ],
)
def test_a_database_we_cannot_use_is_refused(tmp_path: Path, url: str, key: str) -> None:
    assert mistakes(written(tmp_path, f"database: {{url: '{url}'}}")) == {"database.url": key}


@pytest.mark.parametrize("text", ["web: [", "- a\n- b\n", "just words"])
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    assert set(mistakes(written(tmp_path, text)).values()) == {"config.not_yaml"}


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert set(mistakes(tmp_path / "none.yaml").values()) == {"config.no_file"}


def test_no_value_is_repeated_in_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(Wrong) as caught:
        load(written(tmp_path, ""), {"LANTOA_WEB__PORT": "hunter2", "LANTOA_CHANNELS__PIGEON__TOKEN": "hunter2"})
    said: list[Any] = [dict(mistake.values) for mistake in caught.value.mistakes]
    assert len(said) == 2
    assert "hunter2" not in str(said)


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)]
)
def test_only_this_machine_is_known_by_its_address(tmp_path: Path, host: str, loopback: bool) -> None:
    assert load(written(tmp_path, f"web: {{host: '{host}'}}"), {}).web.is_loopback is loopback
