"""A one-time code opens a role in a unit, or lets a person in from another address. Wrong ones are answered alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dialogue.answers import Invalid, plain_text
from dialogue.messages import Choice, Inbound, Json, Notice, Reply, Say, opening, reply
from dialogue.turn import Ask, Conversation, Script, look
from handlers.context import Context
from storage import audit, codes, inbox, invitations
from storage.database import Connection
from storage.invitations import Offer
from vietnamese.fold import fold

CODE_IN_LINK = "#ma="
"""After the #, so that the code never reaches a server's log."""

BOUND = "bound"
_YES = "yes"
_CALLED_CODE = re.compile(r"(?:/start|ma(?: moi)?)[ :]+(.+)")


@dataclass(frozen=True, slots=True)
class Accepted:
    """She takes what the code offers."""

    code_hash: bytes


@dataclass(frozen=True, slots=True)
class Wrong:
    """The code is unknown, used, too old, or she tried too often: nobody learns which."""


def code_in(inbound: Inbound, _context: Context) -> Mapping[str, Json] | None:
    """Return the digest of the code in "/start …", "mã …" or a bare code; the code itself is not kept."""
    folded = fold(inbound.text)
    called = _CALLED_CODE.fullmatch(folded)
    code = codes.read_invitation_code(called[1] if called else folded)
    return {"digest": codes.code_digest(code).hex()} if code else None


def ask_invited(context: Context) -> Script:
    """Yield the code, unless she came with it, and what it offers; return `Accepted` or `Wrong`."""
    digest = context.start.get("digest")
    if not isinstance(digest, str):
        digest = yield Ask("invitation.code", parse=_digest)
    code_hash = bytes.fromhex(digest)
    now = yield look(invitations.arrived_at, context.inbox_id)
    offer: Offer | None = yield look(invitations.offered, code_hash, context.contact_id, now, context.today)
    if offer is None:
        return Wrong()
    choices = (Choice(_YES, Say("invitation.accept")),)
    if offer.role is None:
        yield Ask("invitation.confirm_person", parse=None, choices=choices, confirm=True)
    else:
        values = {"unit": offer.unit_name, "role": Say(f"role.{offer.role}")}
        yield Ask("invitation.confirm_role", values, parse=None, choices=choices, confirm=True)
    return Accepted(code_hash)


def _digest(inbound: Inbound) -> str:
    code = codes.read_invitation_code(plain_text(inbound))
    if code is None:
        raise Invalid("invitation.code.retry")
    return codes.code_digest(code).hex()


def take(db: Connection, context: Context, result: Accepted | Wrong) -> Sequence[Reply | Notice]:
    """Use the code up and give what it offers; a wrong one is counted."""
    now = invitations.arrived_at(db, context.inbox_id)
    offer = None
    if isinstance(result, Accepted):
        offer = invitations.redeem(db, result.code_hash, context.contact_id, now=now, on=context.today)
    if offer is None:
        invitations.count_try(db, context.contact_id, now)
        return [reply("invitation.wrong")]
    holder = invitations.fulfil(db, offer, context.contact_id, inbox_id=context.inbox_id, on=context.today)
    audit.record(
        db,
        at=context.now,
        actor_id=context.contact_id,
        channel=context.channel,
        act="invitation.used",
        subject=f"invitation:{offer.id}",
        key=b"",
    )
    if holder != context.contact_id:
        # What she can do here is said in her own next turn: this one belongs to whom she was a moment ago.
        inbox.follow_up(db, context.inbox_id, BOUND, at=context.now)
        return [reply("invitation.bound")]
    menu = opening("menu", Say("menu.open"))
    return [reply("invitation.taken", menu, unit=offer.unit_name, role=Say(f"role.{offer.role}"))]


INVITATION = Conversation("invitation", ask=ask_invited, done=take, words="invitation.words", opens=code_in)
