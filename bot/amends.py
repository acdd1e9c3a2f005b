"""What comes after the message it belongs to: an edit puts that one right, a late photo is added to it.

An edit is a correction and never a second report: of the draft the message opened, or of the report it became.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.gathering import Original
from bot.turns import Mind, Spoken, Thought
from dialogue.answers import Invalid
from dialogue.messages import Inbound, Say, opening, reply
from dialogue.turn import Conversation
from handlers import late_photo, report, report_amends
from handlers.context import MESSAGE, SAID_AT
from handlers.report_records import added_photos
from storage import reports
from storage.sessions import Session, Talk

Opened = tuple[Conversation, Mapping[str, Any]]


def edited(mind: Mind, original: Original) -> Thought:
    """Return what an edit leads to, of a message that was worked on."""
    thought = mind.interruption() or _edited(mind, original)
    return replace(mind.judged(thought), restricted=True) if original.restricted else mind.judged(thought)


def _edited(mind: Mind, original: Original) -> Thought:
    if original.state == "dead":
        # It is kept as it reads now; whoever takes it up again finds that.
        return _said(mind, Spoken(reply("turn.kept")))
    back_then = _at(mind, original, mind.inbound.text)
    talk = _talk_of(mind.session, original.ids)
    if talk is not None:
        return _draft_again(mind, talk, back_then.sentence())
    code = reports.of_messages(mind.db, original.ids, author_id=mind.context.contact_id)
    if code is not None:
        return _report_again(mind, original, code, back_then.sentence())
    return _said(mind, Spoken(reply("edit.type_anew")))


def _at(mind: Mind, original: Original, text: str) -> Mind:
    """Read a text as it would have been read when the message was written: "hôm qua" stays the same day."""
    context = replace(mind.context, now=original.sent_at, inbox_id=original.id, text=text)
    return replace(mind, context=context, inbound=replace(mind.inbound, sent_at=original.sent_at, text=text))


def _said(mind: Mind, *spoken: Spoken) -> Thought:
    return Thought(mind.session, before=(*spoken, *mind.again(mind.session.talk)))


def _draft_again(mind: Mind, talk: Talk, opened: Opened | None) -> Thought:
    """Open the draft of the message anew with what it says now; what else was sent with it stays."""
    if opened is None or not _may_become(mind, talk, opened[0]):
        return _said(mind, Spoken(reply("edit.type_anew")))
    conversation, said = opened
    amends = conversation.amends
    assert amends is not None
    start = amends(talk.start, talk.answers, said)
    return _without(mind, talk).open(conversation, {**start, **_source_of(talk)})


def _source_of(talk: Talk) -> Mapping[str, Any]:
    return {name: talk.start[name] for name in (MESSAGE, SAID_AT) if name in talk.start}


def _may_become(mind: Mind, talk: Talk, conversation: Conversation) -> bool:
    return conversation.amends is not None and (conversation.name == talk.conversation or not talk.answers)


def _report_again(mind: Mind, original: Original, code: str, opened: Opened | None) -> Thought:
    """Open a correction of exactly the report that the message became."""
    if opened is None or opened[0].name != report.REPORT.name:
        correct = opening(report.REPORT.name, Say("report.correct"), correct=code)
        withdraw = opening("withdraw", Say("withdraw.open"), code=code)
        return _said(mind, Spoken(reply("edit.already_sent", correct, withdraw, code=code)))
    before = _at(mind, original, original.text or "").sentence() if original.text else None
    was = before[1] if before is not None and before[0].name == report.REPORT.name else {}
    if report_amends.says_the_same(was, opened[1]):
        return Thought(mind.session, untouched=True)
    start = report_amends.restated(code, was, opened[1])
    return mind.open(opened[0], {**start, MESSAGE: original.id, SAID_AT: original.sent_at.isoformat()})


def late(mind: Mind) -> Thought:
    """Return what a photo leads to that comes after the others of its album were worked on."""
    return mind.judged(mind.interruption() or _late(mind))


def _late(mind: Mind) -> Thought:
    inbound = mind.inbound
    talk = _talk_of(mind.session, inbound.follows)
    if talk is not None:
        return _with_caption(mind, talk) or _with_photos(mind, talk)
    if inbound.text.strip() or _is_wanted(mind):
        return mind.think()
    names = [each.sha256 for each in inbound.attachments]
    start = {"after": list(inbound.follows), "photos": names}
    return mind.open(mind.book.conversations[late_photo.LATE_PHOTO.name], start)


def _with_caption(mind: Mind, talk: Talk) -> Thought | None:
    """The words came last: with all photos they may be a report, if nothing was answered yet."""
    if talk.answers or not mind.inbound.text.strip():
        return None
    opened = mind.sentence()
    if opened is None or opened[0].amends is None:
        return None
    start = opened[0].amends(talk.start, talk.answers, opened[1])
    return _without(mind, talk).open(opened[0], {**start, **_source_of(talk)})


def _with_photos(mind: Mind, talk: Talk) -> Thought:
    photos = talk.start.get("photos")
    added = added_photos(photos if isinstance(photos, list) else (), mind.inbound.attachments)
    grown = replace(talk, start={**talk.start, "photos": added})
    session = _in_place(mind.session, talk, grown)
    noted = () if session.talk == grown else (Spoken(reply("late_photo.to_draft")),)
    return _said(replace(mind, session=session), *noted)


def _is_wanted(mind: Mind) -> bool:
    """Tell whether the question that waits takes a photo."""
    waiting = mind.waiting(mind.session.talk)
    if waiting is None or waiting.ask.parse is None:
        return False
    try:
        waiting.ask.parse(Inbound(mind.inbound.sent_at, attachments=mind.inbound.attachments))
    except Invalid:
        return False
    return True


def _talk_of(session: Session, message_ids: Collection[int]) -> Talk | None:
    """The talk that a message opened, if it is still open or parked."""
    talks: Sequence[Talk | None] = (session.talk, *session.parked)
    return next((talk for talk in talks if talk is not None and talk.start.get(MESSAGE) in message_ids), None)


def _without(mind: Mind, talk: Talk) -> Mind:
    session = mind.session
    if session.talk == talk:
        return replace(mind, session=replace(session, talk=None))
    parked = tuple(each for each in session.parked if each != talk)
    return replace(mind, session=replace(session, parked=parked))


def _in_place(session: Session, talk: Talk, other: Talk) -> Session:
    parked = tuple(other if each == talk else each for each in session.parked)
    return replace(session, talk=other if session.talk == talk else session.talk, parked=parked)
