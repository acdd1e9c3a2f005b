"""What the channel needs of the program around it; `bot/ports/telegram.py` provides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from bot.channels import ports


class Ports(ports.Ports, Protocol):
    """The program as the channel sees it."""

    async def sent_file(self, bot_id: str, name: str) -> str | None:
        """Return what stands on the platform for a file sent before; None if it was not."""

    async def keep_sent_file(self, bot_id: str, name: str, reference: str) -> None:
        """Remember what stands on the platform for a file."""

    def commands(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """Return (word, description) of the commands in every language, the default language first."""
