"""Make a real installation, and invite officers: a link, a picture code, and the code itself."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import segno

from bot.config import Config, Wrong
from bot.platforms import platforms_on
from bot.reading import Reading
from bot.start import files_of
from bot.unit_content import load_units
from dialogue.messages import Lines, Say
from handlers.content import Content
from handlers.context import VIETNAM
from handlers.invitation import CODE_IN_LINK
from storage import channel_accounts, installation, invitations, opening, seed, units
from storage.database import Connection
from storage.opening import Refused
from storage.sealing import Keys
from storage.units import Unit
from vietnamese.fold import fold


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is to be invited: a role in a unit (its code, or words of its name)."""

    unit: str
    role: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation to hand over. The code is shown once and kept nowhere."""

    code: str
    link: str
    unit_name: str
    role: str

    def picture(self) -> str:
        """Return the link as a QR code in characters, for a terminal or a printer."""
        drawn = io.StringIO()
        segno.make(self.link, error="m").terminal(out=drawn, compact=True)
        return drawn.getvalue()


def set_up(config: Config, content: Content, *, controller: str, wanted: Wanted, now: datetime) -> Invitation:
    """Make an empty real database with the tree of units and a new key file, and invite the first officer.

    `controller` is who answers for personal data. Raises `Refused` (occupied, lost, in_use), and `Wrong` before
    anything is made if there is no such unit or role.
    """
    reading = Reading(config.content)
    tree = load_units(reading)
    reading.finish()
    made: list[Invitation] = []

    def fill(db: Connection, _keys: Keys) -> None:
        installation.create(db, kind=installation.REAL, controller=controller, at=now)
        seed.plant_peer_groups(db, tree.peer_groups, seed.plant_units(db, tree.units))
        made.append(_invited(db, config, content, wanted, now=now))

    files = files_of(config)
    with opening.take_lock(files.database):
        opening.give_birth(files, fill)
    return made[0]


def refuse_if_there(config: Config) -> None:
    """Raise `Refused` (occupied) early, before anything is asked."""
    files = files_of(config)
    if opening.is_occupied(files):
        raise Refused("occupied", files.database)


def invite(config: Config, content: Content, wanted: Wanted, *, now: datetime) -> Invitation:
    """Invite an officer, also while the program runs; `Wrong` if there is no such unit or role."""
    with opening.beside(config.database.place) as db:
        return _invited(db, config, content, wanted, now=now)


def ways_elsewhere(config: Config, code: str) -> list[Say]:
    """Return how the code can be used on every platform where we are known by a name: by an address, or by typing."""
    found = []
    with opening.beside(config.database.place, writing=False) as db:
        for platform, _section in platforms_on(config):
            account = channel_accounts.get(db, platform.name)
            if account is None or not account.name:
                continue
            channel = Say(f"channel.{platform.name}")
            link = platform.link_to(account.name, code)
            if link is not None:
                found.append(Say("invite.link", {"channel": channel, "link": link}))
            else:
                found.append(Say("invite.typed", {"channel": channel, "name": account.name, "code": code}))
    return found


def _invited(db: Connection, config: Config, content: Content, wanted: Wanted, *, now: datetime) -> Invitation:
    unit = _unit_of(db, wanted.unit, now)
    role = content.roles.get(wanted.role)
    if role is None:
        raise Wrong(Say("invite.no_role", {"role": wanted.role, "roles": ", ".join(sorted(content.roles))}))
    if unit.level not in role.levels:
        fitting = [code for code, each in content.roles.items() if unit.level in each.levels]
        raise Wrong(Say("invite.wrong_level", {"role": role.code, "unit": unit.name, "roles": ", ".join(fitting)}))
    code = invitations.create(db, at=now, created_by=None, unit_id=unit.id, role=role.code)
    return Invitation(code, link_to(config, code), unit.name, role.code)


def _unit_of(db: Connection, words: str, now: datetime) -> Unit:
    """Return the unit with this code, this very name, or the only one with these words in its name."""
    today = now.astimezone(VIETNAM).date()
    coded = units.by_code(db, words, today)
    if coded is not None:
        return coded
    found = units.search(db, words, today)
    same = [unit for unit in found if fold(words) in {fold(unit.name), fold(unit.short_name)}]
    if len(same or found) == 1:
        return (same or found)[0]
    if not found:
        raise Wrong(Say("invite.no_unit", {"words": words}))
    raise Wrong(Say("invite.several_units", {"words": words, "units": Lines(tuple(_listed(db, found, now)))}))


def _listed(db: Connection, found: Iterable[Unit], now: datetime) -> Iterable[str]:
    today = now.astimezone(VIETNAM).date()
    for unit in found:
        above = units.get(db, unit.parent_id, today) if unit.parent_id else None
        yield f"{unit.code}: {unit.name}" + (f", {above.short_name}" if above else "")


def link_to(config: Config, code: str) -> str:
    """Return the address of the chat page with a code in it."""
    return f"{config.web.address}{CODE_IN_LINK}{code}"
