"""One inbox row = one transaction: effect, replies and "done" together, one contact's rows in order.

Rows of different contacts go in batches: one pass on a reader thinks each turn through
(`bot/turns.py`), one transaction of the writer makes the effects; inside it each turn has its own
savepoint, so one that fails takes nobody along. The rows every turn writes (session, delivery, done)
go in once for the whole batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import structlog

from bot import telling
from bot.book import Book
from bot.turns import Mind, Spoken, Thought, received
from dialogue.messages import Button, Capabilities, Forget, Notice, Rendered, Reply, reply
from handlers.content import Content
from handlers.context import VIETNAM, Context, Post
from storage import appointments, contacts, deliveries, inbox, installation, members, sessions
from storage.database import Connection, Database, NotKept, savepoint
from storage.deliveries import NewDelivery
from storage.inbox import Waiting
from storage.sessions import Session

BATCH = 64
WORKERS = 2
"""Batches in hand at once: one thinks while the other commits."""

RETRY_AFTER = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))
"""Waits between tries of a turn that failed; after the last comes the dead letter (`reliability.md` §2)."""

MOST_DEATHS = 6
"""Processes that may die with a row left behind before it is a dead letter. The first died with it in company, and
a machine that is switched off and on again always meets the oldest row: three such deaths were seen in kill tests
of innocent rows (`docs/decisions/0005`)."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Desk:
    """What a turn needs besides its row: the conversations, the content, the channels' abilities, a clock."""

    book: Book
    content: Content
    channels: Mapping[str, Capabilities]
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Turned:
    """A row thought through, or the error it met. `proves`: the doubtful delivery whose button she pressed."""

    row: Waiting
    language: str
    thought: Thought | None = None
    error: Exception | None = None
    restricted: bool = False
    proves: int | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of a batch: rows done, rows failed, and whether messages wait to be sent."""

    done: int
    failed: int
    dead: int
    outgoing: int


class Dispatcher:
    """Works on inbox rows until stopped. `wake` says that there may be new ones; `on_committed` hears of each batch."""

    def __init__(self, db: Database, desk: Desk, process: str, *, on_committed: Callable[[Committed], None]) -> None:
        self._db = db
        self._desk = desk
        self._process = process
        self._on_committed = on_committed
        self._busy: set[int] = set()
        self._counted: set[int] = set()
        self._woken = asyncio.Event()
        self._stopping = False
        self._choosing = asyncio.Lock()

    def wake(self) -> None:
        """Look for rows now instead of at the next tick."""
        self._woken.set()

    async def run(self) -> None:
        """Take rows left by an earlier process one by one, then work until `stop`."""
        while not self._stopping and await self._attempted(self._recover):
            pass
        await asyncio.gather(*(self._work() for _ in range(WORKERS)))

    def stop(self) -> None:
        """Finish the batches in hand and return from `run`."""
        self._stopping = True
        self._woken.set()

    async def drain(self) -> None:
        """Work until no open row is left that may run now; for tests and the terminal."""
        while await self._batch():
            pass

    async def _work(self) -> None:
        while not self._stopping:
            # Cleared before the look: what comes in during it must not be slept over.
            self._woken.clear()
            if not await self._attempted(self._batch):
                await self._rest()

    async def _attempted(self, step: Callable[[], Awaitable[int]]) -> int:
        try:
            return await step()
        except Exception:
            # One boundary for the loop: a full disk or a bug in our own frame must not end the service.
            log.exception("batch_failed")
            await asyncio.sleep(1)
            return 1

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), timeout=1)
        except TimeoutError:
            return

    async def _batch(self) -> int:
        async with self._choosing:
            now = self._desk.clock()
            rows = await self._db.read(inbox.next_rows, busy=frozenset(self._busy), now=now, most=BATCH)
            taken = {row.contact_id for row in rows}
            self._busy |= taken
        if not rows:
            return 0
        try:
            await self._run(rows)
        finally:
            self._busy -= taken
        return len(rows)

    async def _run(self, rows: Sequence[Waiting]) -> None:
        try:
            turned = await self._db.read(think, self._desk, rows)
            committed = await self._db.write(commit, self._desk, turned)
        except NotKept:
            raise
        except Exception as error:
            if len(rows) > 1:
                # One row that we stumble over must not take its neighbours along.
                for row in rows:
                    await self._run([row])
                return
            fallen = Turned(rows[0], self._desk.content.wording.default, error=error)
            committed = await self._db.write(commit, self._desk, [fallen])
        self._on_committed(committed)

    async def _recover(self) -> int:
        """Careful mode: a row an earlier process left behind runs alone, its attempt counted and committed first.

        Return how many there were; those behind a row that waits for its next try come later, in order.
        """
        now = self._desk.clock()
        rows = await self._db.read(inbox.of_other_processes, self._process, now=now, most=BATCH)
        for row in rows:
            if self._stopping:
                return 0
            await self._run_with_care(row)
        return len(rows)

    async def _run_with_care(self, row: Waiting) -> None:
        if row.id not in self._counted:
            if row.attempt > MOST_DEATHS:
                log.error("dead_letter", inbox_id=row.id, reason="process_died")
                await self._db.write(bury, self._desk, row)
                return
            await self._db.write(inbox.count_attempt, row.id)
            # Once in each process, however often a full disk makes us begin again.
            self._counted.add(row.id)
        await self._run([row])
        await self._db.write(inbox.adopt, [row.id], self._process)


def think(db: Connection, desk: Desk, rows: Sequence[Waiting]) -> list[Turned]:
    """Think each row through on a reader's connection. A failure is kept with its row."""
    facts = _Facts.read(db, desk, rows)
    return [_think_one(db, desk, row, facts) for row in rows]


def _think_one(db: Connection, desk: Desk, row: Waiting, facts: _Facts) -> Turned:
    person = facts.people[row.contact_id]
    mind: Mind | None = None
    try:
        inbound = received(row.body, row.sent_at, facts.pressed(row))
        context = _timely(db, facts.context(desk, row), desk.clock())
        context = replace(context, text=inbound.text, attachments=inbound.attachments)
        session = facts.sessions.get(row.contact_id, Session(row.contact_id))
        mind = Mind(desk.book, db, context, session, inbound)
        thought = mind.think()
    except Exception as error:
        restricted = mind is not None and mind.is_restricted()
        return Turned(row, person.language, error=error, restricted=restricted)
    return Turned(row, person.language, thought, restricted=thought.restricted, proves=facts.proved(row))


def _timely(db: Connection, context: Context, now: datetime) -> Context:
    """Return the context of a message; of one written before its sender lost a post, as if she wrote it now.

    Rights are those of today: a phone's clock, set back, must not bring ended ones back.
    """
    today = now.astimezone(VIETNAM).date()
    if context.today == today:
        return context
    held, still_held = (_posts_on(db, context.contact_id, day) for day in (context.today, today))
    return replace(context, now=now) if held - still_held else context


def _posts_on(db: Connection, contact_id: int, day: date) -> set[tuple[int, str]]:
    held = appointments.of_contacts(db, [contact_id], day).get(contact_id, ())
    return {(post.unit_id, post.role) for post in held}


@dataclass(frozen=True)
class _Facts:
    """What a batch of turns needs, each kind read once for all."""

    people: Mapping[int, contacts.Contact]
    sessions: Mapping[int, Session]
    posts: Mapping[int, Sequence[appointments.Appointment]]
    memberships: Mapping[int, Sequence[tuple[int, str]]]
    buttons: Mapping[int, deliveries.Shown]
    place: installation.Installation

    @classmethod
    def read(cls, db: Connection, desk: Desk, rows: Sequence[Waiting]) -> _Facts:
        ids = [row.contact_id for row in rows]
        today = desk.clock().astimezone(VIETNAM).date()
        pressed = [delivery_id for row in rows if (delivery_id := _pressed_delivery(row)) is not None]
        return cls(
            people=contacts.get_many(db, ids),
            sessions=sessions.load(db, ids),
            posts=appointments.of_contacts(db, ids, today),
            memberships=members.units_of_contacts(db, ids, today),
            buttons=deliveries.shown(db, pressed) if pressed else {},
            place=installation.get(db),
        )

    def pressed(self, row: Waiting) -> Button | None:
        """The button she pressed, as we showed it to her; one of somebody else's message counts as unknown."""
        if not row.body.get("pressed"):
            return None
        delivery_id = _pressed_delivery(row)
        shown = self.buttons.get(delivery_id) if delivery_id is not None else None
        index = int(str(row.body["pressed"]).partition(".")[2] or 0) if shown else 0
        if shown is None or row.contact_id != shown.contact_id or index >= len(shown.buttons):
            return Button(None, "")
        button = shown.buttons[index]
        return Button(button["value"], button["label"], button.get("ask"))

    def proved(self, row: Waiting) -> int | None:
        """The delivery that was in doubt and arrived, since she presses a button of it."""
        delivery_id = _pressed_delivery(row)
        shown = self.buttons.get(delivery_id) if delivery_id is not None else None
        return delivery_id if shown is not None and shown.in_doubt and shown.contact_id == row.contact_id else None

    def context(self, desk: Desk, row: Waiting) -> Context:
        """The facts of one turn."""
        person = self.people[row.contact_id]
        return Context(
            now=row.sent_at,
            contact_id=person.id,
            language=person.language,
            content=desk.content,
            channel=row.channel,
            capabilities=desk.channels[row.channel],
            inbox_id=row.id,
            name=person.name,
            stopped=person.stopped,
            demo=self.place.kind == "demo",
            controller=self.place.controller,
            posts=tuple(_post(desk, post) for post in self.posts.get(person.id, ())),
            member_of=tuple(self.memberships.get(person.id, ())),
        )


def _pressed_delivery(row: Waiting) -> int | None:
    number, _, index = str(row.body.get("pressed") or "").partition(".")
    plausible = number.isdecimal() and index.isdecimal() and len(number) < 19 and len(index) < 4
    return int(number) if plausible else None


def _post(desk: Desk, post: appointments.Appointment) -> Post:
    role = desk.content.roles.get(post.role)
    can = role.can if role else frozenset[str]()
    return Post(post.unit_id, post.unit_name, post.level, post.role, can)


class _Batch:
    """The rows that all turns of a batch write, collected to go in together."""

    def __init__(self, db: Connection, desk: Desk) -> None:
        self.db = db
        self.desk = desk
        self.now = desk.clock()
        self.outgoing: list[NewDelivery] = []
        self.sessions: list[Session] = []
        self.done: list[int] = []
        self.restricted: list[int] = []
        self.failed: list[Turned] = []

    def add(self, turned: Turned) -> None:
        """Make one turn's effect and collect its rows; what it did is undone if it fails."""
        thought = turned.thought
        if turned.proves is not None:
            deliveries.pressed(self.db, turned.proves, turned.row.contact_id)
        if thought is None:
            self.failed.append(turned)
            return
        try:
            if thought.ending is None:
                self._collect(turned, thought, ())
                return
            with savepoint(self.db):
                ending = thought.ending
                said = ending.conversation.done(self.db, ending.context, ending.result)
                self._collect(turned, thought, said)
        except NotKept:
            raise  # the neighbours' effects are gone too
        except Exception as error:
            self.failed.append(replace(turned, error=error))

    def _collect(self, turned: Turned, thought: Thought, said: Sequence[Reply | Notice | Forget]) -> None:
        if any(isinstance(each, Forget) for each in said):
            thought = replace(thought, session=Session(turned.row.contact_id), after=())
        notices = [each for each in said if isinstance(each, Notice)]
        notices = [each for each in notices if telling.is_wanted(self.db, each.contact_id, each.reply)]
        own = [Spoken(each) for each in said if isinstance(each, Reply)]
        spoken = (*thought.before, *own, *thought.after)
        wording = self.desk.content.wording
        rendered = [wording.render(each.reply, turned.language, ask=each.ask) for each in spoken]
        others = [telling.notice(self.db, wording, each.contact_id, each.reply, at=self.now) for each in notices]
        # From here on nothing may fail: the collected rows belong to a turn whose effect stands.
        row = turned.row
        self.outgoing += [
            telling.answer(row.contact_id, row.address_id, each, at=self.now, restricted=thought.restricted)
            for each in rendered
        ]
        self.outgoing += others
        self.sessions.append(replace(thought.session, shown=_now_shown(thought, rendered)))
        self.done.append(row.id)
        if thought.restricted:
            self.restricted.append(row.id)

    def write(self) -> Committed:
        """Write what was collected."""
        dead = [self._fail(turned) for turned in self.failed].count(True)
        if self.outgoing:
            deliveries.enqueue(self.db, self._to_holders(), at=self.now)
        if self.sessions:
            sessions.save(self.db, self.sessions, at=self.now)
        if self.done:
            inbox.finish(self.db, self.done, at=self.now)
        if self.restricted:
            inbox.restrict(self.db, self.restricted)
        return Committed(len(self.done), len(self.failed), dead, len(self.outgoing))

    def _to_holders(self) -> list[NewDelivery]:
        """What goes out, each message to whom its address is now: a turn may have made it another person's."""
        answers = {row.address_id for row in self.outgoing if row.address_id is not None}
        whose = contacts.holders(self.db, answers)
        return [replace(row, contact_id=whose.get(row.address_id or 0, row.contact_id)) for row in self.outgoing]

    def _fail(self, turned: Turned) -> bool:
        row = turned.row
        tries_left = row.attempt <= len(RETRY_AFTER)
        retry_at = self.now + RETRY_AFTER[row.attempt - 1] if tries_left else None
        log.error("turn_failed", inbox_id=row.id, attempt=row.attempt, exc_info=turned.error)
        reason = type(turned.error).__name__
        inbox.fail(self.db, row.id, reason=reason, retry_at=retry_at, restricted=turned.restricted)
        if retry_at is None:
            self.outgoing.append(_kept_for_an_officer(self.desk, row, turned.language, self.now))
        return retry_at is None


def commit(db: Connection, desk: Desk, turns: Sequence[Turned]) -> Committed:
    """Make the effects of a batch in the writer's transaction."""
    batch = _Batch(db, desk)
    for turned in turns:
        batch.add(turned)
    return batch.write()


def bury(db: Connection, desk: Desk, row: Waiting) -> None:
    """Make a row a dead letter and tell its sender that it is kept."""
    person = contacts.get_many(db, [row.contact_id])[row.contact_id]
    inbox.fail(db, row.id, reason="process_died", retry_at=None)
    now = desk.clock()
    deliveries.enqueue(db, [_kept_for_an_officer(desk, row, person.language, now)], at=now)


def _now_shown(thought: Thought, rendered: Sequence[Rendered]) -> tuple[Mapping[str, Any], ...]:
    """The buttons she may answer with: those of the last message first, since they have the numbers she sees."""
    if not rendered:
        return thought.session.shown
    *earlier, last = rendered
    openings = [button for each in earlier for button in each.buttons if button.ask is None]
    waiting = [each for each in thought.session.shown if each.get("ask")] if thought.interrupts else []
    return (*(telling.stored(button) for button in (*last.buttons, *openings)), *waiting)


def _kept_for_an_officer(desk: Desk, row: Waiting, language: str, now: datetime) -> NewDelivery:
    rendered = desk.content.wording.render(reply("turn.kept"), language)
    return telling.answer(row.contact_id, row.address_id, rendered, at=now)
