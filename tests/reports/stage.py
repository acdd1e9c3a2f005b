"""Play talks about reports on a real database file. The session is stored and read again between any two messages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml
from sqlalchemy import Connection, Engine, select

from bot.book import Book, make_book
from bot.content import load_wording
from bot.turns import Mind, Thought
from dialogue.messages import Attachment, Button, Capabilities, Choice, Inbound, Lines, Notice, Reply, Say
from dialogue.text import Wording
from figures import catalogue
from figures.catalogue import Catalogue
from handlers import lookup, menu, nil_report, report, report_guided, results, review
from handlers.content import Content, Question, ReportType, Role
from handlers.context import Context, Post
from storage import appointments, contacts, members, sessions, units
from storage.reports import Report, find
from storage.schema import attachment, figure, inbox
from storage.schema import report as reports_table
from storage.sessions import Session

CONTENT = Path(__file__).resolve().parents[2] / "content"
EVENING = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
TODAY = date(2026, 11, 23)
BUTTONS = Capabilities(buttons=True, pictures=True, text_limit=4000)
CONVERSATIONS = (
    menu.MENU,
    menu.HELP,
    lookup.LOOKUP,
    lookup.WITHDRAW,
    review.REVIEW,
    review.WAITING,
    results.RESULTS,
    nil_report.NIL_REPORT,
    report_guided.GUIDED,
    report.REPORT,
)
WORDS = {
    "turn.back.words": "quay lại",
    "turn.cancel.words": "hủy",
    "turn.skip.words": "bỏ qua",
    "turn.help.words": "trợ giúp",
    "menu.words": "menu",
    "lookup.words": "tra cứu",
    "withdraw.words": "rút lại báo cáo",
    "waiting.words": "chờ duyệt",
    "results.words": "kết quả",
    "nil.words": "không phát sinh",
    "guided.words": "gửi báo cáo",
    "report.zero.words": "không có",
}
TREE = (
    ("tinh", None, "tinh", "Tỉnh Gia Lai"),
    ("xa", "tinh", "xa", "Xã Chư Păh"),
    ("boi", "xa", "chi_hoi", "Chi hội làng Bối"),
    ("kla", "xa", "chi_hoi", "Chi hội làng Klă"),
    ("xa2", "tinh", "xa", "Xã Ia Ly"),
    ("ly1", "xa2", "chi_hoi", "Chi hội thôn 1"),
)


class KeyIsText(dict[str, str]):
    """Sentences whose text is their key, so that tests hold on to keys."""

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key, key)

    def __contains__(self, key: object) -> bool:
        return True


@cache
def indicators() -> Catalogue:
    return catalogue.load(yaml.safe_load((CONTENT / "indicators.yaml").read_text("utf-8")))


@cache
def words_people_say() -> dict[str, str]:
    """The real alternatives by which people change, drop and answer; all other sentences are their keys."""
    real = load_wording(CONTENT, ["vi"]).languages["vi"]
    theirs = ("report.", "results.how_many", "turn.yes", "turn.no.")
    return {key: text for key, text in real.items() if key.endswith(".words") and key.startswith(theirs)}


@cache
def content() -> Content:
    roles = yaml.safe_load((CONTENT / "roles.yaml").read_text("utf-8"))
    kinds = yaml.safe_load((CONTENT / "report_types.yaml").read_text("utf-8"))
    return Content(
        Wording({"vi": KeyIsText(WORDS | words_people_say())}),
        indicators(),
        {code: Role(code, tuple(each["levels"]), frozenset(each["can"])) for code, each in roles.items()},
        {
            code: ReportType(code, tuple(each["levels"]), tuple(Question(**asked) for asked in each["questions"]))
            for code, each in kinds.items()
        },
        (),
    )


@cache
def book() -> Book:
    return make_book(CONVERSATIONS, content().wording)


@dataclass
class Stage:
    """A province with two communes and three chi hội, and the people in them."""

    engine: Engine
    units: dict[str, int] = field(default_factory=dict)
    people: dict[int, Person] = field(default_factory=dict)

    @contextmanager
    def db(self) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            yield connection

    def person(self, *posts: tuple[str, str], name: str | None = None) -> Person:
        with self.db() as db:
            contact_id = contacts.create(db, at=EVENING, language="vi", name=name)
            for role, unit in posts:
                appointments.appoint(db, contact_id, self.units[unit], role, since=date(2022, 1, 1))
        self.people[contact_id] = Person(self, contact_id)
        return self.people[contact_id]

    def report(self, code: str) -> Report:
        with self.db() as db:
            found = find(db, code)
        assert found is not None
        return found

    def codes(self) -> list[str]:
        with self.db() as db:
            return list(db.scalars(select(reports_table.c.code).order_by(reports_table.c.id)))

    def figures(self, code: str) -> list[tuple[str, Any, bool]]:
        """Every figure row of a report, replaced ones too."""
        with self.db() as db:
            query = select(figure.c.indicator, figure.c.value, figure.c.replaced).order_by(figure.c.id)
            chosen = query.join(reports_table, reports_table.c.id == figure.c.report_id)
            return [tuple(row) for row in db.execute(chosen.where(reports_table.c.code == code))]

    def photos(self) -> list[tuple[str, int | None]]:
        with self.db() as db:
            return [tuple(row) for row in db.execute(select(attachment.c.received_sha256, attachment.c.report_id))]


@dataclass
class Person:
    """Somebody at a phone. `replies` are what she read, in order; `hears` and `presses` return those to one message."""

    stage: Stage
    contact_id: int
    now: datetime = EVENING
    capabilities: Capabilities = BUTTONS
    replies: list[Reply] = field(default_factory=list)

    def hears(self, text: str, *photos: str) -> list[Reply]:
        """Type a text, perhaps with photos, and return the answers."""
        files = tuple(Attachment(sha(name), "image/jpeg", 1000) for name in photos)
        return self._turn(Inbound(self.now, text, attachments=files))

    def presses(self, label: str, *, of: Reply | None = None) -> list[Reply]:
        """Press the button whose label has this key or text, on the last reply that has one, and return the answers."""
        shown = of or next(each for each in reversed(self.replies) if any(name(c) == label for c in each.choices))
        choice = next(each for each in shown.choices if name(each) == label)
        ask = next((part.key for part in reversed(shown.text) if isinstance(part, Say)), None)
        value = json.loads(json.dumps(choice.value))
        return self._turn(Inbound(self.now, label, pressed=Button(value, label, ask)))

    def _turn(self, inbound: Inbound) -> list[Reply]:
        with self.stage.db() as db:
            known = sessions.load(db, [self.contact_id]).get(self.contact_id, Session(self.contact_id))
            context = replace(
                self.context(db), text=inbound.text, attachments=inbound.attachments, inbox_id=self._kept(db)
            )
            thought = Mind(book(), db, context, known, inbound).think()
        return self._effect(thought)

    def _kept(self, db: Connection) -> int:
        """Keep a message in the inbox and return its id."""
        known = contacts.find_address(db, "paper", str(self.contact_id))
        place = known or contacts.add_address(db, self.contact_id, "paper", str(self.contact_id), at=self.now)
        times = {"sent_at": self.now, "received_at": self.now}
        row = inbox.insert().values(
            channel="paper", key=uuid4().hex, address_id=place.id, body={}, process="test", state="done", **times
        )
        return int(db.execute(row.returning(inbox.c.id)).scalar_one())

    def context(self, db: Connection) -> Context:
        held = appointments.of_contacts(db, [self.contact_id], TODAY).get(self.contact_id, [])
        roles = content().roles
        return Context(
            now=self.now,
            contact_id=self.contact_id,
            language="vi",
            content=content(),
            channel="paper",
            capabilities=self.capabilities,
            inbox_id=1,
            member_of=tuple(members.units_of_contacts(db, [self.contact_id], TODAY).get(self.contact_id, ())),
            posts=tuple(Post(p.unit_id, p.unit_name, p.level, p.role, roles[p.role].can) for p in held),
        )

    def _effect(self, thought: Thought) -> list[Reply]:
        said: list[Reply] = [each.reply for each in thought.before]
        with self.stage.db() as db:
            ending = thought.ending
            for each in ending.conversation.done(db, ending.context, ending.result) if ending else ():
                if isinstance(each, Notice):
                    self.stage.people[each.contact_id].replies.append(each.reply)
                else:
                    said.append(each)
            said += [each.reply for each in thought.after]
            last = (thought.after or thought.before)[-1:] if not ending or thought.after else ()
            ask = last[0].ask if last else None
            shown = [{"value": c.value, "label": name(c), "ask": ask} for c in said[-1].choices] if said else []
            sessions.save(db, [replace(thought.session, shown=tuple(shown))], at=self.now)
        self.replies += said
        return said


def sha(name_of_file: str) -> str:
    return hashlib.sha256(name_of_file.encode()).hexdigest()


def name(choice: Choice) -> str:
    return choice.label if isinstance(choice.label, str) else choice.label.key


def keys(replies: list[Reply]) -> list[str]:
    """The wording keys of the sentences of replies, in order."""
    return [part.key for each in replies for part in each.text if isinstance(part, Say)]


def told(replies: list[Reply], key: str) -> Mapping[str, Any]:
    """The values of the sentence `key` in replies."""
    return next(part.values for each in replies for part in each.text if isinstance(part, Say) and part.key == key)


def figures_told(shown: Any) -> list[tuple[str, Any]]:
    """(name, number) of each figure line of a card or receipt."""
    if isinstance(shown, Lines):
        return [pair for item in shown.items for pair in figures_told(item)]
    if isinstance(shown, Say) and shown.key == "report.line_said":
        return figures_told(shown.values["line"])
    if isinstance(shown, Say) and shown.key in {"figure.line", "figure.line_with"}:
        return [(str(shown.values["name"]), number(shown.values["value"]))]
    return []


def number(phrase: Any) -> Any:
    """The bare number in a phrase such as "trên 150 cây"."""
    if isinstance(phrase, Say):
        return number(phrase.values["value"])
    return getattr(phrase, "amount_vnd", phrase)


def names(replies: list[Reply]) -> list[str]:
    """The labels of the buttons under the last reply."""
    return [name(choice) for choice in replies[-1].choices]


def named(code: str) -> str:
    return indicators()[code].name("vi")


def make_stage(engine: Engine) -> Stage:
    """Fill a new database."""
    stage = Stage(engine)
    with stage.db() as db:
        for code, parent, level, title in TREE:
            stage.units[code] = units.add(db, code)
            parent_id = stage.units[parent] if parent else None
            units.add_version(db, stage.units[code], parent_id=parent_id, level=level, name=title, short_name=title)
    return stage
