"""Open the installation that the configuration names; where nothing was ever made, make a demonstration."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot import demo
from bot.config import Config, Wrong
from bot.platforms import platforms_on
from dialogue.messages import Say
from handlers.content import Content
from storage import installation
from storage.database import Connection
from storage.opening import Files, Opened, open_database
from storage.sealing import Keys


def files_of(config: Config) -> Files:
    """Return where the parts of the installation lie."""
    return Files(config.database.place, config.data.key_file, config.data.backups)


async def open_installation(config: Config, content: Content, *, now: datetime) -> Opened:
    """Return the open database, migrated; a demonstration planted as of `now` if there was none.

    Raises `Wrong` where a demonstration could be taken for the real thing, `Refused` of `storage.opening` and
    `KeyFileWrong` of `storage.sealing`. Nothing is left half-made or locked then.
    """
    mistakes = list(demo_conflicts(config))

    def fill(db: Connection, keys: Keys) -> None:
        if mistakes:
            raise Wrong(*mistakes)
        demo.plant(db, keys, folder=config.content, content=content, now=now)

    opened = open_database(files_of(config), fill=fill)
    try:
        place = await opened.db.read(installation.get)
        if place.is_demo and mistakes:
            raise Wrong(*mistakes)
    except BaseException:
        await opened.close()
        raise
    return opened


def demo_conflicts(config: Config) -> Iterator[Say]:
    """Yield what must not stand beside made-up data: people outside this machine would believe them."""
    if config.channels.allow_demo:
        return
    if not config.web.is_loopback:
        yield Say("start.demo_host", {"host": config.web.host})
    if config.web.public_url is not None:
        yield Say("start.demo_public_url", {"url": str(config.web.public_url)})
    for platform, _section in platforms_on(config):
        yield Say("start.demo_channel", {"path": f"channels.{platform.name}.token"})
