"""Replay a conversation over its logged answers and take one message further.

A conversation is a generator that yields `Ask` (a question to the person) and `Look` (a question to
the database, answered afresh each turn and never logged) and returns a result. Nothing here keeps
state: the log of answers is the state, so any process can take the next turn and a changed script
keeps the answers that still fit.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from dialogue.answers import Invalid, plain_text
from dialogue.fit import is_opening, pick, pick_by_words
from dialogue.messages import NOTHING, Button, Choice, Inbound, Json, Phrase, Say

Script: TypeAlias = "Generator[Ask | Look, Any, Any]"
Answers: TypeAlias = tuple[tuple[str, Json], ...]
Known: TypeAlias = "Mapping[Look, Any]"

MAX_STEPS = 2_000
"""More questions than any talk has; a script that passes it is looping."""

BACK = {"go": "back"}
CANCEL = {"go": "cancel"}
SKIP = {"go": "skip"}


@dataclass(frozen=True, slots=True)
class Ask:
    """A question. `key` names its sentence and its answer in the log.

    `parse` reads a typed answer into JSON or raises `Invalid`. `choices` are offered answers; with
    `parse=None` only these count. `search` looks typed words up: `search(db, text, *search_with)`
    returns choices; one is taken as the answer, several are shown to pick from. `confirm` marks the
    summary before saving: it is always asked again when an answer before it changed. `exact` marks what cannot
    be undone: only its button counts, its whole label or its number, no "ừ". `personal` marks a question whose
    answer is personal data (`design.md` §9). `announces` marks words meant for others: a disaster they tell of is no
    call for help of hers.
    """

    key: str
    values: Mapping[str, Phrase] = field(default_factory=lambda: NOTHING)
    parse: Callable[[Inbound], Json] | None = plain_text
    choices: tuple[Choice, ...] = ()
    search: Callable[..., Sequence[Choice]] | None = None
    search_with: tuple[Any, ...] = ()
    optional: bool = False
    confirm: bool = False
    exact: bool = False
    personal: bool = False
    announces: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """A question to the database: `read(db, *args)`. Arguments must be hashable."""

    read: Callable[..., Any]
    args: tuple[Any, ...] = ()


def look(read: Callable[..., Any], *args: Any) -> Look:
    """Return the `Look` that calls `read(db, *args)`."""
    return Look(read, args)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A talk by name: `ask(context)` is its script, `done(db, context, result)` its effect.

    `done` runs inside the turn's transaction and returns replies and notices. `words` is the wording key of the words
    that open it; `opens(inbound, context)` returns start facts when a sentence is meant for it. An
    `interrupts` conversation asks nothing and may answer in the middle of any other. `needs` is the
    ability (`content/roles.yaml`) a person must hold. What is said in a `restricted` one is erased within a day and
    shown nowhere, and nothing interrupts it. `amends(start, answers, said)` returns the start facts of a talk whose
    first message she edited, `said` being what the edited one opens it with; without it an edit changes nothing. An
    `aside` asks nothing and changes nothing: a sentence meant for it is answered in the middle of any other talk, if it
    is no answer there.
    """

    name: str
    ask: Callable[[Any], Script]
    done: Callable[[Any, Any, Any], Sequence[Any]]
    words: str | None = None
    opens: Callable[[Inbound, Any], Mapping[str, Json] | None] | None = None
    interrupts: bool = False
    needs: str | None = None
    restricted: bool = False
    aside: bool = False
    amends: Callable[[Mapping[str, Json], Answers, Mapping[str, Json]], Mapping[str, Json]] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The talk waits at `ask`. `hint` says what was wrong with the last answer, `found` what a search gave."""

    ask: Ask
    answers: Answers
    rest: Answers = ()
    hint: Say | None = None
    found: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """The talk is over with `result`."""

    result: Any
    answers: Answers


@dataclass(frozen=True, slots=True)
class Left:
    """She left the talk; nothing was saved."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The turn needs `look` answered before it can go on; call again with it in `known`."""

    look: Look


Outcome: TypeAlias = Asked | Ended | Left | Reading


def replay(script: Script, answers: Answers, known: Known, *, changed_from: int | None = None) -> Outcome:
    """Run `script` over `answers` to the first question without one.

    An answer is found by its key wherever it stands in the log, so a script whose questions moved or
    grew keeps the others. With `changed_from`, summaries after that many answers are asked again.
    """
    used: list[tuple[str, Json]] = []
    rest = list(answers)
    try:
        step = next(script)
        for _ in range(MAX_STEPS):
            if isinstance(step, Look):
                if step not in known:
                    return Reading(step)
                step = script.send(known[step])
                continue
            stale = step.confirm and changed_from is not None and len(used) >= changed_from
            entry = None if stale else _take(rest, step)
            if entry is None:
                return Asked(step, tuple(used), () if step.confirm else tuple(rest))
            used.append(entry)
            step = script.send(entry[1])
    except StopIteration as stop:
        return Ended(stop.value, tuple(used))
    finally:
        script.close()
    raise RuntimeError("the conversation never ends")


def _take(rest: list[tuple[str, Json]], ask: Ask) -> tuple[str, Json] | None:
    for index, (key, answer) in enumerate(rest):
        if key == ask.key and _still_fits(ask, answer):
            if ask.confirm and index > 0:
                return None
            return rest.pop(index)
    return None


def _still_fits(ask: Ask, answer: Json) -> bool:
    if answer is None:
        return ask.optional
    if ask.parse is None and ask.search is None:
        return any(choice.value == answer for choice in ask.choices)
    return True


def begin(conversation: Conversation, context: Any, known: Known) -> Outcome:
    """Open `conversation`: its first question, or its end if it asks nothing."""
    return replay(conversation.ask(context), (), known)


def turn(
    conversation: Conversation,
    context: Any,
    answers: Answers,
    *,
    inbound: Inbound,
    shown: Sequence[Button],
    known: Known,
) -> Outcome:
    """Take one message further. The caller has put navigation words into `inbound.pressed`."""
    waiting = replay(conversation.ask(context), answers, known)
    if not isinstance(waiting, Asked):
        return waiting
    pressed = inbound.pressed.value if inbound.pressed else None
    if pressed == CANCEL:
        return Left()
    if pressed == BACK:
        return _go_back(conversation, context, waiting, known)
    try:
        answer = _read_answer(waiting.ask, inbound, shown, known)
    except Invalid as wrong:
        return replace(waiting, hint=wrong.hint)
    if isinstance(answer, Reading):
        return answer
    if isinstance(answer, _Found):
        return replace(waiting, found=answer.choices, hint=Say("search.several"))
    log = (*waiting.answers, (waiting.ask.key, answer), *waiting.rest)
    changed = len(waiting.answers) + 1 if waiting.rest else None
    return replay(conversation.ask(context), log, known, changed_from=changed)


def _go_back(conversation: Conversation, context: Any, waiting: Asked, known: Known) -> Outcome:
    if not waiting.answers:
        return replace(waiting, hint=Say("turn.at_start"))
    return replay(conversation.ask(context), waiting.answers[:-1], known)


@dataclass(frozen=True, slots=True)
class _Found:
    choices: tuple[Choice, ...]


def _read_answer(ask: Ask, inbound: Inbound, shown: Sequence[Button], known: Known) -> Any:
    if inbound.pressed is not None and inbound.pressed.value == SKIP:
        if ask.optional:
            return None
        raise Invalid("turn.cannot_skip" if inbound.text.strip() else "turn.old_button")
    own = [button for button in shown if button.ask == ask.key and not is_opening(button)]
    # Where a number can be the answer itself ("150"), it stands for a choice only if it is no such answer.
    picked = pick(inbound, own, by_number=ask.parse is None or ask.search is not None)
    may_be_short = ask.parse is None and ask.search is None and not ask.exact and inbound.pressed is None
    if picked is None and may_be_short:
        picked = pick_by_words(inbound, own, anywhere=not ask.confirm)
    if picked is not None:
        return picked.value
    if inbound.pressed is not None:
        raise Invalid("turn.old_button")
    if ask.search is not None and inbound.text.strip():
        return _searched(ask, inbound.text.strip(), known)
    if ask.parse is None:
        raise Invalid("turn.pick_one")
    try:
        return ask.parse(inbound)
    except Invalid:
        picked = pick(inbound, own)
        if picked is None:
            raise
        return picked.value


def _searched(ask: Ask, text: str, known: Known) -> Any:
    assert ask.search is not None
    wanted = Look(ask.search, (text, *ask.search_with))
    if wanted not in known:
        return Reading(wanted)
    found = tuple(known[wanted])
    if not found:
        raise Invalid(f"{ask.key}.none")
    return found[0].value if len(found) == 1 else _Found(found)
