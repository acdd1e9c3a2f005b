"""The smallest conversations there can be: each message leaves one effect and gets one answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text

from bot.book import make_book
from bot.dispatch import Desk
from dialogue.messages import Capabilities, Choice, Inbound, Reply, Say, opening
from dialogue.text import Wording
from dialogue.turn import Conversation, Script
from handlers.content import Content
from handlers.context import Context
from storage import contacts
from storage.database import Connection

SORTS = {"note": "reply", "receipt": "receipt", "code": "code", "stop": "reply", "start": "reply"}
"""What may be said (it begins with one of these words), and the sort of the answer."""

OPENS = "note"
_EFFECT = text("insert into effect (inbox_id, contact_id, said) values (:inbox_id, :contact_id, :said)")


class Sentences(dict[str, str]):
    """Wording that says its keys, with the values where somebody must be able to read them."""

    def get(self, key: str, default: Any = None) -> Any:
        return _TOLD.get(key, key)

    def __contains__(self, key: object) -> bool:
        return True


_TOLD = {
    "answer": "answer {said}",
    "broadcast.skipped": "skipped {code} {due}",
    "broadcast.skipped_several": "skipped {code} {times}",
    "broadcast.skipped_one": "{due}",
    "moment": "{time}",
}
WORDING = Wording({"vi": Sentences()})


def _ask(context: Context) -> Script:
    yield from ()
    return str(context.start.get("said") or context.text)


def _opens(inbound: Inbound, context: Context) -> Mapping[str, Any] | None:
    return {} if inbound.text.split(" ")[0] in SORTS else None


def _done(db: Connection, context: Context, said: str) -> list[Reply]:
    db.execute(_EFFECT, {"inbox_id": context.inbox_id, "contact_id": context.contact_id, "said": said})
    word = said.split(" ")[0]
    if word in ("stop", "start"):
        contacts.set_stopped(db, context.contact_id, context.now if word == "stop" else None)
    button: Choice = opening(OPENS, Say("again"), said=f"pressed {said}")
    return [Reply((Say("answer", {"said": said}),), (button,), sort=SORTS.get(word, "reply"))]


def make_desk(channels: Mapping[str, Capabilities], clock: Callable[[], datetime]) -> Desk:
    """Return the desk of a process."""
    return Desk(BOOK, CONTENT, channels, clock)


CONVERSATIONS = (
    Conversation(OPENS, _ask, _done, opens=_opens),
    Conversation("menu", _ask, lambda db, context, said: []),
    Conversation("help", _ask, lambda db, context, said: []),
)

_NOTHING: Any = None  # no talk here reads figures
CONTENT = Content(WORDING, _NOTHING, {}, {}, ())
BOOK = make_book(CONVERSATIONS, WORDING)
