"""Where a transcript is played: what the actor needs of it, and the terminal as one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from bot.app import Parts
from bot.config import Config
from bot.stage import Place, Saying, Shown, Stage, staged
from bot.start import open_installation
from bot.transcript import Scene
from dialogue.fit import is_move
from handlers.content import Content

BIRTHDAY = datetime(2026, 11, 20, 1, tzinfo=UTC)
"""When the demonstration of the transcripts was made: before the first of their days."""


@dataclass(frozen=True, slots=True)
class Read:
    """A message as somebody reads it. `labels` are those of the answers; `message` is what the theatre knows it by."""

    persona: str
    text: str
    labels: tuple[str, ...]
    message: Any
    picture: bool = False


@dataclass(frozen=True, slots=True)
class Speech:
    """What somebody does: writes, sends, or presses the button `label` of `read`; `edits` is an earlier `say`.

    `place` is the one that `enter` gave her.
    """

    persona: str
    place: Place
    text: str = ""
    read: Read | None = None
    label: str = ""
    photos: tuple[bytes, ...] = ()
    unread: str | None = None
    edits: Any = None


class Theatre(Protocol):
    """The real program with a door to it."""

    @property
    def parts(self) -> Parts:
        """The program's parts."""

    @property
    def now(self) -> datetime:
        """The program's clock."""

    async def enter(self, scene: Scene) -> Place:
        """Move the clock on to a scene, let its person speak, and return how she is reached."""

    async def say(self, speech: Speech) -> Any:
        """Let her do something and return what an edit of it needs; the program has it when this returns."""

    async def settle(self) -> Sequence[Read]:
        """Return what everybody came to read until nothing is left to do."""


class Terminal:
    """The stage of `lantoa play`. Without `buttons` choices are numbers."""

    def __init__(self, stage: Stage, *, buttons: bool = True) -> None:
        self._stage = stage
        self._buttons = buttons

    @property
    def parts(self) -> Parts:
        """The program's parts."""
        return self._stage.parts

    @property
    def now(self) -> datetime:
        """The program's clock."""
        return self._stage.now

    async def enter(self, scene: Scene) -> Place:
        """Move the clock on and change the person."""
        self._stage.now = max(self._stage.now, scene.at)
        return await self._stage.enter(scene.persona, at_home=scene.at_home), scene.persona

    async def say(self, speech: Speech) -> str:
        """Hand it over and return its key."""
        text, pressed = speech.text, None
        if speech.read is not None:
            text, pressed = self._pressed(speech.read.message, speech.label)
        saying = Saying(text, pressed, speech.photos, speech.unread, edits=speech.edits)
        await self._stage.hand_over(speech.persona, saying, channel=speech.place[0])
        return saying.key

    def _pressed(self, shown: Shown, wanted: str) -> tuple[str, str | None]:
        """A press where there are buttons; else its number, or the word where it has none."""
        if self._buttons:
            labels = [button.label for button in shown.rendered.buttons]
            assert wanted in labels, f"there is no button “{wanted}” among {labels}"
            return "", f"{shown.delivery_id}.{labels.index(wanted)}"
        return typed(shown.rendered.text, wanted), None

    async def settle(self) -> Sequence[Read]:
        """Work until nothing is left."""
        return [read(shown) for shown in await self._stage.settle()]


def typed(text: str, wanted: str) -> str:
    """Return what somebody types who means a choice in a text: its number, or the word where it has none."""
    numbers = [line.partition(". ")[0] for line in text.splitlines() if line.partition(". ")[2] == wanted]
    return numbers[-1] if numbers else wanted


def read(shown: Shown) -> Read:
    """Return what was shown in the terminal as it is read."""
    labels = tuple(button.label for button in shown.rendered.buttons if not is_move(button))
    return Read(shown.persona, shown.rendered.text, labels, shown)


@asynccontextmanager
async def in_the_terminal(
    config: Config, content: Content, now: datetime, *, buttons: bool = True, abroad: bool = False
) -> AsyncIterator[Theatre]:
    """Open the installation and play it in the terminal."""
    opened = await open_installation(config, content, now=BIRTHDAY)
    try:
        async with staged(config, content, opened, buttons=buttons, now=now, abroad=abroad) as stage:
            yield Terminal(stage, buttons=buttons)
    finally:
        await opened.close()
