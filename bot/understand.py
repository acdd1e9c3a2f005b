"""Say what messages are read as: the contract of `lantoa understand`. No database and no history are needed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from bot.config import Wrong
from bot.unit_content import UnitsContent
from dialogue.messages import Say
from figures.reading import read
from handlers.content import Content
from handlers.context import VIETNAM
from storage.seed import UnitPlan
from vietnamese.fold import fold

COLUMNS = ("id", "received_at", "sender_unit", "sender_role", "message")


@dataclass(frozen=True, slots=True)
class Sample:
    """A message as it came: when (aware), from whom by the names of unit and role, and its text."""

    at: datetime
    unit: str
    role: str
    message: str
    id: str | None = None


def understood(sample: Sample, content: Content, tree: UnitsContent) -> dict[str, Any]:
    """Return what one message is read as, with the keys of the contract and its `id` if it has one.

    `Wrong` if there is no such role.
    """
    role = content.roles.get(sample.role)
    if role is None:
        raise Wrong(Say("invite.no_role", {"role": sample.role, "roles": ", ".join(content.roles)}))
    reading = read(
        sample.message,
        at=sample.at,
        sender_level=role.levels[0],
        catalogue=content.catalogue,
        place_names=_places(sample, tree),
    )
    return ({"id": sample.id} if sample.id is not None else {}) | reading.as_json()


def as_line(reading: dict[str, Any]) -> str:
    """Return a reading as one line of JSON."""
    return json.dumps(reading, ensure_ascii=False)


def moment(text: str) -> datetime:
    """Return an ISO instant; without a zone it is Vietnamese time. `Wrong` if it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Wrong(Say("understand.at", {"text": text})) from error
    return at if at.tzinfo is not None else at.replace(tzinfo=VIETNAM)


def samples(file: Path) -> Iterator[Sample]:
    """Yield the rows of a table with tabs and a heading; columns besides those of the contract are not looked at.

    `Wrong` if a column is missing or a row cannot be read.
    """
    heading, *lines = file.read_text("utf-8-sig").split("\n")
    places = {name: place for place, name in enumerate(heading.rstrip("\r").split("\t"))}
    missing = [name for name in COLUMNS if name not in places]
    if missing:
        raise Wrong(Say("understand.columns", {"file": str(file), "columns": ", ".join(missing)}))
    for number, line in enumerate(lines, 2):
        if line.strip():
            yield _sample(line.rstrip("\r").split("\t"), places, where=f"{file}:{number}")


def _sample(cells: Sequence[str], places: dict[str, int], *, where: str) -> Sample:
    try:
        row = {name: cells[places[name]] for name in COLUMNS}
        at = moment(row["received_at"])
    except (IndexError, Wrong) as error:
        raise Wrong(Say("understand.row", {"where": where})) from error
    return Sample(at, row["sender_unit"], row["sender_role"], row["message"], row["id"])


def _places(sample: Sample, tree: UnitsContent) -> list[str]:
    """Return the names by which the message calls the sender's unit or one below it."""
    today = sample.at.astimezone(VIETNAM).date()
    text = f" {fold(sample.message)} "
    names = (_called(unit, text) for unit in _scope(sample.unit, tree, today))
    return list(dict.fromkeys(name for name in names if name))


def _called(unit: UnitPlan, text: str) -> str | None:
    """Return the unit's short name, or its proper name alone (two words at least), if it stands in the folded text."""
    words = unit.short_name.split()
    proper = [word for word in words if not word[0].islower()]
    if f" {fold(unit.short_name)} " in text:
        return unit.short_name
    return " ".join(proper) if len(proper) > 1 and f" {fold(' '.join(proper))} " in text else None


def _scope(named: str, tree: UnitsContent, on: date) -> list[UnitPlan]:
    """Return the unit called `named` on a day ("Chi hội làng Bối, xã Hòa Phú") and all below it; empty if unknown."""
    parents = {unit.code: place.parent for unit in tree.units for place in unit.places if place.holds(on)}
    living = {unit.code: unit for unit in tree.units if unit.code in parents}
    own, *above = (fold(part.partition("(")[0]) for part in named.split(","))
    tops = {
        code
        for code, unit in living.items()
        if own in {fold(unit.name), fold(unit.short_name)}
        and all(part in _names_above(code, parents, living) for part in above)
    }
    return [unit for code, unit in living.items() if tops & {code, *_above(code, parents)}] if len(tops) == 1 else []


def _above(code: str, parents: dict[str, str | None]) -> Iterator[str]:
    seen = {code}
    current = parents.get(code)
    while current is not None and current not in seen:
        seen.add(current)
        yield current
        current = parents.get(current)


def _names_above(code: str, parents: dict[str, str | None], living: dict[str, UnitPlan]) -> set[str]:
    return {fold(living[above].short_name) for above in _above(code, parents) if above in living}
