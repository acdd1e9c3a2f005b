"""What a message holds: words, pictures we take, and the name of what we cannot read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from telegram import Contact, Document, Message, PhotoSize
from telegram.constants import MessageType

from bot.channels.telegram.names import NAME
from bot.received import MAX_BYTES

PICTURES = ("image/jpeg", "image/png", "image/webp")

READ_AS = {
    "animation": "video",
    "audio": "voice",
    "dice": "sticker",
    "live_photo": "video",
    "location": "location",
    "sticker": "sticker",
    "venue": "location",
    "video": "video",
    "video_note": "video",
    "voice": "voice",
}
"""What a person sends and we cannot read, as the other channels call it. First match counts."""

SAID_BY_A_PERSON = (
    "checklist",
    "game",
    "gift",
    "invoice",
    "paid_media",
    "poll",
    "story",
    "unique_gift",
    "users_shared",
)
MIGRATION = ("migrate_to_chat_id", "migrate_from_chat_id")
BESIDE_THE_CONTENT = (
    "business_connection_id",
    "effect_id",
    "reply_to_story",
    "sender_boost_count",
    "sender_business_bot",
)
"""Kinds the library lists that say something about a message and are not what it holds."""

SAID = frozenset({"contact", "document", "photo", "text", *READ_AS, *SAID_BY_A_PERSON})
NOTES = frozenset(kind.value for kind in MessageType) - SAID - {*MIGRATION, *BESIDE_THE_CONTENT}
"""What the app itself writes into a chat: "pinned a message", "set a timer"."""


def is_note(message: Mapping[str, Any]) -> bool:
    """Tell whether a raw message is one of the app's own notes, which nobody said."""
    return not NOTES.isdisjoint(message) and SAID.isdisjoint(message)


def content_of(message: Message) -> dict[str, Any]:
    """Return `text`, `attachments`, `files`, `unread` and `album` as far as they are there (`bot.intake`).

    Raises `TypeError` and its like where a field is not what the platform documents.
    """
    text = message.text or message.caption or ""
    if not isinstance(text, str):
        raise TypeError("the text is no text")
    body: dict[str, Any] = {"text": text}
    if message.contact is not None:
        body |= _contact(message.contact, message)
    elif message.photo:
        body |= _photo(message.photo)
    else:
        unread = _unread(message)
        if unread is not None:
            body["unread"] = unread
        elif message.document is not None:
            body |= _document(message.document)
        elif message.text is None and message.caption is None:
            body["unread"] = "unknown"
    if message.media_group_id is not None and "attachments" in body:
        body["album"] = str(message.media_group_id)[:128]
    return body


def _contact(contact: Contact, message: Message) -> dict[str, Any]:
    """Her own number, which is an answer; anybody else's is nothing she can give us."""
    sender = message.from_user
    if sender is None or contact.user_id is None or contact.user_id != sender.id:
        return {"unread": "contact"}
    number = contact.phone_number
    if not isinstance(number, str):
        raise TypeError("the number is no text")
    # The platform writes it with the country and without the plus.
    return {"text": f"+{number}" if number[:1] in "123456789" else number}


def _photo(sizes: Sequence[PhotoSize]) -> dict[str, Any]:
    fitting = [size for size in sizes if (size.file_size or 0) <= MAX_BYTES]
    if not fitting:
        return {"unread": "large_photo"}
    best = max(fitting, key=lambda size: size.width * size.height)
    return _attached(best, "image/jpeg")


def _document(document: Document) -> dict[str, Any]:
    if document.mime_type not in PICTURES:
        return {"unread": "document"}
    if (document.file_size or 0) > MAX_BYTES:
        return {"unread": "large_photo"}
    return _attached(document, document.mime_type)


def _attached(file: PhotoSize | Document, media_type: str) -> dict[str, Any]:
    if not isinstance(file.file_id, str) or not isinstance(file.file_unique_id, str):
        raise TypeError("a file without a name")
    name = hashlib.sha256(f"{NAME}:{file.file_unique_id}".encode()).hexdigest()
    return {
        "attachments": [{"sha256": name, "media_type": media_type, "size_bytes": int(file.file_size or 0)}],
        "files": [{"name": name, "reference": file.file_id}],
    }


def _unread(message: Message) -> str | None:
    return next((name for kind, name in READ_AS.items() if getattr(message, kind, None)), None)
