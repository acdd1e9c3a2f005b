"""The text of a message for many: what may stand in it, and whether it fits into one message on every channel."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Any

from dialogue.answers import Invalid, photos, plain_text
from dialogue.campaign_text import has_name, longest_fitting, longest_overrun, unknown_marks
from dialogue.messages import Inbound, Phrase, Say
from dialogue.turn import Ask, look
from handlers.broadcast_times import Planning
from handlers.context import Context
from storage import audiences
from storage.audiences import Audience
from storage.campaigns import PREFIX
from storage.database import Connection
from vietnamese.names import MAX_NAME_CHARS

MOST_CHARS = 1_000
ADVISED_CHARS = 300
A_CODE = f"{PREFIX}-WWWWW"
"""As long as a code gets."""


def read_text(inbound: Inbound) -> str:
    """Read the text of a message; `Invalid` if it is too long or holds a mark nobody knows."""
    text = plain_text(inbound)
    if len(text) > MOST_CHARS:
        raise Invalid("broadcast.text_too_long", chars=len(text), limit=MOST_CHARS)
    unknown = unknown_marks(text)
    if unknown:
        raise Invalid("broadcast.unknown_mark", found=unknown[0], **_name_mark())
    return text


def _name_mark() -> dict[str, Phrase]:
    # A wording file cannot hold braces that are no placeholder.
    return {"open": "{", "word": Say("broadcast.name_word"), "close": "}"}


def read_photo(inbound: Inbound) -> str:
    """Read the photo of a message, by its SHA-256."""
    return photos(inbound)[0]


def fitting_text(
    planning: Planning, context: Context, text: str, who: Audience, *, has_photo: bool
) -> Generator[Any, Any, str]:
    """Return the text, or a shorter one she is asked for where it does not fit with the audience's longest name."""
    is_long = partial(_overrun, planning, context, has_photo=has_photo, is_alert=who.is_alert)
    if not is_long(text, "m" * MAX_NAME_CHARS):
        return text
    name = yield look(longest_name_over, who, longest_fitting(partial(is_long, text)))
    over = is_long(text, name)
    if not over:
        return text
    parse = partial(_shorter, is_long, name)
    shorter: str = yield Ask("broadcast.shorter", {"over": over}, parse=parse, announces=True)
    return shorter


def longest_name_over(db: Connection, who: Audience, over: int) -> str:
    """Return the longest name in an audience of those with more than `over` characters; empty for none."""
    return audiences.longest_name(db, who, over=over)


def _overrun(planning: Planning, context: Context, text: str, name: str, *, has_photo: bool, is_alert: bool) -> int:
    wording = context.content.wording
    texts = {wording.default: text}
    urgent = A_CODE if is_alert else None
    return longest_overrun(texts, wording, planning.channels, name=name, has_photo=has_photo, urgent=urgent)


def _shorter(is_long: Any, name: str, inbound: Inbound) -> str:
    text = read_text(inbound)
    over = is_long(text, name)
    if over:
        raise Invalid("broadcast.still_too_long", over=over)
    return text


def text_notes(planning: Planning, text: str, *, has_photo: bool) -> list[Phrase]:
    """Return what is to be said of a text and its photo before they are sent."""
    hides_photos = any(each.tells_of_pictures and not each.pictures for each in planning.channels)
    notes: list[Phrase] = []
    if has_name(text):
        notes.append(Say("broadcast.names_note", {"nobody": Say("broadcast.no_name")}))
    if has_photo:
        notes.append(Say("broadcast.with_photo"))
        notes += [Say("broadcast.photo_not_everywhere")] if hides_photos else []
    if len(text) > ADVISED_CHARS:
        notes.append(Say("broadcast.long_text", {"chars": len(text), "advised": ADVISED_CHARS}))
    return notes
