"""Think one message through: which talk it belongs to, what is asked next, what is to be done.

Everything here reads and nothing writes: a `Thought` says what one transaction will do
(`bot/dispatch.py`). Questions to the database a talk yields are answered on the reader's connection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from bot.book import HELP, Book
from dialogue.fit import is_move, is_opening, pick, pick_by_words
from dialogue.messages import UNREAD, Attachment, Button, Choice, Inbound, Reply, Say, opening, reply
from dialogue.turn import (
    BACK,
    CANCEL,
    SKIP,
    Ask,
    Asked,
    Conversation,
    Ended,
    Left,
    Look,
    Outcome,
    Reading,
    begin,
    replay,
    turn,
)
from handlers import abroad
from handlers.context import MESSAGE, SAID_AT, Context
from storage.database import Connection
from storage.sessions import Session, Talk
from vietnamese.fold import fold

MOST_PARKED = 3
STALE = timedelta(hours=6)
"""After so long a sentence that opens a talk of its own is not taken for an answer to an old question."""

MAX_LOOKS = 50


@dataclass(frozen=True, slots=True)
class Ending:
    """A talk that came to its end: its effect is still to be made."""

    conversation: Conversation
    context: Context
    result: Any


@dataclass(frozen=True, slots=True)
class Spoken:
    """A reply with the question it asks, if any; buttons of a question count only for it."""

    reply: Reply
    ask: str | None = None


@dataclass(frozen=True, slots=True)
class Thought:
    """What one message leads to: replies before the effect, the effect, replies after it, the session to keep.

    With `interrupts` the buttons of the question that waits stay good beside the new ones. `untouched`: the session
    stays as it is, as if nothing had been said. `agreed` is the text she agreed to just now, to be kept as a consent
    to the transfer abroad: it counts from then on, whatever becomes of the talk.
    """

    session: Session
    before: tuple[Spoken, ...] = ()
    ending: Ending | None = None
    after: tuple[Spoken, ...] = ()
    restricted: bool = False
    interrupts: bool = False
    untouched: bool = False
    agreed: Say | None = None


@dataclass(frozen=True)
class Mind:
    """One turn of one person: what is needed to think it through."""

    book: Book
    db: Connection
    context: Context
    session: Session
    inbound: Inbound

    def think(self) -> Thought:
        """Return what this message leads to."""
        return self.judged(self._with_unread())

    def judged(self, thought: Thought) -> Thought:
        """Mark a thought as restricted if the talk it comes from or leads to is."""
        names = {talk.conversation for talk in (self.session.talk, thought.session.talk) if talk}
        if thought.ending is not None:
            names.add(thought.ending.conversation.name)
        return replace(thought, restricted=any(self._is_restricted(name) for name in names))

    def is_restricted(self) -> bool:
        """Tell whether a message whose turn failed was said in a restricted talk or would have opened one."""
        talk = self.session.talk
        if talk is not None and self._is_restricted(talk.conversation):
            return True
        try:
            opened = self.book.opened_by(self.inbound, self.context, among=self.book.interrupts)
        except Exception:
            # It may be what failed; nobody knows then what the message was.
            return False
        return opened is not None and opened[0].restricted

    def _is_restricted(self, name: str) -> bool:
        conversation = self.book.conversations.get(name)
        return conversation is not None and conversation.restricted

    def _with_unread(self) -> Thought:
        """What came with the message and cannot be read is said beside what is done with the rest."""
        inbound = self.inbound
        if inbound.unread is None:
            return self._thought()
        said = Spoken(reply(f"unread.{inbound.unread}"))
        if not inbound.text.strip() and not inbound.attachments:
            return Thought(self.session, before=(said, *self.again(self.session.talk)))
        thought = self._thought()
        if thought.interrupts:
            # Somebody is in danger: help first.
            return replace(thought, after=(*thought.after, said))
        return replace(thought, before=(said, *thought.before))

    def _thought(self) -> Thought:
        talk = self.session.talk
        interruption = self.interruption()
        if interruption is not None:
            return interruption
        named = self._named()
        if named is not None:
            return self.open(*named)
        move = self.book.move(self.inbound.text) if self.inbound.pressed is None else None
        if move is not None:
            return self._move(move)
        if talk is None or talk.conversation not in self.book.conversations:
            return self._fresh()
        if self._is_stale() and (opened := self.sentence()) is not None:
            return self.open_said(*opened)
        return self._continue(talk, self.inbound)

    def interruption(self) -> Thought | None:
        """Return the help that a message of somebody in danger calls for, whatever is open; None for any other."""
        talk = self.session.talk
        if self.inbound.pressed is not None or (talk and self._is_restricted(talk.conversation)):
            return None
        opened = self.book.opened_by(self.inbound, self.context, among=self.book.interrupts)
        if opened is None or (not opened[0].restricted and self._announces()):
            return None
        return self._interrupt(*opened)

    def _announces(self) -> bool:
        """Tell whether she is asked for words to others: a flood they warn of is no call for help of hers. Violence is
        never taken for that."""
        asked = self.waiting(self.session.talk)
        return asked is not None and asked.ask.announces

    def _interrupt(self, conversation: Conversation, start: Mapping[str, Any]) -> Thought:
        context = replace(self.context, start=start)
        outcome = self._settled(lambda known: begin(conversation, context, known))
        ending = Ending(conversation, context, outcome.result) if isinstance(outcome, Ended) else None
        return Thought(self.session, ending=ending, interrupts=True)

    def _named(self) -> tuple[Conversation, Mapping[str, Any]] | None:
        """A button or a word that opens a talk, whatever is open. A word that is an answer shown to her is no such."""
        pressed = self.inbound.pressed or self._chosen()
        if pressed is not None:
            value = pressed.value
            if not isinstance(value, Mapping) or "open" not in value:
                return None
            conversation = self.book.conversations.get(str(value["open"]))
            start = value.get("start")
            return (conversation, start if isinstance(start, Mapping) else {}) if conversation else None
        linked = self.book.linked(self.inbound, self.context)
        if linked is not None:
            return linked
        command = self.book.command(self.inbound.text)
        if command is None or self._is_shown_answer(or_begins_so=self._is_refused(command)):
            return None
        return command, {}

    def _is_refused(self, conversation: Conversation) -> bool:
        return conversation.needs is not None and not self.context.posts_that(conversation.needs)

    def _is_shown_answer(self, *, or_begins_so: bool) -> bool:
        if self.session.talk is None:
            return False
        answers = [button for button in self._shown() if button.ask is not None and not is_move(button)]
        begins = or_begins_so and pick_by_words(self.inbound, answers, anywhere=False) is not None
        return begins or pick(self.inbound, answers, by_number=False) is not None

    def _chosen(self) -> Button | None:
        """The button shown last that opens a talk, if she typed its label or number."""
        shown = self._shown()
        if not any(is_opening(button) for button in shown):
            return None
        # A message without a question may stand above the question's own list; a number is of the list shown last.
        last = list(takewhile(lambda button: (button.ask is None) == (shown[0].ask is None), shown))
        picked = pick(self.inbound, last, by_number=self._numbers_choose(shown)) or pick(
            self.inbound, shown, by_number=False
        )
        return picked if picked is not None and is_opening(picked) else None

    def _numbers_choose(self, shown: Sequence[Button]) -> bool:
        """Tell whether a number stands for a button: not where it may be the answer to the question that waits."""
        if shown[0].ask is None and not self.context.capabilities.buttons:
            return True
        asked = self.waiting(self.session.talk)
        return asked is None or asked.ask.parse is None or asked.ask.search is not None

    def _shown(self) -> list[Button]:
        return [Button(each["value"], each["label"], each.get("ask")) for each in self.session.shown]

    def sentence(self) -> tuple[Conversation, Mapping[str, Any]] | None:
        """Return the talk that what she wrote is meant for, with its start facts."""
        return None if self.inbound.pressed else self.book.opened_by(self.inbound, self.context)

    def _is_stale(self) -> bool:
        last = self.session.updated_at
        return last is not None and self.context.now - last > STALE

    def _move(self, move: Mapping[str, str]) -> Thought:
        talk = self.session.talk
        if talk is None or talk.conversation not in self.book.conversations:
            menu = self.book.conversations["help" if move == HELP else "menu"]
            return self.open(menu, {})
        if move == HELP:
            return self._continue(talk, None)
        return self._continue(talk, replace(self.inbound, pressed=Button(dict(move), "")))

    def _fresh(self) -> Thought:
        opened = self.sentence()
        if opened is not None:
            return self.open_said(*opened)
        lost = self.session.talk is not None
        key = "turn.script_gone" if lost else "turn.old_button" if self.inbound.pressed else "turn.not_understood"
        clean = replace(self, session=replace(self.session, talk=None))
        thought = clean.open(self.book.conversations["menu"], {})
        return replace(thought, before=(Spoken(reply(key)), *thought.before))

    def open_said(self, conversation: Conversation, start: Mapping[str, Any]) -> Thought:
        """Open a talk with what her message says; the talk remembers which message that is."""
        return self.open(conversation, {**start, **self._source()})

    def _source(self) -> dict[str, Any]:
        return {MESSAGE: self.context.inbox_id, SAID_AT: self.context.now.isoformat()}

    def open(self, conversation: Conversation, start: Mapping[str, Any]) -> Thought:
        """Open a talk, or make its effect at once if it asks nothing; the one that is open is parked under it."""
        if self._is_refused(conversation):
            return Thought(self.session, before=(Spoken(reply("turn.not_allowed")), *self.again(self.session.talk)))
        context = replace(self.context, start=start)
        outcome = self._settled(lambda known: begin(conversation, context, known))
        if isinstance(outcome, Ended):
            ending = Ending(conversation, context, outcome.result)
            return Thought(self.session, ending=ending, after=self.again(self.session.talk))
        parked = self._parked(conversation, start)
        if parked is None:
            return Thought(self.session, before=(Spoken(reply("turn.too_many_open")), *self.again(self.session.talk)))
        session = replace(self.session, parked=parked)
        return self._asking(session, Talk(conversation.name, start), outcome)

    def _parked(self, opening_one: Conversation, start: Mapping[str, Any]) -> tuple[Talk, ...] | None:
        """The talks left open under a new one; None if there are too many. Nothing half-filled is dropped unasked,
        a sentence of hers neither when another of its kind follows."""
        talk = self.session.talk
        if talk is None or not (talk.answers or _said(talk.start)):
            return self.session.parked
        same = "text" not in talk.start or _said(talk.start) == _said(start)
        if talk.conversation == opening_one.name and same:
            return self.session.parked
        return (*self.session.parked, talk) if len(self.session.parked) < MOST_PARKED else None

    def _continue(self, talk: Talk, inbound: Inbound | None) -> Thought:
        """Take the open talk further; without `inbound` only help with its question."""
        conversation = self.book.conversations[talk.conversation]
        context = replace(self.context, start=talk.start)
        if inbound is None:
            return self._helped(talk)
        shown = self._shown()

        def answered(said: Inbound) -> Outcome:
            return self._settled(
                lambda known: turn(conversation, context, talk.answers, inbound=said, shown=shown, known=known)
            )

        outcome = answered(inbound)
        if isinstance(outcome, Asked) and outcome.hint is not None and (plain := self._yes_or_no(outcome.ask)):
            outcome = answered(replace(inbound, pressed=plain))
        if isinstance(outcome, Left):
            return self._resumed(before=(Spoken(reply("turn.left")),))
        agreed = abroad.consent_text(context) if _agrees_now(talk, outcome) else None
        if isinstance(outcome, Ended):
            return replace(self._resumed(ending=Ending(conversation, context, outcome.result)), agreed=agreed)
        return replace(self._asking(self.session, talk, outcome), agreed=agreed)

    def _yes_or_no(self, ask: Ask) -> Button | None:
        """What "có" or "không" does where it is no answer of its own: agree to or leave what is to be confirmed,
        skip what may be skipped."""
        if self.inbound.pressed is not None:
            return None
        typed = fold(self.inbound.text).strip(" .,!")
        is_yes, is_no = typed in self.book.yes, typed in self.book.no
        if ask.confirm and len(ask.choices) == 1 and (is_no or (is_yes and not ask.exact)):
            return Button(ask.choices[0].value if is_yes else CANCEL, "", ask.key)
        return Button(SKIP, "") if is_no and ask.optional else None

    def _resumed(self, *, before: tuple[Spoken, ...] = (), ending: Ending | None = None) -> Thought:
        """The open talk is over: go back to the one parked last."""
        *parked, last = self.session.parked or (None,)
        session = replace(self.session, talk=last, parked=tuple(parked), shown=())
        after = self.again(last, resumed=True) if last else ()
        return Thought(session, before=before, ending=ending, after=after)

    def again(self, talk: Talk | None, *, resumed: bool = False) -> tuple[Spoken, ...]:
        """Return the waiting question of a talk once more."""
        asked = self.waiting(talk)
        if asked is None:
            return ()
        head = (Say("turn.resumed"),) if resumed else ()
        return (self._aloud(asked, head=head),)

    def waiting(self, talk: Talk | None) -> Asked | None:
        """Return the question at which a talk waits, if there is such a talk."""
        if talk is None or talk.conversation not in self.book.conversations:
            return None
        conversation = self.book.conversations[talk.conversation]
        context = replace(self.context, start=talk.start)
        outcome = self._settled(lambda known: replay(conversation.ask(context), talk.answers, known))
        return outcome if isinstance(outcome, Asked) else None

    def _helped(self, talk: Talk) -> Thought:
        asked = self.waiting(talk)
        if asked is None:
            return self._resumed(before=(Spoken(reply("turn.left")),))
        own = f"{asked.ask.key}.help"
        help_key = own if self.context.content.wording.has(own) else "turn.help"
        return Thought(self.session, before=(self._aloud(asked, head=(Say(help_key),)),))

    def _asking(self, session: Session, talk: Talk, outcome: Outcome) -> Thought:
        if not isinstance(outcome, Asked):
            raise TypeError(f"a talk cannot go on from {outcome}")
        instead: tuple[Choice, ...] = ()
        wrong = outcome.hint is not None and not outcome.found and bool(self.inbound.text.strip())
        if wrong and (other := self.sentence()) is not None:
            conversation, start = other
            if (answered := self._aside(conversation, start)) is not None:
                return answered
            if (conversation.name, start) != (talk.conversation, _said(talk.start)):
                start = {**start, **self._source()}
                instead = (opening(conversation.name, Say("turn.open_instead"), **start),)
        kept = Talk(talk.conversation, talk.start, (*outcome.answers, *outcome.rest))
        return Thought(replace(session, talk=kept), before=(self._aloud(outcome, more=instead),))

    def _aside(self, conversation: Conversation, start: Mapping[str, Any]) -> Thought | None:
        """Answer a sentence in the middle of the open talk if that asks nothing; its question waits on, said again."""
        if not conversation.aside or self._is_refused(conversation):
            return None
        context = replace(self.context, start=start)
        outcome = self._settled(lambda known: begin(conversation, context, known))
        return self.open(conversation, start) if isinstance(outcome, Ended) else None

    def _aloud(self, asked: Asked, *, head: Sequence[Say] = (), more: tuple[Choice, ...] = ()) -> Spoken:
        """A question in words. Whatever a talk does, nothing personal is asked abroad without her consent."""
        if asked.ask.personal and not abroad.agrees(self.context, (*asked.answers, *asked.rest)):
            return Spoken(reply("abroad.not_here", *abroad.web_door(self.context)))
        return _spoken(asked, head=head, more=more)

    def _settled(self, step: Callable[[Mapping[Look, Any]], Outcome]) -> Outcome:
        """Run a pure step, answering its questions to the database until it needs no more."""
        known: dict[Look, Any] = {}
        for _ in range(MAX_LOOKS):
            outcome = step(known)
            if not isinstance(outcome, Reading):
                return outcome
            known[outcome.look] = outcome.look.read(self.db, *outcome.look.args)
        raise RuntimeError("the conversation asks the database without end")


def _spoken(asked: Asked, *, head: Sequence[Say] = (), more: tuple[Choice, ...] = ()) -> Spoken:
    ask = asked.ask
    hint = (asked.hint,) if asked.hint else ()
    question = () if asked.found else (Say(ask.key, ask.values),)
    choices = asked.found or ask.choices
    return Spoken(Reply((*head, *hint, *question), (*choices, *more, *_moves(asked))), ask.key)


def _agrees_now(talk: Talk, outcome: Outcome) -> bool:
    """Tell whether this answer is the consent to the transfer abroad."""
    given = (abroad.CONSENT, abroad.AGREED)
    return isinstance(outcome, Asked | Ended) and given in outcome.answers and given not in talk.answers


def _said(start: Mapping[str, Any]) -> Mapping[str, Any]:
    """The facts a talk was opened with, without which message they came in and when."""
    return {name: value for name, value in start.items() if name not in {MESSAGE, SAID_AT}}


def _moves(asked: Asked) -> tuple[Choice, ...]:
    skip = (Choice(SKIP, Say("turn.skip")),) if asked.ask.optional else ()
    back = (Choice(BACK, Say("turn.back")),) if asked.answers else ()
    return (*skip, *back, Choice(CANCEL, Say("turn.cancel")))


def received(body: Mapping[str, Any], sent_at: datetime, pressed: Button | None) -> Inbound:
    """Return the inbound message kept in an inbox row's body."""
    attachments = tuple(Attachment(**each) for each in body.get("attachments") or ())
    unread = body.get("unread")
    return Inbound(
        sent_at,
        body.get("text") or "",
        pressed,
        attachments,
        unread=unread if not unread or unread in UNREAD else "unknown",
        event=body.get("event"),
    )
