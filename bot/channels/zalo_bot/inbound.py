"""Read one raw event: who wrote, what it is in the words all channels share, and the key that makes it one message.

Nothing here keeps, sends or asks. Names of people are not read out of the event at all.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from bot.channels.updates import (
    NOTHING,
    Handed,
    NotAnUpdate,
    Taken,
    Unreadable,
    as_it_came,
    is_word_id,
    word_id,
)
from bot.channels.zalo_bot.names import NAME

PRIVATE = "PRIVATE"
READ_AS = {
    "message.sticker.received": "sticker",
    "message.voice.received": "voice",
    "message.unsupported.received": "unknown",
}
"""What a person sends and we cannot read, as the other channels call it.

`unsupported` stands for files, places, cards, videos, and for all that people send whom the platform protects.
"""

TEXT, IMAGE = "message.text.received", "message.image.received"
_EVENT = re.compile(r"[\w.]{1,64}", re.ASCII)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Me:
    """Who we are there. `account_id` is empty until the platform told us."""

    bot_id: str
    account_id: str = ""


AlbumOf = Callable[[str, str, datetime | None], str | None]
"""Returns the album a picture belongs to, by chat, key and time; None if it stands alone."""


def _alone(_chat: str, _key: str, _at: datetime | None) -> None:
    return None


def read(raw: Any, me: Me, album_of: AlbumOf = _alone) -> Taken:
    """Return what an event holds; `NotAnUpdate` if it has no envelope. Raises nothing else, whatever it is given."""
    event = _inside(raw)
    try:
        return _read(event, me, album_of)
    except Exception:
        # The platform may change its events at any time; whatever breaks on one is not worth losing a report for.
        return Taken(unreadable(event, me))


def read_again(raw: str, bot_id: str, _name: str) -> tuple[Mapping[str, Any], datetime | None] | None:
    """Return body and time of an event kept as `Unreadable`, if this version can read it; None if not."""
    what = read(json.loads(raw), Me(bot_id)).what
    return (what.body, what.sent_at) if isinstance(what, Handed) else None


def _inside(raw: Any) -> Mapping[str, Any]:
    """Return the event, which comes as it is or wrapped as a result."""
    if isinstance(raw, dict) and "event_name" not in raw and isinstance(raw.get("result"), dict):
        raw = raw["result"]
    if not isinstance(raw, dict) or not isinstance(raw.get("event_name"), str):
        raise NotAnUpdate("no event")
    return raw


def _read(event: Mapping[str, Any], me: Me, album_of: AlbumOf) -> Taken:
    name, message = event["event_name"], event.get("message")
    if not (name.startswith("message.") and name.endswith(".received")):
        log.warning("event_unknown", event_name=name if _EVENT.fullmatch(name) else "strange")
        return NOTHING
    assert isinstance(message, dict)
    sender = message.get("from") or {}
    if sender.get("is_bot") is True or (me.account_id and sender.get("id") == me.account_id):
        return NOTHING  # our own, echoed
    chat, key, at = word_id(message["chat"]["id"]), f"{me.bot_id}:m:{word_id(message['message_id'])}", _time(message)
    if message["chat"].get("chat_type", PRIVATE) != PRIVATE:
        return Taken(Handed(chat, key, {"event": "in_group"}, at))
    body = _body(name, message, key)
    album = album_of(chat, key, at) if "attachments" in body else None
    return Taken(Handed(chat, key, {**body, "album": album} if album else body, at))


def _body(name: str, message: Mapping[str, Any], key: str) -> dict[str, Any]:
    if name == TEXT:
        return {"text": _text(message["text"])}
    words = _text(message.get("caption") or "")
    if name == IMAGE:
        return {"text": words, **_picture(message, key)}
    return {"text": words, "unread": READ_AS.get(name, "unknown")}


def _picture(message: Mapping[str, Any], key: str) -> dict[str, Any]:
    # Descriptions say `photo`, what really comes says `photo_url`.
    reference = message.get("photo_url") or message.get("photo")
    if not isinstance(reference, str) or not reference.startswith(("http://", "https://")) or len(reference) > 2048:
        raise TypeError("no address of a picture")
    # The address may change from one delivery to the next, the message's id does not.
    name = hashlib.sha256(f"{NAME}:{key}".encode()).hexdigest()
    return {
        "attachments": [{"sha256": name, "media_type": "image/jpeg", "size_bytes": 0}],
        "files": [{"name": name, "reference": reference}],
    }


def unreadable(raw: Any, me: Me) -> Unreadable:
    """Return an event as it is kept where nothing better can be done; it must have its envelope."""
    event = _inside(raw)
    text, digest = as_it_came(event, {"event_name": event["event_name"]})
    return Unreadable(_writer(event), f"{me.bot_id}:u:{digest[:32]}", text)


def _writer(event: Mapping[str, Any]) -> str:
    """Return whose chat an unreadable event seems to be from; `unknown` where not even that can be seen."""
    message = event.get("message")
    chat = message.get("chat") if isinstance(message, dict) else None
    found = chat.get("id") if isinstance(chat, dict) else None
    return found if is_word_id(found) else "unknown"


def _time(message: Mapping[str, Any]) -> datetime | None:
    """Return when it was written; None where that is not said. Milliseconds, as number or text."""
    said = message.get("date")
    if said is None:
        return None
    return datetime.fromtimestamp(int(said) / 1000, UTC)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
