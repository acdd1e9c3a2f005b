"""Play conversations against a real database file, keeping messages, answers and sessions as the program does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, Insert, Table, update

from dialogue.messages import Button, Capabilities, Forget, Inbound, Notice, Reply, Say
from dialogue.text import Wording
from dialogue.turn import Asked, Conversation, Ended, Look, Outcome, Reading, begin, turn
from figures.catalogue import Catalogue
from handlers.content import Content, Hotline, Role
from handlers.context import Context, Post
from storage import appointments, contacts, members, sessions, units
from storage.database import to_json
from storage.schema import delivery, inbox, metadata
from storage.sealing import Sealer, create_key_file
from storage.sessions import Session, Talk
from storage.types import Instant

NOON = datetime(2026, 11, 23, 5, tzinfo=UTC)
TODAY = date(2026, 11, 23)
AT_HOME = Capabilities(buttons=True, pictures=True, text_limit=4000)
ABROAD = replace(AT_HOME, data_abroad=True)
SENTENCES = {
    "register.consent": "{controller} keeps your data ({version})",
    "register.other_consent": "{controller} keeps her data ({version})",
    "register.consent_abroad": "{controller} gets it from abroad ({version})",
    "emergency.way.call": "call",
    "emergency.way_said": "{way}: {details}",
    "language.set": "set",
}
ROLES = {
    "chi_hoi_truong": Role("chi_hoi_truong", ("chi_hoi",), frozenset({"report", "results"})),
    "chu_tich_xa": Role("chu_tich_xa", ("xa",), frozenset({"report", "approve", "admit", "broadcast", "results"})),
    "can_bo_tinh": Role("can_bo_tinh", ("tinh",), frozenset({"report", "approve", "broadcast", "results", "invite"})),
}
HOTLINES = (Hotline("peace_house", "1900 96 96 80", ("violence",)), Hotline("fire_rescue", "114", ("disaster",)))


@dataclass(frozen=True)
class Press:
    """She presses the button with this value."""

    value: Any


@dataclass
class Stage:
    """A database with a small tree: a province, two communes, three chi hội, and a province of one row."""

    path: Path
    engine: Engine
    sealer: Sealer
    units: dict[str, int] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    keys: Iterator[int] = field(default_factory=count)
    wording: Wording = field(default_factory=lambda: Wording({"vi": SENTENCES, "en": {"language.set": "set now"}}))

    @contextmanager
    def db(self) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            yield connection

    def content(self) -> Content:
        return Content(self.wording, cast(Catalogue, None), ROLES, {}, HOTLINES)

    def person(self, name: str | None = None, *, role: str | None = None, unit: str | None = None) -> Person:
        with self.db() as db:
            contact_id = contacts.create(db, at=NOON, language="vi", name=name)
            address = contacts.add_address(db, contact_id, "paper", f"visitor-{next(self.keys)}", at=NOON)
            if role and unit:
                appointments.appoint(db, contact_id, self.units[unit], role, since=TODAY - timedelta(days=30))
        return Person(self, contact_id, address.id)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.db() as db:
            return [tuple(row) for row in db.exec_driver_sql(query)]

    def dump(self) -> str:
        """Everything in the database as text."""
        with self.db() as db:
            rows = [row for table in metadata.sorted_tables for row in db.execute(table.select())]
        return "\n".join(to_json(each) if isinstance(each, dict | list) else str(each) for row in rows for each in row)


@dataclass
class Person:
    """Somebody at a phone."""

    stage: Stage
    contact_id: int
    address_id: int
    capabilities: Capabilities = AT_HOME
    now: datetime = NOON
    said: list[Reply] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    """What the context says besides what is in the database."""

    def context(self, inbox_id: int = 0, start: Mapping[str, Any] | None = None) -> Context:
        with self.stage.db() as db:
            known = contacts.get_many(db, [self.contact_id])[self.contact_id]
            held = appointments.of_contacts(db, [self.contact_id], self.now.date()).get(self.contact_id, [])
            belongs = members.units_of_contacts(db, [self.contact_id], self.now.date())
        posts = tuple(Post(p.unit_id, p.unit_name, p.level, p.role, ROLES[p.role].can) for p in held)
        return Context(
            now=self.now,
            contact_id=self.contact_id,
            language=known.language,
            content=self.stage.content(),
            channel="paper",
            capabilities=self.capabilities,
            inbox_id=inbox_id,
            name=known.name,
            controller="Hội LHPN tỉnh",
            posts=posts,
            member_of=tuple(belongs.get(self.contact_id, ())),
            start=start or {},
            **self.facts,
        )

    def plays(self, conversation: Conversation, *said: str | Press, start: Mapping[str, Any] | None = None) -> Reply:
        """Open a conversation, say all of `said`, and return the last question or answer."""
        inbox_id = self._writes("(opens)")
        context = self.context(inbox_id, start)
        outcome = self._settled(lambda known: begin(conversation, context, known))
        for each in said:
            assert isinstance(outcome, Asked), f"nothing was asked, but she says {each}"
            outcome = self._answers(conversation, outcome, each, start)
        if isinstance(outcome, Asked):
            return self._reads(_question(outcome))
        assert isinstance(outcome, Ended)
        return self.said[-1]

    def _answers(
        self, conversation: Conversation, asked: Asked, said: str | Press, start: Mapping[str, Any] | None
    ) -> Outcome:
        self._reads(_question(asked))
        inbox_id = self._writes(said if isinstance(said, str) else str(said.value))
        context = self.context(inbox_id, start)
        log = (*asked.answers, *asked.rest)
        self._keeps(Talk(conversation.name, start or {}, log))
        buttons = _buttons(asked)
        pressed = Button(said.value, "", asked.ask.key) if isinstance(said, Press) else None
        inbound = Inbound(self.now, said if isinstance(said, str) else "", pressed)
        outcome = self._settled(
            lambda known: turn(conversation, context, log, inbound=inbound, shown=buttons, known=known)
        )
        if isinstance(outcome, Ended):
            self._finishes(conversation, context, outcome.result)
        return outcome

    def does(self, conversation: Conversation, start: Mapping[str, Any] | None = None) -> Reply:
        """Open a conversation that asks nothing, and return its last answer."""
        context = self.context(self._writes("(opens)"), start)
        outcome = self._settled(lambda known: begin(conversation, context, known))
        assert isinstance(outcome, Ended)
        self._finishes(conversation, context, outcome.result)
        return self.said[-1]

    def _settled(self, step: Any) -> Outcome:
        known: dict[Look, Any] = {}
        with self.stage.db() as db:
            while True:
                outcome = cast(Outcome, step(known))
                if not isinstance(outcome, Reading):
                    return outcome
                known[outcome.look] = outcome.look.read(db, *outcome.look.args)

    def _finishes(self, conversation: Conversation, context: Context, result: Any) -> None:
        with self.stage.db() as db:
            given = conversation.done(db, context, result)
            sessions.save(db, [Session(self.contact_id)], at=self.now)
            db.execute(update(inbox).where(inbox.c.id == context.inbox_id).values(state="done", done_at=self.now))
        for each in given:
            if isinstance(each, Forget):
                continue
            if isinstance(each, Notice):
                self.stage.notices.append(each)
                self._deliver(each.contact_id, None, each.reply)
            else:
                self._reads(each)

    def _writes(self, text: str) -> int:
        values = {
            "channel": "paper",
            "key": f"{next(self.stage.keys)}",
            "address_id": self.address_id,
            "body": {"text": text},
            "sent_at": self.now,
            "received_at": self.now,
            "process": "test",
            "state": "done",
        }
        with self.stage.db() as db:
            return int(db.execute(inbox.insert().values(**values).returning(inbox.c.id)).scalar_one())

    def _reads(self, said: Reply) -> Reply:
        self.said.append(said)
        self._deliver(self.contact_id, self.address_id, said)
        return said

    def _deliver(self, contact_id: int, address_id: int | None, said: Reply) -> None:
        values = {
            "contact_id": contact_id,
            "address_id": address_id,
            "lane": 0,
            "sort": said.sort,
            "body": {"text": repr(said)},
            "state": "sent" if address_id else "ready",
            "due_at": self.now,
            "created_at": self.now,
        }
        with self.stage.db() as db:
            db.execute(delivery.insert().values(**values))

    def _keeps(self, talk: Talk) -> None:
        with self.stage.db() as db:
            sessions.save(db, [Session(self.contact_id, talk)], at=self.now)


def filled(table: Table, **values: Any) -> Insert:
    """Insert a row of a table that is not this test's subject: columns it does not name get something that fits."""
    fits: dict[type, Any] = {int: 1, str: "x", date: TODAY, bytes: b"x", bool: False}
    missing = {
        column.name: NOON if isinstance(column.type, Instant) else fits.get(column.type.python_type, {})
        for column in table.columns
        if not (column.nullable or column.default or column.primary_key or column.name in values)
    }
    return table.insert().values(**missing, **values)


def _question(asked: Asked) -> Reply:
    hint = (asked.hint,) if asked.hint else ()
    return Reply((*hint, Say(asked.ask.key, asked.ask.values)), asked.found or asked.ask.choices)


def _buttons(asked: Asked) -> list[Button]:
    choices = asked.found or asked.ask.choices
    labels = [choice.label if isinstance(choice.label, str) else choice.label.key for choice in choices]
    return [Button(choice.value, label, asked.ask.key) for choice, label in zip(choices, labels, strict=True)]


def key_of(said: Reply) -> str:
    """The wording key of an answer's first sentence."""
    first = said.text[0]
    assert isinstance(first, Say)
    return first.key


def values_of(said: Reply) -> Mapping[str, Any]:
    """The values of an answer's first sentence."""
    first = said.text[0]
    assert isinstance(first, Say)
    return first.values


def make_stage(folder: Path, engine: Engine) -> Stage:
    """Fill the new database `test.db` of a folder."""
    stage = Stage(folder / "test.db", engine, Sealer(create_key_file(folder / "test.key")))
    tree = [
        ("tinh", None, "tinh", "Hội LHPN tỉnh Gia Lai", ()),
        ("lone", None, "tinh", "Hội LHPN tỉnh Lẻ Loi", ()),
        ("chu_pah", "tinh", "xa", "Hội LHPN xã Chư Păh", ("Hòa Phú",)),
        ("ia_ly", "tinh", "xa", "Hội LHPN xã Ia Ly", ()),
        ("boi", "chu_pah", "chi_hoi", "Chi hội làng Bối", ()),
        ("thon_2", "chu_pah", "chi_hoi", "Chi hội thôn 2", ()),
        ("kep", "ia_ly", "chi_hoi", "Chi hội làng Kép", ()),
    ]
    with stage.db() as db:
        for code, parent, level, name, aliases in tree:
            unit_id = stage.units[code] = units.add(db, code)
            above = stage.units[parent] if parent else None
            units.add_version(
                db, unit_id, parent_id=above, level=level, name=name, short_name=name.split("xã ")[-1], aliases=aliases
            )
    return stage
