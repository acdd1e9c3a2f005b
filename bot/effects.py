"""Make the effects of a batch of turns in one transaction: each turn in a savepoint, the rows of all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot import telling
from bot.events import BLOCKED
from bot.facts import Desk
from bot.gathering import Message, gather
from bot.turns import Spoken, Thought
from dialogue.messages import Forget, Notice, Rendered, Reply, Say, reply
from handlers.abroad import CONSENT_VERSION
from storage import consents, contacts, deliveries, inbox, sessions
from storage.consents import NewConsent
from storage.database import Connection, NotKept, savepoint
from storage.deliveries import NewDelivery
from storage.inbox import Waiting
from storage.sessions import Session

RETRY_AFTER = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))
"""Waits between tries of a turn that failed; after the last comes the dead letter (`reliability.md` §2)."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Turned:
    """A message thought through, or the error it met. `proves`: the doubtful delivery whose button she pressed."""

    message: Message
    language: str
    thought: Thought | None = None
    error: Exception | None = None
    restricted: bool = False
    proves: int | None = None

    @property
    def row(self) -> Waiting:
        """Its row, with the body that counts."""
        return self.message.row


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of a batch: rows done, rows failed, and whether messages wait to be sent."""

    done: int
    failed: int
    dead: int
    outgoing: int


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
        self.edited: dict[int, Mapping[str, Any]] = {}
        self.stand_ins: list[Message] = []
        self.lost: list[int] = []
        self.found: list[int] = []
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
            if thought.ending is None and thought.agreed is None:
                self._collect(turned, thought, ())
                return
            with savepoint(self.db):
                self._collect(turned, thought, self._made(turned, thought))
        except NotKept:
            raise  # the neighbours' effects are gone too
        except Exception as error:
            self.failed.append(replace(turned, error=error))

    def _made(self, turned: Turned, thought: Thought) -> Sequence[Reply | Notice | Forget]:
        """Make a turn's effects and return what its talk says."""
        if thought.agreed is not None:
            self._keep_consent(turned, thought.agreed)
        if thought.ending is None:
            return ()
        ending = thought.ending
        said: Sequence[Reply | Notice | Forget] = ending.conversation.done(self.db, ending.context, ending.result)
        return said

    def _keep_consent(self, turned: Turned, text: Say) -> None:
        row = turned.row
        new = NewConsent(
            contact_id=row.contact_id,
            purpose=consents.TRANSFER_ABROAD,
            text_version=CONSENT_VERSION,
            text_shown=self.desk.content.wording.phrase(text, turned.language),
            channel=row.channel,
            recorded_by=row.contact_id,
            given_at=row.sent_at,
        )
        consents.give(self.db, new)

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
        if not thought.untouched:
            self.sessions.append(replace(thought.session, shown=_now_shown(thought, rendered)))
        self._collect_row(turned, restricted=thought.restricted)

    def _collect_row(self, turned: Turned, *, restricted: bool) -> None:
        """Collect what is written about the rows of a turn that stands."""
        row, message = turned.row, turned.message
        self.done += message.ids
        self.edited.update(message.edited)
        if message.stands_for is not None:
            self.stand_ins.append(message)
        if row.body.get("event") == BLOCKED:
            self.lost.append(row.address_id)
        elif not row.is_live:
            self.found.append(row.address_id)
        if restricted:
            self.restricted += (*message.ids, *message.edited)

    def write(self) -> Committed:
        """Write what was collected."""
        dead = [self._fail(turned) for turned in self.failed].count(True)
        if self.outgoing:
            deliveries.enqueue(self.db, self._to_holders(), at=self.now)
        if self.sessions:
            sessions.save(self.db, self.sessions, at=self.now)
        if self.done:
            inbox.finish(self.db, self.done, at=self.now)
        if self.edited:
            inbox.rewrite(self.db, self.edited)
        for message in self.stand_ins:
            inbox.stand_for(self.db, message.row.id, message.stands_for or "", at=self.now)
        if self.lost:
            contacts.lose(self.db, self.lost)
        if self.found:
            contacts.find_again(self.db, self.found)
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
        inbox.fail(self.db, turned.message.ids, reason=reason, retry_at=retry_at, restricted=turned.restricted)
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
    (message,) = gather(db, [row])
    inbox.fail(db, message.ids, reason="process_died", retry_at=None)
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
