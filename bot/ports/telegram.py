"""What the channel on Telegram needs of the program, put together from storage and intake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.ports.platform import PlatformPorts
from storage import sent_files

COMMANDS = "command."
BETWEEN = "|"
"""Stands between a command's word and what it is for: `menu | Xem việc có thể làm`."""


@dataclass
class TelegramPorts(PlatformPorts):
    """The channel's view of the program."""

    async def sent_file(self, bot_id: str, name: str) -> str | None:
        """Return what stands on the platform for a file sent before."""
        return await self.db.read(sent_files.get, self.name, bot_id, name)

    async def keep_sent_file(self, bot_id: str, name: str, reference: str) -> None:
        """Remember what stands on the platform for a file."""
        await self.db.write(sent_files.keep, self.name, bot_id, name=name, reference=reference)

    def commands(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """Return the commands of every language, in the order of their keys."""
        wording = self.content.wording
        keys = sorted(key for key in wording.languages[wording.default] if key.startswith(COMMANDS))
        return {language: [_command(wording.sentence(key, language)) for key in keys] for language in wording.languages}


def _command(text: str) -> tuple[str, str]:
    word, _, description = text.partition(BETWEEN)
    return word.strip(), description.strip()
