"""The language she reads, and the one word that stops everything or starts it again."""

from __future__ import annotations

from collections.abc import Sequence

from dialogue.messages import Choice, Notice, Reply, Say, opening, reply
from dialogue.turn import Ask, Conversation, Script
from handlers.context import Context
from storage import consents, contacts
from storage.database import Connection


def ask_language(context: Context) -> Script:
    """Yield the choice of languages, each by its own name; return the code."""
    choices = tuple(Choice(code, Say(f"language.{code}")) for code in context.content.wording.languages)
    return (yield Ask("language.choose", parse=None, choices=choices))


def set_language(db: Connection, context: Context, code: str) -> Sequence[Reply | Notice]:
    """Remember the language and say so in it."""
    contacts.set_language(db, context.contact_id, code)
    return [Reply((context.content.wording.phrase(Say("language.set"), code),))]


def ask_nothing(_context: Context) -> Script:
    """Return at once: there is nothing to ask."""
    yield from ()
    return None


def stop(db: Connection, context: Context, _result: None) -> Sequence[Reply | Notice]:
    """Stop everything but answers to her own messages; no log-in, no question why."""
    consents.stop_everything(db, context.contact_id, at=context.now)
    return [reply("stop.stopped", opening("start_again", Say("stop.start_again")))]


def start_again(db: Connection, context: Context, _result: None) -> Sequence[Reply | Notice]:
    """Send her messages again."""
    contacts.set_stopped(db, context.contact_id, None)
    return [reply("stop.started_again")]


LANGUAGE = Conversation("language", ask=ask_language, done=set_language, words="language.words")
STOP = Conversation("stop", ask=ask_nothing, done=stop, words="stop.words")
START_AGAIN = Conversation("start_again", ask=ask_nothing, done=start_again, words="start_again.words")
