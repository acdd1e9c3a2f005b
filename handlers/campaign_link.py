"""A link to a campaign that its officer gave out: whoever opens it reads the text and may go on from there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from dialogue.campaign_text import personal_text
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
    language = context.language if context.language in texts else next(iter(texts))
    nobody = context.content.wording.sentence("broadcast.no_name", language)
    return [Reply((personal_text(texts[language], _name(context), nobody),), (*_joining(context), menu))]


def _name(context: Context) -> str | None:
    may_go_abroad = context.transfer_agreed or not context.capabilities.data_abroad
    return context.name if may_go_abroad else None


def _joining(context: Context) -> tuple[Choice, ...]:
    is_stranger = not context.posts and not context.member_of
    return (opening("register", Say("menu.register")),) if is_stranger else ()


CAMPAIGN_LINK = Conversation("campaign_link", ask=ask_nothing, done=show, opens=code_in)
