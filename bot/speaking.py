"""Say to the operator in the terminal what happened and what is wrong, in the words of the content folder."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from bot.config import Config, Wrong
from bot.content import OWN_CONTENT, load_wording
from dialogue.messages import Phrase, Say
from dialogue.text import UnknownWording, Wording
from storage.database import StorageFull
from storage.installation import NotSetUp
from storage.opening import Refused
from storage.sealing import KeyFileWrong

REFERENCE = "vi"
CANNOT_START = 2
FOUND_WRONG = 1


@dataclass(frozen=True)
class Speaker:
    """Words for the terminal in one language."""

    wording: Wording
    language: str

    def words(self, key: str, /, **values: Phrase) -> str:
        """Return one sentence."""
        return self.wording.phrase(Say(key, values), self.language)

    def tell(self, said: Say) -> None:
        """Print a sentence made elsewhere."""
        self.write(self.wording.phrase(said, self.language))

    def say(self, key: str, /, **values: Phrase) -> None:
        """Print one sentence."""
        self.write(self.words(key, **values))

    def write(self, line: str, *, to: TextIO | None = None) -> None:
        """Print a line as it is."""
        stream = to or sys.stdout
        stream.write(line + "\n")
        stream.flush()

    def complain(self, mistakes: Iterable[Say]) -> None:
        """Print what is wrong, a line each, to stderr."""
        for mistake in mistakes:
            self.write(self.wording.phrase(mistake, self.language), to=sys.stderr)


def speaker(config: Config | None = None) -> Speaker:
    """Return words in the first language of `config`; before it is read, those that came with the program."""
    if config is None:
        return Speaker(load_wording(OWN_CONTENT, [REFERENCE]), REFERENCE)
    return Speaker(load_wording(config.content, config.languages), config.languages[0])


def mistakes_of(error: Exception) -> tuple[Say, ...] | None:
    """Return what to tell the operator about an error she can do something about; None for any other."""
    match error:
        case Wrong():
            return error.mistakes
        case Refused():
            return (Say(f"open.{error.problem}", {"file": str(error.place)}),)
        case KeyFileWrong():
            return (Say(f"key_file.{error.problem}", {"file": str(error.path)}),)
        case NotSetUp():
            return (Say("open.foreign", {"file": ""}),)
        case UnknownWording():
            return (Say("content.no_words", {"key": str(error.args[0])}),)
        case StorageFull():
            return (Say("start.full"),)
        case OSError():
            where = str(Path(str(error.filename))) if error.filename else ""
            return (Say("start.system", {"file": where, "reason": error.strerror or type(error).__name__}),)
        case _:
            return None
