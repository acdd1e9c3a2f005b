"""What holds on channels whose servers stand abroad (`design.md` §9): no personal question without a consent that names
the transfer, and nothing personal shown; the Union's own web chat is offered instead."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from typing import Any

from dialogue.messages import Choice, Say, opening
from dialogue.turn import Answers, Ask, Conversation, Look, Script
from handlers.context import Context

CONSENT = "abroad.consent"
CONSENT_VERSION = "2026-11"
AGREED, REFUSED = "agree", "refuse"
_CHOICES = (Choice(AGREED, Say("abroad.agree")), Choice(REFUSED, Say("abroad.refuse")))


def guarded(conversation: Conversation) -> Conversation:
    """Return the conversation with the question for her consent before its first personal one, where that is needed."""
    return replace(conversation, ask=partial(_asked, conversation.ask))


def consent_text(context: Context) -> Say:
    """Return what she is asked to agree to, with who keeps her data and the version of the text."""
    return Say(CONSENT, {"controller": context.controller, "version": CONSENT_VERSION})


def agrees(context: Context, answers: Answers) -> bool:
    """Tell whether personal questions may be asked here: at home always, abroad with her consent, old or just given."""
    return not context.capabilities.data_abroad or context.transfer_agreed or (CONSENT, AGREED) in answers


def web_door(context: Context) -> tuple[Choice, ...]:
    """Return the button that leads to the web chat by a one-time link, if there is a web chat."""
    return (opening("continue", Say("continue.open")),) if context.web_address else ()


def _asked(ask: Callable[[Context], Script], context: Context) -> Script:
    script = ask(context)
    return script if agrees(context, ()) else _asking_first(script, context)


def _asking_first(script: Script, context: Context) -> Script:
    agreed = False
    try:
        step = next(script)
        while True:
            if isinstance(step, Ask) and step.personal and not agreed:
                yield from _ask_consent(context)
                agreed = True
            step = script.send((yield step))
    except StopIteration as stop:
        return stop.value
    finally:
        script.close()


def _ask_consent(context: Context) -> Generator[Ask | Look, Any, None]:
    """Yield the question until she agrees. Who refuses is offered the web chat, and finds the talk there as it is."""
    consent = consent_text(context)
    answer = yield Ask(consent.key, consent.values, parse=None, choices=_CHOICES)
    door = web_door(context)
    while answer != AGREED:
        # Nothing answers this one: she goes to the web chat, back to the question, or leaves.
        answer = yield Ask("abroad.refused" if door else "abroad.refused_no_web", parse=None, choices=door)
