"""What the channel needs of the program around it; `bot/ports/zalo_bot.py` provides it."""

from __future__ import annotations

from typing import Protocol

from bot.channels import ports


class Ports(ports.Ports, Protocol):
    """The program as the channel sees it."""

    @property
    def shows_pictures(self) -> bool:
        """Tell whether our pictures can be fetched from outside."""

    def picture_url(self, name: str) -> str:
        """Return an address under which the platform can fetch a picture for some days."""
