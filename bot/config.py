"""Turn `config.yaml` and the environment into frozen settings, or say all that is wrong with them at once.

The keys are a contract (docs/operations.md). Nothing is opened, made or started here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from bot.environment import Environment, overlaid, read_environment, variable_of, with_sections
from dialogue.messages import Phrase, Say
from dialogue.quiet import read_quiet_hours
from storage.postgresql import Server

SQLITE, SERVER = "sqlite:///", "postgresql://"
TLS = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
SECRET = re.compile(r"token|secret|password|refresh", re.IGNORECASE)
"""Settings with such a name are secrets: never shown, and never read from the file."""

TELEGRAM_URL = "https://api.telegram.org"
ZALO_BOT_URL = "https://bot-api.zaloplatforms.com"
_PASSWORD_IN_URL = re.compile(r"\w+://[^/@]*:[^/@]")
_TOKEN = re.compile(r"\d{1,20}:[\w-]{3,100}", re.ASCII)
_WEBHOOK_SECRET = re.compile(r"[\w-]{16,256}", re.ASCII)


class Wrong(Exception):
    """The program cannot start with what it was given. `mistakes` holds one sentence each, never empty."""

    def __init__(self, *mistakes: Say) -> None:
        super().__init__(*(mistake.key for mistake in mistakes))
        self.mistakes = mistakes


def _from_folder(path: Path, info: ValidationInfo) -> Path:
    folder: Path = (info.context or {}).get("folder", Path())
    return folder / path.expanduser()


def _database_url(url: str, info: ValidationInfo) -> str:
    if url.startswith((SERVER, "postgres://")):
        return _server_url(url)
    place = url.removeprefix(SQLITE)
    if not url.startswith(SQLITE) or not place or ":memory:" in place:
        raise PydanticCustomError("config.database_url", "not a database this build knows")
    return f"{SQLITE}{_from_folder(Path(place), info)}"


def _server_url(url: str) -> str:
    try:
        parts, more = urlsplit(url), parse_qs(urlsplit(url).query, strict_parsing="?" in url)
        known = more.keys() <= {"host", "port", "sslmode"} and set(more.get("sslmode", ())) <= TLS
        whole = bool(parts.path.strip("/")) and (parts.port or 1) > 0 and known and not parts.fragment
    except ValueError:
        whole = False
    if not whole:
        raise PydanticCustomError("config.database_url", "not a database this build knows")
    return f"{SERVER}{url.partition('://')[2]}"


def _listed(value: Any) -> Any:
    """Let the environment write a list as `vi, en`."""
    return [part.strip() for part in value.strip("[] ").split(",") if part.strip()] if isinstance(value, str) else value


def _quiet_hours(text: str) -> str:
    try:
        read_quiet_hours(text)
    except ValueError:
        raise PydanticCustomError("config.quiet_hours", "not spans of the day") from None
    return text


def _network(value: Any) -> Any:
    try:
        return ip_network(value, strict=False)
    except ValueError:
        raise PydanticCustomError("config.not_network", "not an address or network") from None


def _mode(value: Any) -> Any:
    if value not in ("polling", "webhook"):
        raise PydanticCustomError("config.mode", "no way to take messages in")
    return value


def _token(token: str | None) -> str | None:
    if token is not None and not _TOKEN.fullmatch(token):
        raise PydanticCustomError("config.bot_token", "not a token")
    return token


def _webhook_secret(secret: str | None) -> str | None:
    if secret is not None and not _WEBHOOK_SECRET.fullmatch(secret):
        raise PydanticCustomError("config.webhook_secret", "not a secret of this kind")
    return secret


def _nothing(value: Any) -> Any:
    return None if value == "" else value


Place = Annotated[Path, AfterValidator(_from_folder)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)


class DatabaseSection(_Section):
    """Where the database is. `url` is absolute once read."""

    url: DatabaseUrl = Field("sqlite:///var/lantoa.db", repr=False)

    @property
    def path(self) -> Path:
        """The database file of a configuration that names one."""
        assert self.url.startswith(SQLITE)
        return Path(self.url.removeprefix(SQLITE))

    @property
    def place(self) -> Path | Server:
        """Where the database is."""
        return Server(self.url) if self.url.startswith(SERVER) else self.path


class DataSection(_Section):
    """Where attachments, backups and the sealing key are."""

    folder: Place = Path("var")
    key_file: Place = Path("var/lantoa.key")

    @property
    def backups(self) -> Path:
        """The folder of the backups."""
        return self.folder / "backups"

    @property
    def attachments(self) -> Path:
        """The folder of the attachments."""
        return self.folder / "attachments"


class WebSection(_Section):
    """The one HTTP server."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    public_url: Annotated[HttpUrl | None, BeforeValidator(_nothing)] = None
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_listed)] = ()

    @property
    def address(self) -> str:
        """Where people reach the pages, as far as that is configured; ends in a stroke."""
        return f"{str(self.public_url or f'http://{self.host}:{self.port}').rstrip('/')}/"

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can reach the server."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class WebChatSection(_Section):
    """The chat page."""

    enabled: bool = True


class PlatformSection(_Section):
    """A channel on a platform; it is on when a token is there. A missing `webhook_secret` is made from the key file."""

    token: Annotated[str | None, BeforeValidator(_nothing), AfterValidator(_token)] = Field(None, repr=False)
    api_url: HttpUrl
    mode: Annotated[Literal["polling", "webhook"], BeforeValidator(_mode)] = "polling"
    webhook_secret: Annotated[str | None, BeforeValidator(_nothing), AfterValidator(_webhook_secret)] = Field(
        None, repr=False
    )


class TelegramSection(PlatformSection):
    """The channel on Telegram."""

    api_url: HttpUrl = HttpUrl(TELEGRAM_URL)


class ZaloBotSection(PlatformSection):
    """The channel on the Zalo Bot Platform."""

    api_url: HttpUrl = HttpUrl(ZALO_BOT_URL)


class ChannelsSection(_Section):
    """The channels of this build; a section for any other is refused with a sentence of its own."""

    allow_demo: bool = False
    web_chat: WebChatSection = WebChatSection()
    telegram: TelegramSection = TelegramSection()
    zalo_bot: ZaloBotSection = ZaloBotSection()


ChannelName = Literal["web_chat", "telegram", "zalo_bot"]


class BroadcastSection(_Section):
    """Limits of broadcasts; rates are messages per second."""

    quiet_hours: Annotated[str, AfterValidator(_quiet_hours)] = "20:30–07:00, 11:30–13:30"
    daily_cap: Annotated[int, Field(ge=1, le=100)] = 3
    rate: Mapping[ChannelName, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)


class Config(_Section):
    """The effective configuration. Paths are joined to the folder of the file it came from."""

    database: DatabaseSection = DatabaseSection()
    data: DataSection = DataSection()
    web: WebSection = WebSection()
    content: Place = Path("content")
    languages: Annotated[tuple[Language, ...], BeforeValidator(_listed), Field(min_length=1)] = ("vi", "en")
    channels: ChannelsSection = ChannelsSection()
    broadcast: BroadcastSection = BroadcastSection()


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """Return the configuration of the file `path` with the `LANTOA_…` variables of `environ` laid over it.

    Raises `Wrong` with every mistake found in both.
    """
    from_file, mistakes = _read(path)
    environment = read_environment(environ, Config)
    for each in environment.unreadable:
        mistakes.append(Say("config.secret_file", {"name": each.name, "file": each.file}))
    mistakes += _secrets_in(from_file)
    settings = with_sections(overlaid(from_file, environment), Config)
    try:
        config = Config.model_validate(settings, context={"folder": path.resolve().parent})
        mistakes += _unfitting(config)
    except ValidationError as error:
        mistakes += [_mistake(each, environment) for each in error.errors(include_input=False)]
    if mistakes:
        raise Wrong(*mistakes)
    return config


def _secrets_in(section: Any, above: str = "") -> Iterator[Say]:
    """Yield the secrets that stand in the file, where whoever copies or shows it gives them away."""
    for name, value in section.items() if isinstance(section, Mapping) else ():
        if isinstance(value, Mapping):
            yield from _secrets_in(value, f"{above}{name}.")
        elif value is not None and SECRET.search(str(name)):
            path = f"{above}{name}"
            yield Say("config.secret_in_file", {"path": path, "variable": variable_of(path)})
        elif f"{above}{name}" == "database.url" and _PASSWORD_IN_URL.match(str(value)):
            yield Say("config.secret_in_file", {"path": "database.url", "variable": variable_of("database.url")})


def _unfitting(config: Config) -> Iterator[Say]:
    """Yield what is right by itself and wrong beside another setting."""
    url = config.web.public_url
    for name, section in (("telegram", config.channels.telegram), ("zalo_bot", config.channels.zalo_bot)):
        # A server of one's own may bring updates over plain http inside one network; the platforms do not.
        is_theirs = str(section.api_url).rstrip("/") in (TELEGRAM_URL, ZALO_BOT_URL)
        safe = url is not None and (url.scheme == "https" or not is_theirs)
        if section.token is not None and section.mode == "webhook" and not safe:
            yield Say("config.webhook_needs_url", {"path": f"channels.{name}.mode"})


def _read(path: Path) -> tuple[Mapping[str, Any], list[Say]]:
    where = {"file": str(path)}
    try:
        written = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return {}, [Say("config.no_file", where)]
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        return {}, [Say("config.not_yaml", {**where, "line": line})]
    if written is None or isinstance(written, Mapping):
        return written or {}, []
    return {}, [Say("config.not_yaml", {**where, "line": 1})]


def _mistake(error: ErrorDetails, environment: Environment) -> Say:
    """Say one mistake; the value itself is never shown, it may be a secret."""
    place = [str(part) for part in error["loc"] if part != "[key]" and "[" not in str(part)]
    path = ".".join(place)
    where: dict[str, Phrase] = {"path": " ".join((path, *(f"({name})" for name in environment.behind(path))))}
    kind = error["type"]
    if kind == "extra_forbidden" and place[0] == "channels" and len(place) == 2:
        return Say("config.no_channel", {**where, "channel": place[1]})
    if kind.startswith("config."):
        return Say(kind, where)
    limit = error.get("ctx", {}).get(kind_limit) if (kind_limit := _LIMITS.get(kind)) else None
    if limit is not None:
        return Say(f"config.limit.{kind_limit}", {**where, "limit": limit})
    key = _BY_KIND.get(kind)
    return Say(key, where) if key else Say("config.wrong_value", {**where, "reason": error["msg"]})


_LIMITS = {"greater_than": "gt", "greater_than_equal": "ge", "less_than_equal": "le"}
_BY_KIND = {
    "extra_forbidden": "config.unknown_key",
    "missing": "config.missing",
    "bool_parsing": "config.not_bool",
    "bool_type": "config.not_bool",
    "int_from_float": "config.not_int",
    "int_parsing": "config.not_int",
    "int_type": "config.not_int",
    "float_parsing": "config.not_number",
    "float_type": "config.not_number",
    "literal_error": "config.no_such_channel",
    "model_type": "config.not_section",
    "mapping_type": "config.not_section",
    "path_type": "config.not_text",
    "string_type": "config.not_text",
    "tuple_type": "config.not_list",
    "url_parsing": "config.not_url",
    "url_scheme": "config.not_url",
    "too_short": "config.empty",
    "string_too_short": "config.empty",
    "string_pattern_mismatch": "config.language",
}
