"""Read `content/units.yaml`: the tree of units over time, and the peer groups of each year."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bot.reading import Reading
from storage.seed import PeerGroupPlan, Place, Successor, UnitPlan

NAME = "units.yaml"
Code = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,63}$")]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Level(_Entry):
    vi: str
    valid_to: date | None = Field(default=None, alias="to")


class _Parent(_Entry):
    unit: Code
    valid_from: date | None = Field(default=None, alias="from")
    valid_to: date | None = Field(default=None, alias="to")


class _Becomes(_Entry):
    unit: Code
    how: Literal["merge", "split", "rename"]


class _Unit(_Entry):
    code: Code
    level: str
    name: Annotated[str, Field(min_length=1)]
    short_name: Annotated[str, Field(min_length=1)]
    gso: str | None = None
    aliases: tuple[str, ...] = ()
    parent: Code | None = None
    parents: tuple[_Parent, ...] = ()
    valid_from: date | None = Field(default=None, alias="from")
    valid_to: date | None = Field(default=None, alias="to")
    becomes: _Becomes | tuple[_Becomes, ...] = ()
    made_up: bool = False

    def places(self) -> tuple[Place, ...]:
        """Return where the unit belongs, one span after the other."""
        if not self.parents:
            return (Place(self.parent, self.valid_from, self.valid_to),)
        return tuple(Place(span.unit, span.valid_from, span.valid_to) for span in self.parents)

    def successors(self) -> tuple[Successor, ...]:
        """Return who took over on the day after the last one."""
        if self.valid_to is None:
            return ()
        heirs = self.becomes if isinstance(self.becomes, tuple) else (self.becomes,)
        return tuple(Successor(heir.unit, self.valid_to + timedelta(days=1), heir.how) for heir in heirs)


class _PeerGroup(_Entry):
    code: Code
    year: int
    name: str
    leader: Code | None = None
    deputy: Code | None = None
    members: tuple[Code, ...]


class _File(_Entry):
    levels: Mapping[str, _Level]
    units: tuple[_Unit, ...]
    peer_groups: tuple[_PeerGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitsContent:
    """The levels, and the units and peer groups in the order of the file."""

    levels: frozenset[str] = frozenset()
    units: tuple[UnitPlan, ...] = ()
    peer_groups: tuple[PeerGroupPlan, ...] = ()

    @property
    def codes(self) -> frozenset[str]:
        """The codes of the units."""
        return frozenset(each.code for each in self.units)

    @property
    def groups(self) -> frozenset[tuple[str, int]]:
        """The peer groups by code and year."""
        return frozenset((each.code, each.year) for each in self.peer_groups)


def load_units(reading: Reading) -> UnitsContent:
    """Return what the file says, empty where it is wrong; `reading` gets every mistake."""
    file = reading.entries(NAME, TypeAdapter(_File))
    if file is None:
        return UnitsContent()
    mistakes = list(_mistakes(file))
    for code, why in mistakes:
        reading.reject(NAME, code, why)
    if mistakes:
        return UnitsContent()
    return UnitsContent(
        levels=frozenset(file.levels),
        units=tuple(map(_unit, file.units)),
        peer_groups=tuple(PeerGroupPlan(**group.model_dump()) for group in file.peer_groups),
    )


def _unit(each: _Unit) -> UnitPlan:
    return UnitPlan(
        code=each.code,
        level=each.level,
        name=each.name,
        short_name=each.short_name,
        places=each.places(),
        aliases=each.aliases,
        gso_code=each.gso,
        successors=each.successors(),
    )


def _mistakes(file: _File) -> Iterator[tuple[str, str]]:
    """Yield (code, what is wrong) for codes that stand twice or name nothing, and spans that do not fit."""
    codes = Counter(each.code for each in file.units)
    yield from ((code, "twice") for code, count in codes.items() if count > 1)
    for each in file.units:
        if each.level not in file.levels:
            yield each.code, f"level {each.level}"
        if each.becomes and each.valid_to is None:
            yield each.code, "becomes without to"
        named = [place.parent for place in each.places()] + [heir.unit for heir in each.successors()]
        yield from ((each.code, code) for code in named if code is not None and code not in codes)
        yield from ((each.code, "from > to") for place in each.places() if place.is_backwards())
    for group in file.peer_groups:
        named = [group.leader, group.deputy, *group.members]
        yield from ((f"{group.code} {group.year}", code) for code in named if code and code not in codes)
