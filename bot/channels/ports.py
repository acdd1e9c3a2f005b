"""What a channel on a platform needs of the program around it; `bot/ports/platform.py` provides it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol


class Ports(Protocol):
    """The program as the channel sees it."""

    @property
    def heard_at(self) -> datetime | None:
        """When taking messages in last worked; None before it ever did."""

    async def accept(self, external_id: str, key: str, body: Mapping[str, Any], *, sent_at: datetime | None) -> None:
        """Commit one message (`bot.intake.Intake.accept`)."""

    async def keep_unreadable(self, external_id: str, key: str, raw: str) -> None:
        """Commit an update nobody can read among the dead letters."""

    async def move(self, old: str, new: str) -> None:
        """Give an address the id it has from now on."""

    async def tell(self, external_id: str, key: str) -> None:
        """Send a sentence of the wording files to an address, not more often than is of use."""

    async def heard(self) -> None:
        """Note that taking messages in works now; told often, kept at most once a minute. Raises nothing."""

    async def known_as(self, bot_id: str) -> str:
        """Return the name this bot had when it was last seen, empty if never, and remember that it is this bot."""

    async def call(self, bot_id: str, name: str) -> None:
        """Remember the name that stands in links to this bot."""

    async def halted_s(self) -> float:
        """Return how long the platform asked us to wait still, from an earlier run too."""
