"""Go on in the web chat: a one-time link that makes the browser it is opened in hers, with the talk that is open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from dialogue.messages import Reply, Say, reply
from dialogue.turn import Conversation, Script
from handlers.context import Context
from handlers.invitation import CODE_IN_LINK
from storage import invitations
from storage.database import Connection

VALID = timedelta(minutes=15)


def ask_nothing(_context: Context) -> Script:
    """Return at once: there is nothing to ask."""
    yield from ()
    return None


def give_link(db: Connection, context: Context, _result: None) -> Sequence[Reply]:
    """Return a link of her own; those she got before are worth nothing from now on."""
    if context.web_address is None:
        return [reply("continue.off")]
    now = invitations.arrived_at(db, context.inbox_id)
    invitations.close_own_doors(db, context.contact_id, at=now)
    code = invitations.create(db, at=now, created_by=context.contact_id, contact_id=context.contact_id, valid=VALID)
    link = f"{context.web_address}{CODE_IN_LINK}{code}"
    minutes = VALID // timedelta(minutes=1)
    return [Reply((Say("continue.link", {"link": link, "minutes": minutes}),), sort="code")]


CONTINUE = Conversation("continue", ask=ask_nothing, done=give_link, words="continue.words")
