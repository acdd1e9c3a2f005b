"""A desk with a few toy conversations on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from bot.book import make_book
from bot.dispatch import Desk, Dispatcher
from bot.intake import Intake
from dialogue.answers import Invalid
from dialogue.messages import Capabilities, Choice, Inbound, Reply, Say, opening, reply
from dialogue.text import Wording
from dialogue.turn import Ask, Conversation, Script
from figures.catalogue import Catalogue
from handlers.content import Content
from storage import installation
from storage.database import Connection, Database
from storage.schema import delivery
from storage.sites import Place, database_at
from tests.tables import engine_on
from tests.tables import kind as kind

WORDS = {
    "turn.back.words": "quay lại",
    "turn.cancel.words": "hủy",
    "turn.skip.words": "bỏ qua",
    "turn.help.words": "trợ giúp",
    "turn.yes.words": "có | ok",
    "turn.no.words": "không | ko",
    "menu.words": "menu",
    "note.words": "ghi chú",
    "form.words": "đơn",
    "fail.words": "hỏng",
    "help.words": "help",
}
PLAIN = [
    "turn.back",
    "turn.cancel",
    "turn.skip",
    "turn.left",
    "turn.not_understood",
    "turn.old_button",
    "turn.open_instead",
    "turn.kept",
    "turn.resumed",
    "turn.help",
    "turn.at_start",
    "turn.pick_one",
    "turn.too_many_open",
    "turn.script_gone",
    "turn.cannot_skip",
    "answer.text_wanted",
    "menu.shown",
    "note.title",
    "note.saved",
    "form.name",
    "form.age",
    "form.sure",
    "form.yes",
    "form.saved",
    "sos.shown",
    "sos.call",
    "group.private_only",
    "unread.voice",
    "unread.unknown",
    "unread.large_photo",
]


def ask_note(context: Any) -> Script:
    """One question."""
    title = yield Ask("note.title")
    return title


def ask_form(context: Any) -> Script:
    """Two questions and a summary."""
    name = yield Ask("form.name")
    age = yield Ask("form.age", parse=_number)
    yield Ask("form.sure", {"name": name}, parse=None, choices=(Choice("yes", Say("form.yes")),), confirm=True)
    return (name, age)


def _number(inbound: Inbound) -> int:
    if not inbound.text.isdecimal():
        raise Invalid("turn.pick_one")
    return int(inbound.text)


def ask_nothing(context: Any) -> Script:
    """A command."""
    yield from ()
    return dict(context.start)


@dataclass
class Office:
    """The dispatcher at work, with a clock that is set by hand and a list of what effects were made."""

    db: Database
    now: datetime
    effects: list[Any] = field(default_factory=list)
    broken: int = 0
    path: Path = Path()
    process: str = "first"
    dispatcher: Dispatcher = field(init=False)
    intake: Intake = field(init=False)
    _count: int = 0

    def open(self, process: str) -> None:
        """Start as another process."""
        self.process = process
        content = Content(Wording({"vi": {**{key: key for key in PLAIN}, **WORDS}}), _no_catalogue(), {}, {}, ())
        channels = {"web_chat": Capabilities(buttons=True, pictures=True, text_limit=1000)}
        desk = Desk(make_book(self._conversations(), content.wording), content, channels, lambda: self.now)
        self.dispatcher = Dispatcher(self.db, desk, process, on_committed=lambda _committed: None)
        self.intake = Intake(self.db, process, "vi", lambda: self.now, lambda _channel, _seconds: None)

    def _conversations(self) -> tuple[Conversation, ...]:
        return (
            Conversation("menu", ask_nothing, lambda db, c, r: [reply("menu.shown")], words="menu.words"),
            Conversation("help", ask_nothing, lambda db, c, r: [reply("turn.help")], words="help.words"),
            Conversation("note", ask_note, self._save("note"), words="note.words", opens=_opens_note),
            Conversation("form", ask_form, self._save("form"), words="form.words"),
            Conversation("fail", ask_nothing, self._fail, words="fail.words"),
            Conversation("sos", ask_nothing, _sos, opens=_opens_sos, interrupts=True),
        )

    def _save(self, name: str) -> Callable[[Connection, Any, Any], list[Reply]]:
        def done(db: Connection, context: Any, result: Any) -> list[Reply]:
            db.execute(text("insert into effects values (:name, :what)"), {"name": name, "what": str(result)})
            return [reply(f"{name}.saved")]

        return done

    def _fail(self, db: Connection, context: Any, result: Any) -> list[Reply]:
        db.execute(text("insert into effects values ('fail', 'half')"))
        if self.broken:
            self.broken -= 1
            raise RuntimeError("broken on purpose")
        return [reply("menu.shown")]

    async def hear(self, person: str, typed: str = "", *, pressed: str | None = None, **more: Any) -> list[str]:
        """Take a message in, work, and return the texts of the new replies to everybody; `more` goes into its body."""
        before = await self.db.read(_replies)
        self._count += 1
        key = f"{person}:{self.process}:{self._count}"
        await self.intake.accept("web_chat", person, key, {"text": typed, "pressed": pressed, **more})
        await self.dispatcher.drain()
        return [each["text"] for each in (await self.db.read(_replies))[len(before) :]]

    async def last_delivery(self) -> tuple[int, Mapping[str, Any]]:
        """Return the newest reply's id and body."""
        return await self.db.read(_last)

    async def all_effects(self) -> list[tuple[str, str]]:
        """Return the effects made, in order."""
        return await self.db.read(lambda db: [tuple(row) for row in db.execute(text("select * from effects"))])

    def later(self, **passed: float) -> None:
        """Let time pass."""
        self.now += timedelta(**passed)


def _no_catalogue() -> Catalogue:
    return None  # type: ignore[return-value]  # no toy conversation reads figures


def _opens_note(inbound: Inbound, context: Any) -> dict[str, Any] | None:
    return {"said": inbound.text} if inbound.text.startswith("nhớ ") else None


def _opens_sos(inbound: Inbound, context: Any) -> dict[str, Any] | None:
    return {} if "cứu" in inbound.text else None


def _sos(db: Connection, context: Any, result: Any) -> list[Reply]:
    return [Reply((Say("sos.shown"),), (opening("note", Say("sos.call")),))]


def _replies(db: Connection) -> list[Any]:
    return list(db.scalars(select(delivery.c.body).order_by(delivery.c.id)))


def _last(db: Connection) -> tuple[int, Mapping[str, Any]]:
    row = db.execute(select(delivery.c.id, delivery.c.body).order_by(delivery.c.id.desc()).limit(1)).one()
    return row.id, row.body


@pytest.fixture
async def office(place: Place) -> AsyncIterator[Office]:
    with engine_on(place) as engine, engine.begin() as db:
        db.execute(text("create table effects (name text, what text)"))
        installation.create(db, kind="demo", controller="Hội", at=datetime(2026, 1, 1, tzinfo=UTC))
    office = Office(database_at(place), datetime(2026, 11, 23, 12, tzinfo=UTC))
    office.open("first")
    yield office
    await office.db.close()
