"""The Zalo Bot Platform as a theatre: choices are numbers, and much of what people send has no name there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bot.app import Clock
from bot.channels.base import Channel
from bot.channels.zalo_bot.albums import NEAR
from bot.channels.zalo_bot.channel import ZaloBot
from bot.channels.zalo_bot.names import NAME
from bot.channels.zalo_bot.settings import Settings
from bot.channels.zalo_bot.webhook import Place
from bot.config import Config
from bot.intake import ALBUM_WAIT, Intake
from bot.outage import TOLD_AFTER
from bot.platforms import MakeChannel, picture_links
from bot.ports.zalo_bot import ZaloBotPorts
from bot.stage import Stage
from bot.transcript import Said
from dialogue.messages import Capabilities
from handlers.content import Content
from storage.installation import Installation
from storage.sealing import Keys
from tests.dialogues.platform import House, OnPlatform, unpaced
from tests.dialogues.theatre import Read, Speech, typed
from tests.fakes.records import Done
from tests.fakes.zalo import FakeZalo, Message, Person, fake_zalo, id_of

POLL_S = 0.5
UNNAMED = ("video", "document", "location", "contact")
"""What the platform only calls unsupported."""


class Unpaced(ZaloBot):
    """The channel without its paces."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can, as fast as it can."""
        return unpaced(super().capabilities)


class OnZaloBot(OnPlatform[FakeZalo, Person]):
    """People on the fake platform."""

    name = NAME
    buttons = False

    def __init__(self, stage: Stage, fake: FakeZalo) -> None:
        super().__init__(stage, fake)
        self._read = 0

    def made(self, number: int, name: str) -> Person:
        return self._fake.person(number, name)

    def address(self, person: Person) -> str:
        return person.id

    async def be_heard(self) -> None:
        """Something happens that is no message."""
        await self._fake.tell({"event_name": "group.renamed"}, id_of(1, "group"))

    async def act(self, person: Person, speech: Speech) -> Done:
        done = await _sent(person, speech)
        await self._fake.wait_confirmed()
        if speech.photos:
            # Any picture may be one of several, and the next one is not sent before this one was answered.
            self._stage.now += ALBUM_WAIT + 2 * NEAR
        return done

    async def news(self) -> Sequence[Read]:
        """Return what is new; nothing can be changed there."""
        messages = await self._fake.messages()
        new, self._read = messages[self._read :], len(messages)
        personas = {person.id: persona for persona, person in self._people.items()}
        return [_reading(personas[message.chat], message) for message in new]


def _reading(persona: str, message: Message) -> Read:
    return Read(persona, message.text, (), message, message.photo is not None)


async def _sent(person: Person, speech: Speech) -> Done:
    if speech.read is not None:
        return await person.send_text(typed(speech.read.text, speech.label))
    if speech.unread is not None:
        return await UNREADABLE[speech.unread](person)
    match speech.photos:
        case ():
            return await person.send_text(speech.text)
        case photos:
            return (await person.send_album(photos, speech.text))[0]


UNREADABLE: Mapping[str, Callable[[Person], Awaitable[Done]]] = {
    "voice": Person.send_voice,
    "sticker": Person.send_sticker,
    **dict.fromkeys(UNNAMED, Person.send_unsupported),
}
"""How what cannot be read is sent."""


def can(said: Said) -> bool:
    """Tell whether people can do this there: no message is ever edited, and words stand under photos only."""
    return not said.edits and (said.unread is None or (said.unread in UNREADABLE and not said.text))


def _unpaced(keys: Keys) -> MakeChannel:
    def make(config: Config, content: Content, _place: Installation, intake: Intake, clock: Clock) -> Channel:
        section = config.channels.zalo_bot
        assert section.token is not None
        assert section.webhook_secret is not None
        place = Place(str(config.web.public_url), section.webhook_secret) if section.mode == "webhook" else None
        links = picture_links(config, keys, clock)
        ports = ZaloBotPorts(name=NAME, db=intake.db, intake=intake, content=content, clock=clock, links=links)
        ports.told_after = TOLD_AFTER  # days pass here in steps of hours
        settings = Settings(section.token, str(section.api_url), place=place, poll_s=POLL_S)
        return Unpaced(ports, settings, now=clock)

    return make


async def _is_known(channel: Any, fake: FakeZalo) -> bool:
    """Tell whether the way in is settled and the bot knows its name."""
    methods = (await fake.totals()).methods
    return "getMe" in methods and bool("getUpdates" in methods or await fake.webhook_url())


ZALO_BOT = House(
    NAME,
    fake=lambda **clock: fake_zalo(**clock, local_webhooks=True),
    channel=_unpaced,
    theatre=OnZaloBot,
    taken_by={"polling": "poll", "webhook": "webhook"},
    is_ready=_is_known,
)
