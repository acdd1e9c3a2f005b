"""What people say and worry about: told to nobody and erased within a day (`design.md` §9, "Opinions")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dialogue.messages import Inbound, Json, Reply, reply
from dialogue.turn import Conversation, Script
from handlers.context import Context
from handlers.report_reading import is_opinion
from storage.database import Connection


def opens(inbound: Inbound, context: Context) -> Mapping[str, Json] | None:
    """Open for a message that tells an opinion."""
    return {} if inbound.text.strip() and is_opinion(inbound, context) else None


def ask_nothing(_context: Context) -> Script:
    """Return at once: there is nothing to ask."""
    yield from ()
    return None


def explain(_db: Connection, _context: Context, _result: None) -> Sequence[Reply]:
    """Say that it is not passed on, and whom to tell."""
    return [reply("opinion.not_kept")]


OPINION = Conversation("opinion", ask=ask_nothing, done=explain, opens=opens, restricted=True, aside=True)
