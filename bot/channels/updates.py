"""What an update of a platform holds for us, in the words every channel shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


class NotAnUpdate(ValueError):
    """What came is not even the envelope of an update: nobody on the platform wrote it."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A message as the inbox takes it (`bot.intake`). `sent_at` is None where the platform does not say."""

    external_id: str
    key: str
    body: Mapping[str, Any]
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An update with a good envelope whose inside we cannot read: kept as it came (JSON), for somebody to look at."""

    external_id: str
    key: str
    raw: str


@dataclass(frozen=True, slots=True)
class Renamed:
    """A group that has another id from now on."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What an update holds for us: at most one message, and the button press to be answered once that is kept."""

    what: Handed | Unreadable | Renamed | None = None
    callback_id: str | None = None


NOTHING = Taken()


class Reader(Protocol):
    """A channel's reading of raw updates."""

    def read(self, raw: Any) -> Taken:
        """Return what an update holds; `NotAnUpdate` if it is none."""

    def unreadable(self, raw: Any) -> Unreadable:
        """Return an update as it is kept where nothing better can be done; it must have its envelope."""
