"""Play every transcript on the real program: with buttons and without, and with a restart between any two lines."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bot.config import Config, load
from bot.stage import Shown, Stage, staged
from bot.start import open_installation
from bot.transcript import Heard, Line, Said, Scene, hide_codes, parse, show_codes
from dialogue.fit import is_move
from dialogue.messages import Button
from handlers.content import Content
from tests.conftest import Demonstration

TRANSCRIPTS = sorted(Path(__file__).parent.glob("*.txt"))
BIRTHDAY = datetime(2026, 11, 20, 1, tzinfo=UTC)
"""When the demonstration of the transcripts was made: before the first of their days."""


@pytest.fixture
def config(demonstration: Demonstration, tmp_path: Path) -> Config:
    shutil.copytree(demonstration(BIRTHDAY), tmp_path, dirs_exist_ok=True)
    return load(tmp_path / "config.yaml", {})


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("way", ["buttons", "numbers", "restarts"])
async def test_transcript(transcript: Path, way: str, config: Config, content: Content) -> None:
    lines = parse(await asyncio.to_thread(transcript.read_text, encoding="utf-8"))
    actor = Actor(config, content, buttons=way != "numbers", restarts=way == "restarts")
    await actor.play(lines)


def test_there_are_transcripts() -> None:
    assert TRANSCRIPTS


def a_photo() -> bytes:
    """Return a small real JPEG."""
    file = BytesIO()
    Image.new("RGB", (64, 48), "green").save(file, "JPEG")
    return file.getvalue()


class Actor:
    """Plays one transcript."""

    def __init__(self, config: Config, content: Content, *, buttons: bool, restarts: bool) -> None:
        self._config = config
        self._content = content
        self._buttons = buttons
        self._restarts = restarts
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
            async with staged(self._config, self._content, opened, buttons=self._buttons, now=self._scene.at) as stage:
                yield stage
        finally:
            await opened.close()

    async def _step(self, stage: Stage, line: Line) -> None:
        match line:
            case Scene():
                self._scene = line
                stage.now = max(stage.now, line.at)
                await stage.enter(line.persona)
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
        photos = [a_photo()] if line.photo else []
        self._keep(await stage.say(persona, text, pressed=pressed, photos=photos))

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


def _texts(shown: Sequence[Shown]) -> list[str]:
    return [each.rendered.text for each in shown]
