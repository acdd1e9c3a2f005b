"""Read one event of the Official Account: who wrote, what it is in the words all channels share, its key.

Nothing here keeps, sends or asks. Names, addresses and places of people are not read out of the event at all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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
from bot.channels.zalo_oa.names import NAME
from bot.channels.zalo_oa.signature import moment

READ_AS = {
    "user_send_audio": "voice",
    "user_send_business_card": "contact",
    "user_send_file": "document",
    "user_send_gif": "video",
    "user_send_link": "unknown",
    "user_send_location": "location",
    "user_send_sticker": "sticker",
    "user_send_video": "video",
}
"""What a person sends and we cannot read, as the other channels call it."""

TEXT, IMAGE, INFO = "user_send_text", "user_send_image", "user_submit_info"
EVENTS = {"follow": "unblocked", "unfollow": "blocked"}
"""Whom she follows may write to her; nobody else may."""

OF_NO_USE = (
    "anonymous_",
    "oa_send_",
    "user_received_message",
    "user_seen_message",
    "user_send_group_",
    "user_reacted_message",
    "oa_reacted_message",
)
"""Our own messages come back, and news of what we sent; a person behind the OA answers too."""

_NAME = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)
_PHONE = re.compile(r"\+?[0-9]{9,15}", re.ASCII)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Me:
    """Our app and our account there."""

    app_id: str
    oa_id: str


def read(raw: Any, me: Me) -> Taken:
    """Return what an event holds; `NotAnUpdate` if it has no envelope or is for another app. Raises nothing else."""
    if not isinstance(raw, dict) or not isinstance(raw.get("event_name"), str):
        raise NotAnUpdate("no event")
    if "app_id" in raw and str(raw["app_id"]) != me.app_id:
        raise NotAnUpdate("of another app")
    try:
        return _read(raw, me)
    except Exception:
        # The platform adds kinds of events all the time; whatever breaks on one is not worth losing a report for.
        return Taken(unreadable(raw, me))


def _read(event: Mapping[str, Any], me: Me) -> Taken:
    name, at = event["event_name"], _time(event)
    if name in EVENTS:
        person = word_id(event["follower"]["id"])
        return Taken(Handed(person, f"{me.oa_id}:{name}:{person}:{event['timestamp']}", {"event": EVENTS[name]}, at))
    if name == INFO:
        return _submitted(event, me, at)
    if name not in (TEXT, IMAGE) and name not in READ_AS:
        if not name.startswith(OF_NO_USE):
            log.warning("event_unknown", event_name=name if _NAME.fullmatch(name) else "strange")
        return NOTHING
    person, message = word_id(event["sender"]["id"]), event["message"]
    key = f"{me.oa_id}:{name}:{word_id(message['msg_id'])}"
    return Taken(Handed(person, key, _body(name, message, key), at))


def _submitted(event: Mapping[str, Any], me: Me, at: datetime | None) -> Taken:
    """Her own number, which is an answer; what else stands in the form is not read."""
    person, phone = word_id(event["sender"]["id"]), event["info"].get("phone")
    if not isinstance(phone, str) or not _PHONE.fullmatch(phone):
        return NOTHING
    # The platform writes it with the country and without the plus.
    text = f"+{phone}" if phone[0] in "123456789" else phone
    return Taken(Handed(person, f"{me.oa_id}:i:{person}:{event['timestamp']}", {"text": text}, at))


def _body(name: str, message: Mapping[str, Any], key: str) -> dict[str, Any]:
    text = message.get("text") or ""
    if not isinstance(text, str):
        raise TypeError("the text is no text")
    if name == IMAGE:
        return {"text": text, **_pictures(message["attachments"], key)}
    # Beside a place stands its name, which she did not write.
    return {"text": text} if name == TEXT else {"text": "", "unread": READ_AS[name]}


def _pictures(attachments: Sequence[Any], key: str) -> dict[str, Any]:
    found: dict[str, Any] = {"attachments": [], "files": []}
    for number, attachment in enumerate(attachments):
        url = attachment["payload"]["url"]
        if not isinstance(url, str) or not url.startswith(("http://", "https://")) or len(url) > 2048:
            raise TypeError("no address of a picture")
        # The address may change from one delivery to the next, the message's id does not.
        name = hashlib.sha256(f"{NAME}:{key}:{number}".encode()).hexdigest()
        found["attachments"].append({"sha256": name, "media_type": "image/jpeg", "size_bytes": 0})
        found["files"].append({"name": name, "reference": url})
    if not found["files"]:
        raise TypeError("no picture")
    return found


def unreadable(raw: Any, me: Me) -> Unreadable:
    """Return an event as it is kept where nothing better can be done; it must have its envelope."""
    text, digest = as_it_came(raw, {"event_name": raw["event_name"]})
    return Unreadable(_writer(raw), f"{me.oa_id}:u:{digest[:32]}", text)


def _writer(raw: Mapping[str, Any]) -> str:
    """Return who an unreadable event seems to be from; `unknown` where not even that can be seen."""
    for part in ("sender", "follower"):
        found = raw.get(part)
        person = found.get("id") if isinstance(found, dict) else None
        if is_word_id(person):
            return person
    return "unknown"


def _time(event: Mapping[str, Any]) -> datetime | None:
    said = event.get("timestamp")
    return None if said is None else moment(str(said))
