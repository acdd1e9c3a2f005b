"""Telegram as a theatre: people write and press over the platform's own protocol and read what lies in their chats.

The program's parts are the real ones, the platform is `tests/fakes/telegram`, the way in is the real poll or the real
webhook. Two things are ours: the clock, which the dates in the platform's messages follow, and the paces of sending,
which are left out, for nothing here is watched for its speed.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.app import Parts, assembled
from bot.channels import terminal
from bot.channels.base import Channel
from bot.channels.telegram.channel import Telegram
from bot.channels.telegram.names import NAME
from bot.channels.telegram.settings import Settings
from bot.channels.telegram.webhook import Place as WebhookPlace
from bot.config import Config, load
from bot.intake import ALBUM_WAIT, Intake
from bot.outage import TOLD_AFTER
from bot.ports.telegram import TelegramPorts
from bot.received import MAX_BYTES
from bot.stage import Place, Shown, Stage
from bot.start import open_installation
from bot.transcript import Scene
from bot.web import Health, make_web
from dialogue.messages import Capabilities, Choice, Rendered, Say
from dialogue.turn import BACK, CANCEL, SKIP
from handlers.content import Content
from storage.installation import Installation
from storage.opening import Opened
from tests.channels.waiting import until
from tests.dialogues.theatre import BIRTHDAY, Read, Speech, Terminal, Theatre
from tests.fakes.telegram import Done, FakeTelegram, Message, Person, fake_telegram
from tests.fakes.telegram.persons import captioned, filed

NEIGHBOUR_ID = 1000
FIRST_ID = 1001
GROUP_ID = -2001
SECRET = "s3cret-of-the-transcripts"
CONFIRMED_BY = {"polling": "offset", "webhook": "webhook"}
MOVES: Mapping[str, Mapping[str, str]] = {"turn.back": BACK, "turn.cancel": CANCEL, "turn.skip": SKIP}


class Unpaced(Telegram):
    """The channel without its paces."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can, as fast as it can."""
        return replace(super().capabilities, rate_per_s=None, per_chat=None, per_group=None)


class OnTelegram:
    """People on the fake platform; who comes at home does so in the terminal, on the same program."""

    def __init__(self, stage: Stage, fake: FakeTelegram) -> None:
        self._stage = stage
        self._fake = fake
        self._home = Terminal(stage)
        self._people: dict[str, Person] = {}
        self._group = fake.group(GROUP_ID)
        self._neighbour = fake.person(NEIGHBOUR_ID)
        self._seen: dict[tuple[int, int], int] = {}
        wording = stage.parts.content.wording
        moves = [Choice(move, Say(key)) for key, move in MOVES.items()]
        self._moves = {wording.button(move, each).label for move in moves for each in wording.languages}

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
        there, home = (NAME, str(self._person(scene.persona).id)), (terminal.NAME, scene.persona)
        first, second = (home, there) if scene.at_home else (there, home)
        await self._stage.know(scene.persona, first, second)
        if scene.at_home:
            await self._home.enter(scene)
        return first

    async def _pass_time(self, until: datetime) -> None:
        """Let the clock go on, and others talk meanwhile in a group we are in: the line is never silent for long."""
        while self._stage.now < until:
            self._stage.now = min(until, self._stage.now + TOLD_AFTER)
            await self._group.message(self._neighbour, "Mai họp nhé")
            await self._fake.wait_confirmed()

    def _person(self, persona: str) -> Person:
        if persona not in self._people:
            self._people[persona] = self._fake.person(FIRST_ID + len(self._people), persona)
        return self._people[persona]

    async def say(self, speech: Speech) -> Any:
        """Let her do it in her chat, and wait until the program confirmed to the platform that it has it."""
        if speech.place[0] != NAME:
            return await self._home.say(speech)
        person = self._person(speech.persona)
        if speech.read is not None:
            return await self._press(person, speech.read.message, speech.label)
        done = await _sent(person, speech)
        await self._fake.wait_confirmed()
        if len(speech.photos) > 1:
            self._stage.now += ALBUM_WAIT
        return done

    async def _press(self, person: Person, message: Message, label: str) -> Done:
        assert label in message.labels, f"there is no button “{label}” among {message.labels}"
        press = await person.press(message, label)
        await self._fake.wait_confirmed()
        assert await self._fake.answer_to(press) is not None
        return press

    async def settle(self) -> Sequence[Read]:
        """Work until nothing is left, then look into all chats for what is new there or was changed."""
        at_home = await self._home.settle()
        personas = {person.id: persona for persona, person in self._people.items()}
        apart: set[str] = set()
        reads: list[Read] = []
        for message in filter(self._is_fresh, await self._fake.messages()):
            persona, picture = personas[message.chat_id], "photo" in message.content
            if picture and not message.text:
                apart.add(persona)  # its words stand in the message after it
                continue
            labels = tuple(label for label in message.labels if label not in self._moves)
            reads.append(Read(persona, message.text, labels, message, picture or persona in apart))
            apart.discard(persona)
        assert not apart, f"{apart} were shown a picture without a word"
        return [*at_home, *reads]

    def _is_fresh(self, message: Message) -> bool:
        place = message.chat_id, message.message_id
        known, self._seen[place] = self._seen.get(place, -1), len(message.edits)
        return known < len(message.edits) and message.deleted_at is None


async def _sent(person: Person, speech: Speech) -> Done:
    if speech.edits is not None:
        return await person.edit_text(speech.edits, speech.text)
    if speech.unread is not None:
        return await UNREADABLE[speech.unread](person, speech.text)
    match speech.photos:
        case ():
            return await person.send_text(speech.text)
        case (photo,):
            return await person.send_photo(photo, speech.text)
        case photos:
            return (await person.send_album(photos, speech.text))[0]


async def _voice(person: Person, text: str) -> Done:
    file = filed("voice", b"OggS", {"media_type": "audio/ogg", "duration": 3})
    return await person.send(captioned(text), files=[file])


async def _large_photo(person: Person, text: str) -> Done:
    facts = {"name": "anh.jpg", "media_type": "image/jpeg", "size": MAX_BYTES + 1}
    return await person.send(captioned(text), files=[filed("document", b"...", facts)])


UNREADABLE: Mapping[str, Callable[[Person, str], Awaitable[Done]]] = {
    "voice": _voice,
    "video": lambda person, _: person.send_video(),
    "document": lambda person, _: person.send_document(b"%PDF"),
    "sticker": lambda person, _: person.send_sticker(),
    "location": lambda person, _: person.send_location(),
    "contact": lambda person, _: person.send_contact("84912345678", of=0),
    "large_photo": _large_photo,
}
"""How what cannot be read is sent; a text beside it can only stand under a file."""


@asynccontextmanager
async def on_telegram(folder: Path, content: Content, now: datetime, *, mode: str) -> AsyncIterator[Theatre]:
    """Open the installation in `folder` beside a fake platform that brings updates by `mode`."""
    stages: list[Stage] = []

    def clock() -> datetime:
        return stages[0].now if stages else now

    async with AsyncExitStack() as stack:
        fake = await stack.enter_async_context(fake_telegram(wall=lambda: clock().timestamp()))
        await fake.lift_limits()
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = load(folder / "config.yaml", _environment(fake, url, mode))
        opened = await open_installation(config, content, now=BIRTHDAY)
        stack.push_async_callback(opened.close)
        parts = await stack.enter_async_context(_assembled(config, content, opened, stages, clock))
        stages.append(Stage(parts, now))
        channel = parts.channels[NAME]
        await channel.start()
        stack.push_async_callback(channel.stop)
        await parts.sender.begin()
        await stack.enter_async_context(_serving(parts, listener))
        await channel.listen()
        stack.push_async_callback(channel.hush)
        await until(lambda: channel.link("menu"))
        yield OnTelegram(stages[0], fake)
        assert (await fake.totals()).refused == 0
        assert {update.confirmed_by for update in await fake.updates()} == {CONFIRMED_BY[mode]}


def _environment(fake: FakeTelegram, url: str, mode: str) -> Mapping[str, str]:
    return {
        "LANTOA_CHANNELS__ALLOW_DEMO": "true",
        "LANTOA_CHANNELS__TELEGRAM__TOKEN": fake.token,
        "LANTOA_CHANNELS__TELEGRAM__API_URL": fake.url,
        "LANTOA_CHANNELS__TELEGRAM__MODE": mode,
        "LANTOA_WEB__PUBLIC_URL": url,
    }


@asynccontextmanager
async def _assembled(
    config: Config, content: Content, opened: Opened, stages: Sequence[Stage], clock: Callable[[], datetime]
) -> AsyncIterator[Parts]:
    def show(persona: str, delivery_id: int, rendered: Rendered) -> None:
        stages[0].heard.append(Shown(persona, delivery_id, rendered))

    def channels(*given: Any) -> list[Channel]:
        return [terminal.Terminal(show, buttons=True), _unpaced(*given)]

    async with assembled(config, content, opened, channels, clock=clock) as parts:
        yield parts


def _unpaced(
    config: Config, content: Content, _place: Installation, intake: Intake, clock: Callable[[], datetime]
) -> Channel:
    section, url = config.channels.telegram, str(config.web.public_url)
    assert section.token is not None
    place = WebhookPlace(url, SECRET) if section.mode == "webhook" else None
    ports = TelegramPorts(name=NAME, db=intake.db, intake=intake, content=content, clock=clock)
    return Unpaced(ports, Settings(section.token, str(section.api_url), place=place), now=clock)


@asynccontextmanager
async def _serving(parts: Parts, listener: socket.socket) -> AsyncIterator[None]:
    """Serve what the channels bring, as the program does."""

    async def health() -> Health:
        return Health(ok=True, detail={})

    routes = [route for channel in parts.channels.values() for route in channel.routes()]
    runner = web.AppRunner(make_web(health=health, metrics=parts.metrics.render, routes=routes), access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        yield
    finally:
        await runner.cleanup()
