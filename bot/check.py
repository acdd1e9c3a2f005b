"""Say what the program would run with: the effective configuration with secrets masked, the content, the place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bot import demo
from bot.channels.base import ChannelDown, NotSent, SendError, TooManyRequests
from bot.config import SECRET, Config, PlatformSection
from bot.environment import variable_of
from bot.platforms import Platform, platforms_on
from bot.reading import Reading
from bot.start import demo_conflicts, files_of
from bot.unit_content import load_units
from dialogue.messages import Phrase, Say
from handlers.content import Content
from storage import installation, opening
from storage.opening import Refused
from storage.sealing import KeyFileWrong, load_key_file

MASKED = "******"
USER_IN_URL = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def effective(config: Config) -> list[str]:
    """Return `path = value` of every setting, in the order of the file, with secrets masked."""
    return [f"{path} = {_shown(path, value)}" for path, value in _flat(config.model_dump(mode="json"))]


def _flat(section: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _shown(path: str, value: Any) -> str:
    if value is None or value in ({}, []):
        return "–"
    if SECRET.search(path.rpartition(".")[2]):
        return MASKED
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return USER_IN_URL.sub(MASKED, str(value)) if not isinstance(value, bool) else str(value).lower()


def examine_content(folder: Path, content: Content) -> Say:
    """Return how much there is in the content folder; `Wrong` names what is wrong in its units and demonstration."""
    reading = Reading(folder)
    tree, file = load_units(reading), demo.load_demo(reading)
    if file is not None and not reading.wrong:
        demo.check_demo(reading, file, tree, content)
    reading.finish()
    return Say(
        "check.content",
        {
            "sentences": len(content.wording.languages[content.wording.default]),
            "languages": ", ".join(content.wording.languages),
            "indicators": len(content.catalogue),
            "units": len(tree.units),
            "report_types": len(content.report_types),
        },
    )


async def examine_channels(config: Config) -> tuple[list[Say], list[Say]]:
    """Ask each channel that is on who we are there; return what is well and what is not. Nothing is changed there."""
    well: list[Say] = []
    ill: list[Say] = []
    for platform, section in platforms_on(config):
        said, is_well = await _examined(platform, section)
        (well if is_well else ill).append(said)
    return well, ill


async def _examined(platform: Platform, section: PlatformSection) -> tuple[Say, bool]:
    """Return what is to be said of a channel, and whether it is well."""
    values: dict[str, Phrase] = {
        "channel": Say(f"channel.{platform.name}"),
        "url": str(section.api_url),
        "path": f"channels.{platform.name}.api_url",
    }
    try:
        name = await platform.name_of(section)
    except ChannelDown:
        variable = variable_of(f"channels.{platform.name}.token")
        way = Say(f"check.new_token.{platform.name}")
        return Say("check.channel_refused", {**values, "way": way, "variable": variable}), False
    except TooManyRequests:
        return Say("check.channel_busy", values), False
    except NotSent as error:
        if error.reason == "platform_error":
            return Say("check.channel_unclear", {**values, "reason": error.reason}), False
        return Say("check.channel_no_line", values), False
    except SendError as error:
        return Say("check.channel_unclear", {**values, "reason": error.reason}), False
    return Say("check.channel_good", {**values, "name": name}), True


def examine_place(config: Config) -> tuple[Say, list[Say]]:
    """Return what there is to run on, and what would keep it from running. Nothing is made or changed."""
    files = files_of(config)
    try:
        if not opening.is_occupied(files):
            if files.has_traces():
                raise Refused("lost", files.database)
            return Say("check.no_database"), list(demo_conflicts(config))
        load_key_file(files.key_file)
        with opening.beside(files.database, writing=False, older_too=True) as db:
            place = installation.get(db)
    except Refused as error:
        return Say("check.no_database"), [Say(f"open.{error.problem}", {"file": str(error.place)})]
    except KeyFileWrong as error:
        return Say("check.no_database"), [Say(f"key_file.{error.problem}", {"file": str(error.path)})]
    kind = Say("check.kind_demo" if place.is_demo else "check.kind_real")
    hold = Say("check.on_hold") if place.hold else None
    told = Say("check.database", {"kind": kind, "controller": place.controller, "hold": hold})
    return told, list(demo_conflicts(config)) if place.is_demo else []
