"""A link to a campaign that its officer gave out: whoever opens it reads the text and may go on from there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from dialogue.messages import Choice, Inbound, Json, Reply, Say, opening, reply
from dialogue.turn import Conversation, Script, look
from handlers.context import Context
from storage import campaigns, codes
from storage.database import Connection
from vietnamese.fold import fold

_LINK = re.compile(r"/start +(\S+)")


def code_in(inbound: Inbound, _context: Context) -> Mapping[str, Json] | None:
    """Return the code of "/start tn-7k3m", however it was written."""
    match = _LINK.fullmatch(fold(inbound.text).strip())
    code = codes.read_short_code(match[1], campaigns.PREFIX) if match else None
    return {"code": code} if code else None


def ask_nothing(context: Context) -> Script:
    """Read the texts by language; None if there are none to read. Nothing is asked."""
    return (yield look(campaigns.shared_texts, str(context.start.get("code"))))


def show(_db: Connection, context: Context, texts: Mapping[str, str] | None) -> Sequence[Reply]:
    """Return the text in her language with what she can do next; a campaign nobody gave out is unknown."""
    menu = opening("menu", Say("menu.open"))
    if not texts:
        return [reply("campaign_link.unknown", menu)]
    text = texts.get(context.language) or next(iter(texts.values()))
    return [Reply((text,), (*_joining(context), menu))]


def _joining(context: Context) -> tuple[Choice, ...]:
    is_stranger = not context.posts and not context.member_of
    return (opening("register", Say("menu.register")),) if is_stranger else ()


CAMPAIGN_LINK = Conversation("campaign_link", ask=ask_nothing, done=show, opens=code_in)
