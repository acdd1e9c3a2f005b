"""Play every transcript on the real program: with buttons and a restart between any two lines, without buttons, and on
a channel whose servers stand abroad; then over a platform's own protocol, by both ways in."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from bot.config import Config, load
from bot.transcript import Line, Said, parse, write
from handlers.content import Content
from tests.conftest import Demonstration, DemonstrationOnAServer
from tests.dialogues.actor import Actor
from tests.dialogues.platform import on_platform
from tests.dialogues.telegram import TELEGRAM
from tests.dialogues.theatre import BIRTHDAY, in_the_terminal
from tests.dialogues.zalo_bot import UNNAMED, ZALO_BOT, can
from tests.postgresql import copied_database

TRANSCRIPTS = sorted(Path(__file__).parent.glob("*.txt"))
ONLY_ABROAD = "abroad_"
"""Transcripts so named are about what is different abroad; in all others people agreed to the transfer before."""

AT_HOME = [path for path in TRANSCRIPTS if not path.stem.startswith(ONLY_ABROAD)]
RESTARTED_ON_A_SERVER = {"broadcast", "register", "report_one_sentence"}
"""Going on after a restart is the same code on both databases; a few show it."""

each_transcript = pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)


@pytest.fixture
def folder(demonstration: Demonstration, tmp_path: Path) -> Path:
    """Return a folder with a demonstration of its own."""
    shutil.copytree(demonstration(BIRTHDAY), tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def config(folder: Path) -> Config:
    return load(folder / "config.yaml", {})


@pytest.mark.parametrize("transcript", AT_HOME, ids=lambda path: path.stem)
@pytest.mark.parametrize("way", ["numbers", "restarts"])
async def test_transcript(transcript: Path, way: str, config: Config, content: Content) -> None:
    plain = way == "numbers"
    theatre = partial(in_the_terminal, config, content, buttons=not plain)
    await Actor(theatre, plain=plain, restarts=way == "restarts").play(await lines_of(transcript))


@pytest.fixture
def config_of_a_server(demonstration_on_a_server: DemonstrationOnAServer, tmp_path: Path) -> Iterator[Config]:
    folder, original = demonstration_on_a_server(BIRTHDAY)
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    with copied_database(original) as server:
        yield load(tmp_path / "config.yaml", {"LANTOA_DATABASE__URL": server.url})


@pytest.mark.postgresql
@pytest.mark.parametrize("transcript", AT_HOME, ids=lambda path: path.stem)
async def test_transcript_on_postgresql(transcript: Path, config_of_a_server: Config, content: Content) -> None:
    theatre = partial(in_the_terminal, config_of_a_server, content)
    await Actor(theatre, restarts=transcript.stem in RESTARTED_ON_A_SERVER).play(await lines_of(transcript))


@each_transcript
async def test_transcript_abroad(transcript: Path, config: Config, content: Content) -> None:
    theatre = partial(in_the_terminal, config, content, abroad=True)
    await Actor(theatre, abroad=True, agreed=agreed_before(transcript)).play(await lines_of(transcript))


@each_transcript
@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_transcript_on_telegram(transcript: Path, mode: str, folder: Path, content: Content) -> None:
    theatre = partial(on_platform, TELEGRAM, folder, content, mode=mode)
    actor = Actor(theatre, abroad=True, agreed=agreed_before(transcript), pictures=True, links=True)
    await actor.play(await lines_of(transcript))


ON_ZALO = [
    path for path in AT_HOME if all(can(line) for line in parse(path.read_text("utf-8")) if isinstance(line, Said))
]


@pytest.mark.parametrize("transcript", ON_ZALO, ids=lambda path: path.stem)
@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_transcript_on_zalo_bot(transcript: Path, mode: str, folder: Path, content: Content) -> None:
    theatre = partial(on_platform, ZALO_BOT, folder, content, mode=mode)
    await Actor(theatre, plain=True, pictures=True, unnamed=UNNAMED).play(await lines_of(transcript))


def test_only_what_nobody_can_do_on_zalo_is_not_played_there() -> None:
    assert {path.stem for path in AT_HOME} - {path.stem for path in ON_ZALO} == {"edited", "unread_with_words"}


def agreed_before(transcript: Path) -> bool:
    return not transcript.stem.startswith(ONLY_ABROAD)


async def lines_of(transcript: Path) -> list[Line]:
    return parse(await asyncio.to_thread(transcript.read_text, encoding="utf-8"))


@each_transcript
async def test_a_transcript_written_anew_reads_the_same(transcript: Path) -> None:
    lines = await lines_of(transcript)
    assert parse(write(lines)) == lines


def test_there_are_transcripts() -> None:
    assert TRANSCRIPTS
