"""Talk to the program in a terminal, and write what was said as a transcript test."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bot.config import Config
from bot.stage import Saying, Shown, Stage, staged
from bot.transcript import PHOTO, Heard, Line, Said, Scene, hide_codes, write
from dialogue.fit import is_move, numbered
from dialogue.messages import Button
from handlers.content import Content
from storage.opening import Opened


@dataclass
class Player:
    """One person at the keyboard. Buttons are chosen by number or by `[label]`; `:q` leaves, `:as NAME` changes."""

    stage: Stage
    persona: str
    show: Callable[[str], None]
    lines: list[Line] = field(default_factory=list)
    _last: dict[str, Shown] = field(default_factory=dict)
    _codes: dict[str, str] = field(default_factory=dict)

    async def begin(self) -> None:
        """Greet as the chat page does."""
        await self.become(self.persona)
        await self.hear("/start")

    async def become(self, persona: str) -> None:
        """Speak as another persona."""
        self.persona = persona
        await self.stage.enter(persona)
        self.lines.append(Scene(persona, self.stage.now))

    async def hear(self, typed: str) -> None:
        """Take one line from the keyboard and show the answers."""
        self.stage.now = datetime.now(UTC)
        photos = 1 if typed.startswith(PHOTO) else 0
        text = typed.removeprefix(PHOTO).strip()
        button = self._button(text)
        self.lines.append(Said("" if button else hide_codes(text, self._codes), button and button[1].label, photos))
        pressed = f"{self._last[self.persona].delivery_id}.{button[0]}" if button else None
        saying = Saying("" if button else text, pressed, photos=(_grey_photo(),) * photos)
        for shown in await self.stage.say(self.persona, saying):
            self._tell(shown)

    def _button(self, text: str) -> tuple[int, Button] | None:
        last = self._last.get(self.persona)
        buttons = list(enumerate(last.rendered.buttons)) if last else []
        if text.startswith("[") and text.endswith("]"):
            return next((each for each in buttons if each[1].label == text[1:-1]), None)
        return None

    def _tell(self, shown: Shown) -> None:
        if shown.rendered.buttons or shown.persona not in self._last:
            self._last[shown.persona] = shown
        whose = "" if shown.persona == self.persona else f"({shown.persona}) "
        self.show(whose + shown.rendered.text)
        if shown.rendered.picture:
            self.show(f"   ({shown.rendered.picture['description']})")
        if shown.rendered.buttons:
            self.show(numbered(shown.rendered.buttons))
        if shown.persona == self.persona:
            labels = tuple(button.label for button in shown.rendered.buttons if not is_move(button))
            self.lines.append(Heard(hide_codes(shown.rendered.text, self._codes), labels))


def _grey_photo() -> bytes:
    """The smallest picture there is, standing for a photo."""
    return bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
        "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
    )


async def play(config: Config, content: Content, opened: Opened, *, persona: str, record: Path | None) -> None:
    """Talk until `:q` or the end of the input; with `record` write the transcript there."""
    try:
        async with staged(config, content, opened, buttons=True) as stage:
            player = Player(stage, persona, _print)
            await player.begin()
            await _listen(player)
            if record is not None:
                await asyncio.to_thread(record.write_text, write(player.lines), encoding="utf-8")
    finally:
        await opened.close()


async def _listen(player: Player) -> None:
    while True:
        typed = await asyncio.to_thread(sys.stdin.readline)
        line = typed.strip()
        if not typed or line == ":q":
            return
        if line.startswith(":as "):
            await player.become(line.removeprefix(":as ").strip())
        elif line:
            await player.hear(line)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
