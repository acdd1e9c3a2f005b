"""Which conversation a message opens: the explicit list of handlers, looked up by name and by word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dialogue.messages import Inbound, Json
from dialogue.text import Wording
from dialogue.turn import BACK, CANCEL, SKIP, Conversation
from handlers.context import Context
from vietnamese.fold import fold, is_another_word

HELP = {"go": "help"}
_LINK = "/start "
_MOVES: Mapping[str, Mapping[str, str]] = {
    "turn.back.words": BACK,
    "turn.cancel.words": CANCEL,
    "turn.skip.words": SKIP,
    "turn.help.words": HELP,
}


@dataclass(frozen=True)
class Book:
    """All conversations, and the words that open or move about in them, per language."""

    conversations: Mapping[str, Conversation]
    openers: tuple[Conversation, ...]
    interrupts: tuple[Conversation, ...]
    commands: Mapping[str, str]
    moves: Mapping[str, Mapping[str, str]]
    spelt: Mapping[str, str]
    yes: frozenset[str]
    no: frozenset[str]

    def move(self, text: str) -> Mapping[str, str] | None:
        """Return what a word such as "quay lại" moves, if it is one; "bỏ quà" is not "bỏ qua"."""
        bare = _bare(text)
        is_another = bare in self.spelt and is_another_word(text, self.spelt[bare])
        return None if is_another else self.moves.get(bare)

    def command(self, text: str) -> Conversation | None:
        """Return the conversation that a word opens, if it is one."""
        name = self.commands.get(_bare(text))
        return self.conversations[name] if name else None

    def linked(self, inbound: Inbound, context: Context) -> tuple[Conversation, Mapping[str, Json]] | None:
        """Return what a link with something in it ("/start tn-7k3m") opens, the menu if nothing; None for no link."""
        if not fold(inbound.text).startswith(_LINK):
            return None
        return self.opened_by(inbound, context) or (self.conversations["menu"], {})

    def opened_by(
        self, inbound: Inbound, context: Context, *, among: Sequence[Conversation] | None = None
    ) -> tuple[Conversation, Mapping[str, Json]] | None:
        """Return the first conversation a sentence is meant for, with its start facts."""
        for conversation in self.openers if among is None else among:
            start = conversation.opens(inbound, context) if conversation.opens else None
            if start is not None:
                return conversation, start
        return None


def make_book(conversations: Sequence[Conversation], wording: Wording) -> Book:
    """Return the book of `conversations` in the order given; words of every language count everywhere."""
    by_name = {conversation.name: conversation for conversation in conversations}
    if len(by_name) != len(conversations):
        raise ValueError("two conversations share a name")
    commands: dict[str, str] = {}
    moves: dict[str, Mapping[str, str]] = {}
    spelt: dict[str, str] = {}
    for language in wording.languages:
        for conversation in conversations:
            words = wording.words(conversation.words, language) if conversation.words else ()
            commands.update(dict.fromkeys(words, conversation.name))
            word = command_of(conversation.name, wording, language)
            if word is not None and conversation.name == "help":
                moves[f"/{word[0]}"] = HELP
            elif word is not None:
                commands[f"/{word[0]}"] = conversation.name
        for key, value in _MOVES.items():
            moves.update(dict.fromkeys(wording.words(key, language), value))
            spelt.update((fold(word).strip(), word.strip()) for word in wording.sentence(key, language).split("|"))
    return Book(
        conversations=by_name,
        openers=tuple(c for c in conversations if c.opens and not c.interrupts),
        interrupts=tuple(c for c in conversations if c.interrupts),
        commands=commands,
        moves=moves,
        spelt=spelt,
        yes=_all_words("turn.yes.words", wording),
        no=_all_words("turn.no.words", wording),
    )


def command_of(name: str, wording: Wording, language: str) -> tuple[str, str] | None:
    """Return the command of a conversation: its word, typed "/word", and what it does; None if it has none."""
    key = f"command.{name}"
    if not wording.has(key):
        return None
    word, _, told = wording.sentence(key, language).partition("|")
    return word.strip(), told.strip()


def _bare(text: str) -> str:
    """What she typed, folded; a command without the name of whom it is for ("/menu@lantoa")."""
    typed = fold(text).strip()
    return typed.partition("@")[0] if typed.startswith("/") else typed


def _all_words(key: str, wording: Wording) -> frozenset[str]:
    return frozenset().union(*(wording.words(key, language) for language in wording.languages))
