"""Help at once where somebody is hurt or in danger; the Union hears of it only if she asks for it herself.

Nothing here is counted, listed or told to anybody by itself (`design.md` §9).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from dialogue.messages import Choice, Inbound, Json, Lines, Notice, Phrase, Reply, Say, opening, reply
from dialogue.text import listed
from dialogue.turn import Ask, Conversation, Script, look
from figures.emergency import DISASTER, VIOLENCE, is_emergency
from handlers import person
from handlers.abroad import web_door
from handlers.context import Context
from storage import appointments, audit, calls, codes, units
from storage.calls import Hearers
from storage.database import Connection
from storage.sealing import Sealer
from vietnamese.fold import fold

_YES = "yes"
_DETAILS = {"emergency.way.call": "emergency.call_details", "emergency.way.meet": "emergency.meet_details"}
_WAYS = tuple(_DETAILS)
_OPEN = "mo "


_HOTLINE_TOPICS = {VIOLENCE: "violence", DISASTER: "disaster"}


def in_danger(topic: str, inbound: Inbound, _context: Context) -> Mapping[str, Json] | None:
    """Open for a message that tells of danger of this kind; talk about campaigns against violence is none."""
    return {"topic": topic} if is_emergency(inbound.text) == topic else None


def answer_at_once(context: Context) -> Script:
    """Ask nothing; return the topic."""
    yield from ()
    return context.start.get("topic", VIOLENCE)


def give_help(_db: Connection, context: Context, topic: str) -> Sequence[Reply | Notice]:
    """Return advice, numbers, how to delete the chat, and the way to ask the Union. Nobody else is told."""
    machine, contact_me = Say("emergency.machine"), opening(calls.TALK, Say("emergency.contact_me"))
    if topic == DISASTER:
        return [Reply((Say("emergency.disaster"), _numbers(context, topic), machine), (contact_me,), sort="alert")]
    text = (Say("emergency.safety"), _numbers(context, topic), machine, Say("emergency.delete_chat"))
    return [Reply(text, (contact_me,), sort="alert")]


def _numbers(context: Context, topic: str = VIOLENCE) -> Lines:
    return listed(
        [
            Say("emergency.number", {"name": Say(f"hotline.{line.code}"), "number": line.number})
            for line in context.content.hotlines
            if _HOTLINE_TOPICS[topic] in line.topics
        ]
    )


def _emergency(name: str, topic: str, *, restricted: bool) -> Conversation:
    return Conversation(
        name,
        ask=answer_at_once,
        done=give_help,
        opens=partial(in_danger, topic),
        interrupts=True,
        restricted=restricted,
    )


EMERGENCY = _emergency("emergency", VIOLENCE, restricted=True)
DISASTER_CALL = _emergency("disaster", DISASTER, restricted=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """She wants to be reached: by the officers near `unit_id`, in the way she calls safe.

    `way` is one of `_WAYS` with its details, or None where the details say it all in her own words.
    """

    unit_id: int
    way: str | None
    details: str

    @property
    def said(self) -> Phrase:
        """How to reach her, as she and the officer read it."""
        return Say("emergency.way_said", {"way": Say(self.way), "details": self.details}) if self.way else self.details


def conversations(sealer: Sealer) -> tuple[Conversation, ...]:
    """Return the talk that asks how to reach her, and the officer's door to the answer."""
    return (
        Conversation(calls.TALK, ask=ask_way, done=partial(tell_officers, sealer), restricted=True),
        Conversation(
            "call",
            ask=ask_officer,
            done=partial(read_once, sealer),
            opens=call_code_in,
            needs="admit",
            restricted=True,
        ),
    )


def ask_way(context: Context) -> Script:
    """Yield how it is safe to reach her, where she is if we do not know, and who exactly would be told."""
    way, details = yield from _ask_way()
    if context.member_of:
        unit_id = context.member_of[0][0]
    else:
        unit_id = yield Ask("emergency.place", search=places, search_with=(context.today,))
    roles = context.content.roles_that("admit")
    heard: Hearers | None = yield look(calls.hearers, unit_id, roles, context.today, context.contact_id)
    if heard is None:
        return Reply((Say("emergency.nobody"), _numbers(context)))
    wanted = Wanted(unit_id, way, details)
    yes = Choice(_YES, Say("emergency.tell_them"))
    yield Ask("emergency.sure", {"unit": heard.unit_name, "way": wanted.said}, parse=None, choices=(yes,), confirm=True)
    return wanted


def _ask_way() -> Generator[Ask, Any, tuple[str | None, str]]:
    way = yield Ask("emergency.way", parse=_way, choices=tuple(Choice(key, Say(key)) for key in _WAYS))
    if way not in _DETAILS:
        return None, way
    details = yield Ask(_DETAILS[way])
    return way, details


def _way(inbound: Inbound) -> str:
    return person.words_or_choice(inbound, _WAYS)


def places(db: Connection, text: str, today: date) -> list[Choice]:
    """Return the units she may mean, each with the one above it."""
    found = units.search(db, text, today)
    return [
        Choice(place.id, Say("register.place", {"unit": place.name, "above": _above(db, place, today)}))
        for place in found
    ]


def _above(db: Connection, place: units.Unit, today: date) -> str:
    above = units.get(db, place.parent_id, today) if place.parent_id is not None else None
    return above.short_name if above else ""


def tell_officers(sealer: Sealer, db: Connection, context: Context, result: Wanted | Reply) -> Sequence[Reply | Notice]:
    """Keep the call and tell the officers a code and nothing else."""
    if isinstance(result, Reply):
        return [result]
    roles = context.content.roles_that("admit")
    heard = calls.hearers(db, result.unit_id, roles, context.today, context.contact_id)
    if heard is None:
        return [Reply((Say("emergency.nobody"), _numbers(context)))]
    words = context.content.wording.phrase(result.said, context.content.wording.default)
    code = calls.keep(db, sealer, contact_id=context.contact_id, unit_id=heard.unit_id, words=words, at=context.now)
    told = Reply((Say("call.notice", {"code": code}),), (opening("call", Say("call.open"), code=code),), sort="alert")
    notices = [Notice(officer, told) for officer in heard.contact_ids]
    return [Reply((Say("emergency.told", {"unit": heard.unit_name}), _numbers(context))), *notices]


def call_code_in(inbound: Inbound, _context: Context) -> Mapping[str, Json] | None:
    """Return the code of "mở GH-7K3M" or of a bare code."""
    code = codes.read_short_code(fold(inbound.text).removeprefix(_OPEN), calls.PREFIX)
    return {"code": code} if code else None


def ask_officer(context: Context) -> Script:
    """Yield a warning that it is shown once; return the code."""
    code = str(context.start.get("code"))
    if not context.capabilities.data_abroad:
        yield Ask("call.sure", {"code": code}, parse=None, choices=(Choice(_YES, Say("call.show")),), confirm=True)
    return code


def read_once(sealer: Sealer, db: Connection, context: Context, code: str) -> Sequence[Reply | Notice]:
    """Show one officer of her scope how to reach her, once. Any other code is unknown."""
    call = calls.by_code(db, code)
    roles = context.content.roles_that("admit")
    mine = call is not None and appointments.may(db, context.contact_id, call.unit_id, roles, context.today)
    if call is None or not mine or call.contact_id == context.contact_id:
        return [reply("call.unknown", code=code)]
    if context.capabilities.data_abroad:
        return [reply("call.not_here", *web_door(context), code=code)]
    words = calls.read_once(db, sealer, call, by=context.contact_id, at=context.now)
    if words is None:
        return [reply("call.read_before", code=code)]
    audit.record(
        db,
        at=context.now,
        actor_id=context.contact_id,
        channel=context.channel,
        act="call.read",
        subject=f"call:{code}",
        key=sealer.keys.digest,
    )
    return [reply("call.words", code=code, words=words)]
