"""Play a transcript line by line, wherever it is played."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from typing import Any

from PIL import Image

from bot.stage import Place
from bot.transcript import Heard, Line, Said, Scene, hide_codes, show_codes
from dialogue.text import Wording
from storage import consents, contacts
from storage.consents import NewConsent
from storage.database import Connection
from tests.dialogues.theatre import BIRTHDAY, Read, Speech, Theatre

OpenTheatre = Callable[[datetime], AbstractAsyncContextManager[Theatre]]
"""Opens the theatre with the clock at a time; again on the same data after it was closed."""


def a_photo(number: int = 0) -> bytes:
    """Return a small real JPEG; each number is another one."""
    file = BytesIO()
    Image.new("RGB", (64, 48 + number), "green").save(file, "JPEG")
    return file.getvalue()


class Actor:
    """Plays one transcript. With `agreed` everybody consented to the transfer abroad before.

    `plain`: choices stand in the text, with numbers. `pictures`: they are shown. `links`: some channel has such.
    `unnamed`: what is sent and cannot be read is not told apart there (`dialogue.messages.UNREAD`).
    `restarts`: the program is closed and opened anew before any line that makes it do something.
    """

    def __init__(
        self,
        theatre: OpenTheatre,
        *,
        plain: bool = False,
        restarts: bool = False,
        abroad: bool = False,
        agreed: bool = True,
        pictures: bool = False,
        links: bool = False,
        unnamed: Sequence[str] = (),
    ) -> None:
        self._open = theatre
        self._plain = plain
        self._restarts = restarts
        self._abroad = abroad
        self._agreed = agreed
        self._pictures = pictures
        self._links = links
        self._unnamed = unnamed
        self._told: Mapping[str, str] = {}
        self._now = BIRTHDAY
        self._photos = 0
        self._texts: dict[str, Any] = {}
        self._known: set[str] = set()
        self._scene = Scene("", BIRTHDAY)
        self._place: Place = ("", "")
        self._codes: dict[str, str] = {}
        self._unread: dict[str, list[Read]] = {}
        self._last: dict[str, Read] = {}

    async def play(self, lines: Sequence[Line]) -> None:
        """Play all lines, from the time of the first scene on."""
        self._now = next(line.at for line in lines if isinstance(line, Scene))
        for run in _steps(lines) if self._restarts else [lines]:
            async with self._open(self._now) as theatre:
                self._told = _told_instead(theatre.parts.content.wording, self._unnamed)
                for line in run:
                    await self._step(theatre, line)
                self._now = theatre.now
        rest = self._unread.get(self._scene.persona)
        assert not rest, f"{self._scene.persona} was also shown: {_texts(rest)}"

    async def _step(self, theatre: Theatre, line: Line) -> None:
        match line:
            case Scene():
                await self._enter(theatre, line)
            case Said():
                await self._say(theatre, line)
            case Heard():
                self._expect(line)

    async def _enter(self, theatre: Theatre, scene: Scene) -> None:
        self._scene = scene
        place = self._place = await theatre.enter(scene)
        if self._abroad and self._agreed and not scene.at_home and scene.persona not in self._known:
            self._known.add(scene.persona)
            await theatre.parts.db.write(_agree, place, scene.at)
        self._keep(await theatre.settle())

    async def _say(self, theatre: Theatre, line: Said) -> None:
        persona = self._scene.persona
        left = self._unread.pop(persona, [])
        assert not left, f"before “{line.text or line.button}” there was also: {_texts(left)}"
        photos = tuple(a_photo(self._photos + number) for number in range(line.photos))
        self._photos += line.photos
        speech = Speech(
            persona,
            self._place,
            text=show_codes(line.text, self._codes),
            read=self._last[persona] if line.button is not None else None,
            label=show_codes(line.button or "", self._codes),
            photos=photos,
            unread=line.unread,
            edits=self._texts[persona] if line.edits else None,
        )
        said = await theatre.say(speech)
        if line.text and not line.edits:
            self._texts[persona] = said
        self._keep(await theatre.settle())

    def _keep(self, reads: Sequence[Read]) -> None:
        for each in reads:
            self._unread.setdefault(each.persona, []).append(each)

    def _expect(self, line: Heard) -> None:
        is_home = self._scene.at_home
        if self._abroad and not is_home and line.abroad is not None:
            line = line.abroad
        if not self._links:
            line = replace(line, buttons=tuple(label for label in line.buttons if label not in line.linked))
        if not self._pictures or is_home:
            self._compare(replace(line, picture=False))
        elif line.drawn is None:
            self._compare(line)
        else:
            self._compare(replace(line, buttons=()))
            self._compare(Heard(line.drawn, line.buttons, picture=True))

    def _compare(self, line: Heard) -> None:
        persona = self._scene.persona
        queue = self._unread.get(persona) or []
        assert queue, f"{persona} should read “{line.text}” and reads nothing"
        read = self._last[persona] = queue.pop(0)
        text = hide_codes(read.text, self._codes)
        line = replace(line, text=self._told.get(line.text, line.text))
        if self._plain:
            assert text.startswith(line.text)
            assert read.picture == line.picture
            assert all(label in text for label in line.buttons)
        else:
            assert (text, read.picture) == (line.text, line.picture)
            assert tuple(hide_codes(label, self._codes) for label in read.labels) == line.buttons


def _told_instead(wording: Wording, unnamed: Sequence[str]) -> Mapping[str, str]:
    """Return what is said where the platform does not tell what was sent, by what is said where it does."""
    return {
        wording.sentence(f"unread.{name}", language): wording.sentence("unread.unknown", language)
        for name in unnamed
        for language in wording.languages
    }


def _steps(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield each line that makes the program do something, with what is read after it."""
    step: list[Line] = []
    for line in lines:
        if step and not isinstance(line, Heard):
            yield step
            step = []
        step.append(line)
    yield step


def _agree(db: Connection, place: Place, at: datetime) -> None:
    """Record that somebody agreed to the transfer, as if she had been asked before."""
    channel, external_id = place
    contact_id = contacts.address_for(db, channel, external_id, at=at, language="vi").contact_id
    new = NewConsent(
        contact_id=contact_id,
        purpose=consents.TRANSFER_ABROAD,
        text_version="test",
        text_shown="",
        channel=channel,
        recorded_by=contact_id,
        given_at=at,
    )
    consents.give(db, new)


def _texts(reads: Sequence[Read] | None) -> list[str]:
    return [each.text for each in reads or ()]
