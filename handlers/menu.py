"""What she can do here, by what she is: buttons for her abilities, and short help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dialogue.messages import Choice, Notice, Phrase, Reply, Say, opening
from dialogue.text import listed
from dialogue.turn import Conversation, Script
from handlers.context import Context
from storage.database import Connection


def ask_nothing(_context: Context) -> Script:
    """Return at once: there is nothing to ask."""
    yield from ()
    return None


def show_menu(_db: Connection, context: Context, _result: None) -> Sequence[Reply | Notice]:
    """Greet her by her office, her unit or as a stranger, with a button for each thing she may do."""
    return [Reply((Say("menu.greeting"), _who(context), Say("menu.what")), tuple(_buttons(context)))]


def show_help(_db: Connection, context: Context, _result: None) -> Sequence[Reply | Notice]:
    """Say in a few lines what can be typed."""
    lines: list[Phrase] = [Say("help.report")] if context.posts_that("report") else []
    lines += [Say("help.approve")] if context.posts_that("approve") else []
    lines += [] if context.member_of or context.posts else [Say("help.stranger")]
    lines += [Say("help.everybody"), Say("help.move"), Say("help.stop")]
    return [Reply((Say("help.head"), listed(lines)), tuple(_buttons(context)))]


def _who(context: Context) -> Phrase:
    if context.posts:
        post = context.posts[0]
        return Say("menu.officer", {"role": Say(f"role.{post.role}"), "unit": post.unit_name})
    if context.member_of:
        return Say("menu.member", {"unit": context.member_of[0][1]})
    return Say("menu.stranger")


def _buttons(context: Context) -> Iterator[Choice]:
    can = {ability for post in context.posts for ability in post.can}
    if "report" in can:
        yield opening("guided", Say("menu.report"))
        yield opening("nil", Say("menu.nil_report"))
    if "approve" in can:
        yield opening("waiting", Say("menu.review"))
    if "admit" in can:
        yield opening("admit", Say("menu.admit"))
    if "broadcast" in can:
        yield opening("broadcast", Say("menu.broadcast"))
        yield opening("broadcasts", Say("menu.broadcasts"))
    if "results" in can or context.member_of:
        yield opening("results", Say("menu.results"))
    if not context.posts:
        if not context.member_of:
            yield opening("register", Say("menu.register"))
        yield opening("invitation", Say("menu.invitation"))
    yield opening("my_data", Say("menu.my_data"))


MENU = Conversation("menu", ask=ask_nothing, done=show_menu, words="menu.words")
# Its words move about inside a talk as well (`turn.help.words`), so they are not its own.
HELP = Conversation("help", ask=ask_nothing, done=show_help)
