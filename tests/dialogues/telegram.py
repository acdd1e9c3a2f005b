"""Telegram as a theatre: people press buttons, edit, send albums; the program may change its own messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from bot.app import Clock
from bot.channels.base import Channel
from bot.channels.telegram.channel import Telegram
from bot.channels.telegram.names import NAME
from bot.channels.telegram.settings import Settings
from bot.channels.telegram.webhook import Place
from bot.config import Config
from bot.intake import ALBUM_WAIT, Intake
from bot.platforms import MakeChannel
from bot.ports.telegram import TelegramPorts
from bot.received import MAX_BYTES
from bot.stage import Stage
from dialogue.messages import Capabilities, Choice, Say
from dialogue.turn import BACK, CANCEL, SKIP
from handlers.content import Content
from storage.installation import Installation
from storage.sealing import Keys
from tests.dialogues.platform import House, OnPlatform, unpaced
from tests.dialogues.theatre import Read, Speech
from tests.fakes.records import Done
from tests.fakes.telegram import NO_LIMITS, FakeTelegram, Message, Person, fake_telegram
from tests.fakes.telegram.persons import captioned, filed

NEIGHBOUR_ID = 1000
GROUP_ID = -2001
MOVES: Mapping[str, Mapping[str, str]] = {"turn.back": BACK, "turn.cancel": CANCEL, "turn.skip": SKIP}


class Unpaced(Telegram):
    """The channel without its paces."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can, as fast as it can."""
        return unpaced(super().capabilities)


class OnTelegram(OnPlatform[FakeTelegram, Person]):
    """People on the fake platform."""

    name = NAME

    def __init__(self, stage: Stage, fake: FakeTelegram) -> None:
        super().__init__(stage, fake)
        self._group = fake.group(GROUP_ID)
        self._neighbour = fake.person(NEIGHBOUR_ID)
        self._seen: dict[tuple[int, int], int] = {}
        wording = stage.parts.content.wording
        moves = [Choice(move, Say(key)) for key, move in MOVES.items()]
        self._moves = {wording.button(move, each).label for move in moves for each in wording.languages}

    def made(self, number: int, name: str) -> Person:
        return self._fake.person(number, name)

    def address(self, person: Person) -> str:
        return str(person.id)

    async def be_heard(self) -> None:
        """Others talk in a group we are in."""
        await self._group.message(self._neighbour, "Mai họp nhé")

    async def act(self, person: Person, speech: Speech) -> Done:
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

    async def news(self) -> Sequence[Read]:
        """Return what is new or was changed."""
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
        return reads

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


def _unpaced(_keys: Keys) -> MakeChannel:
    def make(config: Config, content: Content, _place: Installation, intake: Intake, clock: Clock) -> Channel:
        section = config.channels.telegram
        assert section.token is not None
        assert section.webhook_secret is not None
        place = Place(str(config.web.public_url), section.webhook_secret) if section.mode == "webhook" else None
        ports = TelegramPorts(name=NAME, db=intake.db, intake=intake, content=content, clock=clock)
        return Unpaced(ports, Settings(section.token, str(section.api_url), place=place), now=clock)

    return make


TELEGRAM = House(
    NAME,
    fake=lambda **clock: fake_telegram(**{**clock, **NO_LIMITS}),
    channel=_unpaced,
    theatre=OnTelegram,
    taken_by={"polling": "offset", "webhook": "webhook"},
    is_ready=lambda channel, _fake: channel.link("menu"),
)
