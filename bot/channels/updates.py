"""What an update of a platform holds for us, in the words every channel shares."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeGuard


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

_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)


def is_word_id(value: Any) -> TypeGuard[str]:
    """Tell whether a value is an id as platforms write it in letters and digits."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def word_id(value: Any) -> str:
    """Return an id as text; numbers are taken too. `TypeError` if it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not is_word_id(value):
        raise TypeError("not an id")
    return value


def as_it_came(raw: Any, envelope: Mapping[str, Any]) -> tuple[str, str]:
    """Return an update as JSON, only its envelope where it lies too deep for that, and the SHA-256 of it."""
    try:
        text = json.dumps(raw)
    except RecursionError:
        text = json.dumps(envelope)
    return text, hashlib.sha256(text.encode()).hexdigest()


class Reader(Protocol):
    """A channel's reading of raw updates."""

    def read(self, raw: Any) -> Taken:
        """Return what an update holds; `NotAnUpdate` if it is none."""

    def unreadable(self, raw: Any) -> Unreadable:
        """Return an update as it is kept where nothing better can be done; it must have its envelope."""
