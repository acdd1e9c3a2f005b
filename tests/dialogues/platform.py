"""A platform as a theatre: people write over its own protocol and read what lies in their chats.

The program's parts are the real ones, the platform is a fake of `tests/fakes`, the way in is the real poll or the real
webhook. Two things are ours: the clock, which the dates in the platform's messages follow, and the paces of sending,
which are left out, for nothing here is watched for its speed.
"""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from aiohttp import web

from bot.app import Parts, assembled
from bot.channels import terminal
from bot.channels.base import Channel
from bot.config import Config, load
from bot.outage import TOLD_AFTER
from bot.platforms import MakeChannel
from bot.stage import Place, Shown, Stage
from bot.start import open_installation
from bot.transcript import Scene
from bot.web import Health, make_web
from dialogue.messages import Capabilities, Rendered
from handlers.content import Content
from storage.opening import Opened
from storage.sealing import Keys
from tests.channels.waiting import until
from tests.dialogues.theatre import BIRTHDAY, Read, Speech, Terminal, Theatre
from tests.fakes.client import Fake

FIRST_NUMBER = 1001
SECRET = "s3cret-of-the-transcripts"
AnyFake = TypeVar("AnyFake", bound=Fake[Any])
Person = TypeVar("Person")


def unpaced(capabilities: Capabilities) -> Capabilities:
    """Return the same without paces."""
    return replace(capabilities, rate_per_s=None, per_chat=None, per_group=None)


class OnPlatform(ABC, Generic[AnyFake, Person]):
    """People on a fake platform; who comes at home does so in the terminal, on the same program."""

    name = ""
    buttons = True
    """Whether choices are buttons, here and at home."""

    def __init__(self, stage: Stage, fake: AnyFake) -> None:
        self._stage = stage
        self._fake = fake
        self._home = Terminal(stage, buttons=self.buttons)
        self._people: dict[str, Person] = {}

    @property
    def parts(self) -> Parts:
        """The program's parts."""
        return self._stage.parts

    @property
    def now(self) -> datetime:
        """The program's clock."""
        return self._stage.now

    async def enter(self, scene: Scene) -> Place:
        """Move the clock on and change the person; whoever spoke at one place is known at the other."""
        await self._pass_time(scene.at)
        there = self.name, self.address(self.person(scene.persona))
        home = terminal.NAME, scene.persona
        first, second = (home, there) if scene.at_home else (there, home)
        await self._stage.know(scene.persona, first, second)
        if scene.at_home:
            await self._home.enter(scene)
        return first

    async def _pass_time(self, until: datetime) -> None:
        """Let the clock go on, and something else happen meanwhile: the line is never silent for long."""
        while self._stage.now < until:
            self._stage.now = min(until, self._stage.now + TOLD_AFTER)
            await self.be_heard()
            await self._fake.wait_confirmed()

    def person(self, persona: str) -> Person:
        """Return who plays a persona."""
        if persona not in self._people:
            self._people[persona] = self.made(FIRST_NUMBER + len(self._people), persona)
        return self._people[persona]

    async def say(self, speech: Speech) -> Any:
        """Let her do it in her chat, and wait until the program confirmed to the platform that it has it."""
        if speech.place[0] != self.name:
            return await self._home.say(speech)
        return await self.act(self.person(speech.persona), speech)

    async def settle(self) -> Sequence[Read]:
        """Work until nothing is left, then look into all chats for what is new there or was changed."""
        return [*await self._home.settle(), *await self.news()]

    # --- What each platform does its own way ---

    @abstractmethod
    def made(self, number: int, name: str) -> Person:
        """Return a new person."""

    @abstractmethod
    def address(self, person: Person) -> str:
        """Return what the platform calls her."""

    @abstractmethod
    async def be_heard(self) -> None:
        """Let something come in that the program has no use for."""

    @abstractmethod
    async def act(self, person: Person, speech: Speech) -> Any:
        """Let her do it, and wait until the program has it."""

    @abstractmethod
    async def news(self) -> Sequence[Read]:
        """Return what is new in all chats."""


@dataclass(frozen=True)
class House:
    """A platform to be played on: its fake, its channel without paces, its theatre.

    `taken_by` names how each way of listening confirms an update.
    """

    name: str
    fake: Callable[..., AbstractAsyncContextManager[Any]]
    channel: Callable[[Keys], MakeChannel]
    theatre: type[OnPlatform[Any, Any]]
    taken_by: Mapping[str, str]
    is_ready: Callable[[Channel, Any], Any]


@asynccontextmanager
async def on_platform(
    house: House, folder: Path, content: Content, now: datetime, *, mode: str
) -> AsyncIterator[Theatre]:
    """Open the installation in `folder` beside a fake platform that brings updates by `mode`."""
    stages: list[Stage] = []

    def clock() -> datetime:
        return stages[0].now if stages else now

    async with AsyncExitStack() as stack:
        fake = await stack.enter_async_context(house.fake(wall=lambda: clock().timestamp()))
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = load(folder / "config.yaml", _environment(house.name, fake, url, mode))
        opened = await open_installation(config, content, now=BIRTHDAY)
        stack.push_async_callback(opened.close)
        parts = await stack.enter_async_context(_assembled(house, config, content, opened, stages=stages, clock=clock))
        stages.append(Stage(parts, now))
        channel = parts.channels[house.name]
        await channel.start()
        stack.push_async_callback(channel.stop)
        await parts.sender.begin()
        await stack.enter_async_context(_serving(parts, listener))
        await channel.listen()
        stack.push_async_callback(channel.hush)
        await until(lambda: house.is_ready(channel, fake))
        yield house.theatre(stages[0], fake)
        assert (await fake.totals()).refused == 0
        assert {update.confirmed_by for update in await fake.updates()} == {house.taken_by[mode]}


def _environment(name: str, fake: Fake[Any], url: str, mode: str) -> Mapping[str, str]:
    section = f"LANTOA_CHANNELS__{name.upper()}__"
    return {
        "LANTOA_CHANNELS__ALLOW_DEMO": "true",
        f"{section}TOKEN": fake.token,
        f"{section}API_URL": fake.url,
        f"{section}MODE": mode,
        f"{section}WEBHOOK_SECRET": SECRET,
        "LANTOA_WEB__PUBLIC_URL": url,
    }


@asynccontextmanager
async def _assembled(
    house: House,
    config: Config,
    content: Content,
    opened: Opened,
    *,
    stages: Sequence[Stage],
    clock: Callable[[], datetime],
) -> AsyncIterator[Parts]:
    def show(persona: str, delivery_id: int, rendered: Rendered) -> None:
        stages[0].heard.append(Shown(persona, delivery_id, rendered))

    def channels(*given: Any) -> list[Channel]:
        return [terminal.Terminal(show, buttons=house.theatre.buttons), house.channel(opened.keys)(*given)]

    async with assembled(config, content, opened, channels, clock=clock) as parts:
        yield parts


@asynccontextmanager
async def _serving(parts: Parts, listener: socket.socket) -> AsyncIterator[None]:
    """Serve what the channels bring, as the program does."""

    async def health() -> Health:
        return Health(ok=True, detail={})

    routes = [route for channel in parts.channels.values() for route in channel.routes()]
    routes += parts.links.routes() if parts.links is not None else ()
    runner = web.AppRunner(make_web(health=health, metrics=parts.metrics.render, routes=routes), access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        yield
    finally:
        await runner.cleanup()
