"""What is looked at before a run begins: is its photo safe to show, does its text fit with the longest name?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dialogue.campaign_text import has_name, longest_fitting, longest_overrun
from dialogue.messages import Capabilities
from dialogue.text import Wording
from storage import audiences, broadcasts
from storage.broadcasts import Beginning
from storage.database import Connection
from vietnamese.names import MAX_NAME_CHARS

NO_LONGER_FITS, PHOTO_REFUSED = "no_longer_fits", "photo_refused"
"""Why a run pauses before it begins; its owner reads `broadcast.reason.<reason>`."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Which runs wait for their photo, and which may not begin, with the reason. Any other may."""

    waiting: frozenset[int]
    refused: Mapping[int, str]


def look_at(db: Connection, ids: Sequence[int], wording: Wording, channels: Sequence[Capabilities]) -> Looked:
    """Look at the runs with these ids of which nobody is taken in yet."""
    waiting: set[int] = set()
    refused: dict[int, str] = {}
    for run in broadcasts.beginning(db, ids) if ids else ():
        if run.photo == "received":
            waiting.add(run.id)
        elif run.photo == "refused":
            refused[run.id] = PHOTO_REFUSED
        elif not _fits(db, run, wording, channels):
            refused[run.id] = NO_LONGER_FITS
    return Looked(frozenset(waiting), refused)


def _fits(db: Connection, run: Beginning, wording: Wording, channels: Sequence[Capabilities]) -> bool:
    def over(name: str) -> int:
        has_photo = run.photo is not None
        return longest_overrun(run.texts, wording, channels, name=name, has_photo=has_photo, urgent=run.urgent)

    if not over("m" * MAX_NAME_CHARS):
        return True
    asks_name = any(has_name(text) for text in run.texts.values())
    return asks_name and not over(audiences.longest_name(db, run.who, over=longest_fitting(over)))
