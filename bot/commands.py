"""What every command shares: its help in words, its configuration, and one place that tells mistakes."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from bot.config import Config, Wrong, load
from bot.content import load_content
from bot.speaking import CANNOT_START, Speaker, mistakes_of, speaker
from bot.start import files_of, open_installation
from dialogue.messages import Say
from handlers.content import Content
from storage.opening import Files, Opened

CONFIG = Path("config.yaml")
INTERRUPTED = 130


class Command(click.Command):
    """A command whose help is a wording key; the words are read only when somebody asks for help."""

    def __init__(self, name: str, run: Callable[..., None], key: str, params: list[click.Parameter]) -> None:
        super().__init__(name, callback=run, params=params)
        self._key = key

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does."""
        self.help = speaker().words(self._key)
        super().format_help_text(ctx, formatter)

    def get_short_help_str(self, limit: int = 100) -> str:
        """Return what the command does, for the list of all commands."""
        return speaker().words(self._key)


class Commands(click.Group):
    """A group of commands whose help is a wording key."""

    def __init__(self, name: str, key: str, commands: list[click.Command], *, begin: Callable[[], None] | None) -> None:
        super().__init__(name, commands=commands, callback=begin)
        self._key = key

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the commands are for."""
        self.help = speaker().words(self._key)
        super().format_help_text(ctx, formatter)

    def get_short_help_str(self, limit: int = 100) -> str:
        """Return what the commands are for, for the list of all."""
        return speaker().words(self._key)


class Option(click.Option):
    """An option whose help is a wording key."""

    def __init__(self, names: Sequence[str], key: str, **settings: Any) -> None:
        super().__init__(names, **settings)
        self._key = key

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option and what it is for."""
        self.help = speaker().words(self._key)
        return super().get_help_record(ctx)


def config_option() -> Option:
    """Return the option that every command has."""
    return Option(["--config"], "cli.config", type=click.Path(path_type=Path), default=CONFIG, show_default=True)


@dataclass(frozen=True)
class Session:
    """What a command works with: the configuration, and everything that follows from it when it is asked for."""

    config: Config

    @cached_property
    def content(self) -> Content:
        """The content folder; `Wrong` names every mistake in it."""
        return load_content(self.config.content, self.config.languages)

    @cached_property
    def speaker(self) -> Speaker:
        """Words for the terminal."""
        return speaker(self.config)

    @property
    def files(self) -> Files:
        """Where the installation lies."""
        return files_of(self.config)

    async def open(self, now: datetime) -> Opened:
        """Return the open installation, a new demonstration where nothing was ever made."""
        return await open_installation(self.config, self.content, now=now)

    def show_address(self, address: str) -> None:
        """Tell where the chat page is."""
        self.speaker.say("run.ready", address=address)


@contextmanager
def session(path: Path) -> Iterator[Session]:
    """Yield what a command works with; tell mistakes in words and leave with exit code 2."""
    at: Session | None = None
    try:
        at = Session(load(path, os.environ))
        yield at
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        raise  # whoever read our output has enough; click leaves quietly
    except Exception as error:
        mistakes = _port_taken(error, at) or mistakes_of(error)
        if mistakes is None:
            raise
        _speaker(at).complain(mistakes)
        sys.exit(CANNOT_START)


def _port_taken(error: Exception, at: Session | None) -> tuple[Say, ...]:
    if at is None or not isinstance(error, OSError) or error.errno != errno.EADDRINUSE:
        return ()
    return (Say("run.port_taken", {"port": at.config.web.port}),)


def _speaker(at: Session | None) -> Speaker:
    """The words of the content folder, or our own where that folder is what is wrong."""
    try:
        return at.speaker if at is not None else speaker()
    except Wrong:
        return speaker()


def asked(at: Session, given: str | None, question: str) -> str:
    """Return what was given as an option, or ask for it in the terminal."""
    if given is not None:
        return given
    answer: str = click.prompt(at.speaker.words(question), prompt_suffix="\n> ")
    return answer.strip()
