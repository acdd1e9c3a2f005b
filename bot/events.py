"""What follows from something a person did without writing to us: hardly anything is said to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.turns import Mind, Spoken, Thought
from dialogue.messages import Reply, reply
from handlers.invitation import BOUND

BLOCKED, IN_GROUP = "blocked", "in_group"
GROUP_PAUSE = timedelta(hours=1)
"""A group is told at most once in this time that we talk in private only."""


def think(event: str, mind: Mind, last_said_at: datetime | None) -> Thought:
    """Return what an event leads to; `last_said_at` is when we last wrote to the address it came from.

    One we do not know leads to nothing.
    """
    if event == BOUND:
        return _welcome(mind)
    silent = Thought(mind.session, untouched=True)
    if event == IN_GROUP and _may_speak(mind, last_said_at):
        return replace(silent, before=(Spoken(_private_only(mind.context.chat_link)),))
    return silent


def _welcome(mind: Mind) -> Thought:
    """She came in by a link or a code: go on where she was, or show what she can do."""
    again = mind.again(mind.session.talk, resumed=True)
    return mind.judged(Thought(mind.session, before=again) if again else mind.open(mind.book.conversations["menu"], {}))


def _may_speak(mind: Mind, last_said_at: datetime | None) -> bool:
    return last_said_at is None or mind.context.now - last_said_at >= GROUP_PAUSE


def _private_only(link: str | None) -> Reply:
    return reply("group.private_only") if link is None else reply("group.private_link", link=link)
