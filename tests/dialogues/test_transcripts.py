"""Play every transcript on the real program: with buttons and a restart between any two lines, without buttons, and on
a channel whose servers stand abroad."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bot.config import Config, load
from bot.stage import Saying, Shown, Stage, staged
from bot.start import open_installation
from bot.transcript import Heard, Line, Said, Scene, hide_codes, parse, show_codes, write
from dialogue.fit import is_move
from dialogue.messages import Button
from handlers.content import Content
from storage import consents, contacts
from storage.consents import NewConsent
from storage.database import Connection
from tests.conftest import Demonstration

TRANSCRIPTS = sorted(Path(__file__).parent.glob("*.txt"))
ONLY_ABROAD = "abroad_"
"""Transcripts so named are about what is different abroad; in all others people agreed to the transfer before."""

BIRTHDAY = datetime(2026, 11, 20, 1, tzinfo=UTC)
"""When the demonstration of the transcripts was made: before the first of their days."""


@pytest.fixture
def config(demonstration: Demonstration, tmp_path: Path) -> Config:
    shutil.copytree(demonstration(BIRTHDAY), tmp_path, dirs_exist_ok=True)
    return load(tmp_path / "config.yaml", {})


AT_HOME = [path for path in TRANSCRIPTS if not path.stem.startswith(ONLY_ABROAD)]


@pytest.mark.parametrize("transcript", AT_HOME, ids=lambda path: path.stem)
@pytest.mark.parametrize("way", ["numbers", "restarts"])
async def test_transcript(transcript: Path, way: str, config: Config, content: Content) -> None:
    actor = Actor(config, content, buttons=way != "numbers", restarts=way == "restarts")
    await actor.play(await lines_of(transcript))


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
async def test_transcript_abroad(transcript: Path, config: Config, content: Content) -> None:
    agreed = not transcript.stem.startswith(ONLY_ABROAD)
    await Actor(config, content, abroad=True, agreed=agreed).play(await lines_of(transcript))


async def lines_of(transcript: Path) -> list[Line]:
    return parse(await asyncio.to_thread(transcript.read_text, encoding="utf-8"))


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
async def test_a_transcript_written_anew_reads_the_same(transcript: Path) -> None:
    lines = await lines_of(transcript)
    assert parse(write(lines)) == lines


def test_there_are_transcripts() -> None:
    assert TRANSCRIPTS


def a_photo(number: int = 0) -> bytes:
    """Return a small real JPEG; each number is another one."""
    file = BytesIO()
    Image.new("RGB", (64, 48 + number), "green").save(file, "JPEG")
    return file.getvalue()


class Actor:
    """Plays one transcript. With `agreed` everybody consented to the transfer abroad before."""

    def __init__(
        self,
        config: Config,
        content: Content,
        *,
        buttons: bool = True,
        restarts: bool = False,
        abroad: bool = False,
        agreed: bool = True,
    ) -> None:
        self._config = config
        self._content = content
        self._buttons = buttons
        self._restarts = restarts
        self._abroad = abroad
        self._agreed = agreed
        self._channel = ""
        self._now = BIRTHDAY
        self._photos = 0
        self._texts: dict[str, str] = {}
        self._known: set[str] = set()
        self._scene = Scene("", BIRTHDAY)
        self._codes: dict[str, str] = {}
        self._heard: dict[str, list[Shown]] = {}
        self._last: dict[str, Shown] = {}

    async def play(self, lines: Sequence[Line]) -> None:
        """Play all lines; before any line that makes it do something the program may be closed and opened anew."""
        runs = list(_steps(lines)) if self._restarts else [lines]
        for run in runs:
            async with self._stage() as stage:
                for line in run:
                    await self._step(stage, line)
        for persona, rest in self._heard.items():
            assert persona != self._scene.persona or not rest, f"{persona} was also shown: {_texts(rest)}"

    @asynccontextmanager
    async def _stage(self) -> AsyncIterator[Stage]:
        opened = await open_installation(self._config, self._content, now=BIRTHDAY)
        try:
            played = partial(staged, buttons=self._buttons, now=self._now, abroad=self._abroad)
            async with played(self._config, self._content, opened) as stage:
                yield stage
                self._now = stage.now
        finally:
            await opened.close()

    async def _step(self, stage: Stage, line: Line) -> None:
        match line:
            case Scene():
                self._scene = line
                stage.now = max(stage.now, line.at)
                self._channel = await stage.enter(line.persona, at_home=line.at_home)
                if self._abroad and self._agreed and not line.at_home and line.persona not in self._known:
                    self._known.add(line.persona)
                    await stage.parts.db.write(_agree, self._channel, line)
                self._keep(await stage.settle())
            case Said():
                await self._say(stage, line)
            case Heard():
                self._expect(line)

    async def _say(self, stage: Stage, line: Said) -> None:
        persona = self._scene.persona
        left = self._heard.pop(persona, [])
        assert not left, f"before “{line.text or line.button}” there was also: {_texts(left)}"
        text, pressed = show_codes(line.text, self._codes), None
        if line.button is not None:
            text, pressed = self._press(line.button)
        photos = tuple(a_photo(self._photos + number) for number in range(line.photos))
        self._photos += line.photos
        saying = Saying(text, pressed, photos, line.unread, edits=self._texts[persona] if line.edits else None)
        if line.text and not line.edits:
            self._texts[persona] = saying.key
        self._keep(await stage.say(persona, saying, channel=self._channel))

    def _press(self, label: str) -> tuple[str, str | None]:
        """A press where there are buttons; else her number, or the word where it has none."""
        last = self._last[self._scene.persona]
        wanted = show_codes(label, self._codes)
        buttons: Sequence[Button] = last.rendered.buttons
        if self._buttons:
            labels = [button.label for button in buttons]
            assert wanted in labels, f"there is no button “{wanted}” among {labels}"
            return "", f"{last.delivery_id}.{labels.index(wanted)}"
        lines = last.rendered.text.splitlines()
        numbers = [text.partition(". ")[0] for text in lines if text.partition(". ")[2] == wanted]
        return (numbers[-1] if numbers else wanted), None

    def _keep(self, shown: Sequence[Shown]) -> None:
        for each in shown:
            self._heard.setdefault(each.persona, []).append(each)

    def _expect(self, line: Heard) -> None:
        if self._abroad and not self._scene.at_home and line.abroad is not None:
            line = line.abroad
        persona = self._scene.persona
        queue = self._heard.get(persona) or []
        assert queue, f"{persona} should read “{line.text}” and reads nothing"
        shown = queue.pop(0)
        self._last[persona] = shown
        text = hide_codes(shown.rendered.text, self._codes)
        if self._buttons:
            assert text == line.text
            labels = [hide_codes(b.label, self._codes) for b in shown.rendered.buttons if not is_move(b)]
            assert tuple(labels) == line.buttons
        else:
            assert text.startswith(line.text)
            assert all(label in text for label in line.buttons)


def _steps(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield each line that makes the program do something, with what is read after it."""
    step: list[Line] = []
    for line in lines:
        if step and not isinstance(line, Heard):
            yield step
            step = []
        step.append(line)
    yield step


def _agree(db: Connection, channel: str, scene: Scene) -> None:
    """Record that somebody agreed to the transfer, as if she had been asked before."""
    contact_id = contacts.address_for(db, channel, scene.persona, at=scene.at, language="vi").contact_id
    new = NewConsent(
        contact_id=contact_id,
        purpose=consents.TRANSFER_ABROAD,
        text_version="test",
        text_shown="",
        channel=channel,
        recorded_by=contact_id,
        given_at=scene.at,
    )
    consents.give(db, new)


def _texts(shown: Sequence[Shown]) -> list[str]:
    return [each.rendered.text for each in shown]
