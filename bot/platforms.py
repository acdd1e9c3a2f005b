"""The platforms people come from, and what the program needs of each beside its channel. Libraries load when asked."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.channels.base import Channel
from bot.channels.telegram import names as telegram_names
from bot.channels.zalo_bot import names as zalo_bot_names
from bot.config import Config, PlatformSection
from bot.intake import Intake
from bot.picture_links import PictureLinks
from handlers.content import Content
from storage.installation import Installation
from storage.sealing import Keys

Clock = Callable[[], datetime]
MakeChannel = Callable[[Config, Content, Installation, Intake, Clock], Channel]
Understood = tuple[Mapping[str, Any], datetime | None]


def _no_link(_name: str, _payload: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Platform:
    """What is known of a platform without its library.

    `channel` makes its channel where there is a token, `name_of` asks who we are there, `link_to` makes an address that
    opens a talk from our name there and a payload, `read_again` reads what could not be read (`bot.dead`).
    """

    name: str
    section: Callable[[Config], PlatformSection]
    channel: Callable[[Keys], MakeChannel]
    name_of: Callable[[PlatformSection], Awaitable[str]]
    read_again: Callable[[str, str, str], Understood | None]
    link_to: Callable[[str, str], str | None] = _no_link


def platforms_on(config: Config) -> Iterator[tuple[Platform, PlatformSection]]:
    """Yield the platforms for which there is a token."""
    for platform in PLATFORMS:
        section = platform.section(config)
        if section.token is not None:
            yield platform, section


def made_secret(keys: Keys, channel: str) -> str:
    """The same at every start and stored nowhere: only who has the key file can tell it."""
    return hmac.new(keys.digest, f"webhook:{channel}".encode(), hashlib.sha256).hexdigest()


def _webhook(config: Config, section: PlatformSection, keys: Keys, name: str) -> tuple[str, str] | None:
    """Return where a platform finds us and the secret it shows there; None where we poll."""
    if section.mode != "webhook" or config.web.public_url is None:
        return None
    return str(config.web.public_url), section.webhook_secret or made_secret(keys, name)


def picture_links(config: Config, keys: Keys, clock: Clock) -> PictureLinks | None:
    """Return the public addresses of our pictures; None where nobody outside can reach us."""
    url = config.web.public_url
    return None if url is None else PictureLinks(config.data.attachments, str(url), key=keys.digest, clock=clock)


# --- Telegram ---


def telegram(keys: Keys) -> MakeChannel:
    """Return what makes the channel on Telegram on this program; there must be a token."""
    from bot.channels.telegram.channel import Telegram
    from bot.channels.telegram.settings import RATE_PER_S, Settings
    from bot.channels.telegram.webhook import Place
    from bot.ports.telegram import TelegramPorts

    name = telegram_names.NAME

    def make(config: Config, content: Content, _place: Installation, intake: Intake, clock: Clock) -> Channel:
        section = config.channels.telegram
        assert section.token is not None
        place = Place(*found) if (found := _webhook(config, section, keys, name)) is not None else None
        rate_per_s = config.broadcast.rate.get("telegram", RATE_PER_S)
        settings = Settings(section.token, str(section.api_url), rate_per_s=rate_per_s, place=place)
        ports = TelegramPorts(name=name, db=intake.db, intake=intake, content=content, clock=clock)
        return Telegram(ports, settings, now=clock)

    return make


async def _telegram_name(section: PlatformSection) -> str:
    from bot.channels.telegram.reach import name_of

    return f"@{await name_of(section.token or '', str(section.api_url))}"


def _telegram_again(raw: str, bot_id: str, name: str) -> Understood | None:
    from bot.channels.telegram.inbound import read_again

    return read_again(raw, bot_id, name)


# --- Zalo Bot Platform ---


def zalo_bot(keys: Keys) -> MakeChannel:
    """Return what makes the channel on the Zalo Bot Platform on this program; there must be a token."""
    from bot.channels.zalo_bot.channel import ZaloBot
    from bot.channels.zalo_bot.settings import RATE_PER_S, Settings
    from bot.channels.zalo_bot.webhook import Place
    from bot.ports.zalo_bot import ZaloBotPorts

    name = zalo_bot_names.NAME

    def make(config: Config, content: Content, _place: Installation, intake: Intake, clock: Clock) -> Channel:
        section = config.channels.zalo_bot
        assert section.token is not None
        place = Place(*found) if (found := _webhook(config, section, keys, name)) is not None else None
        rate_per_s = config.broadcast.rate.get("zalo_bot", RATE_PER_S)
        settings = Settings(section.token, str(section.api_url), rate_per_s=rate_per_s, place=place)
        links = picture_links(config, keys, clock)
        ports = ZaloBotPorts(name=name, db=intake.db, intake=intake, content=content, clock=clock, links=links)
        return ZaloBot(ports, settings, now=clock)

    return make


async def _zalo_bot_name(section: PlatformSection) -> str:
    from bot.channels.zalo_bot.reach import name_of

    return await name_of(section.token or "", str(section.api_url))


def _zalo_bot_again(raw: str, bot_id: str, name: str) -> Understood | None:
    from bot.channels.zalo_bot.inbound import read_again

    return read_again(raw, bot_id, name)


PLATFORMS = (
    Platform(
        telegram_names.NAME,
        section=lambda config: config.channels.telegram,
        channel=telegram,
        name_of=_telegram_name,
        read_again=_telegram_again,
        link_to=telegram_names.link_to,
    ),
    Platform(
        zalo_bot_names.NAME,
        section=lambda config: config.channels.zalo_bot,
        channel=zalo_bot,
        name_of=_zalo_bot_name,
        read_again=_zalo_bot_again,
    ),
)
