"""The demonstration: the cluster's real results of 2023, and people with made-up names to play with.

Everything is planted in the one transaction that makes the database, so a demonstration is whole or not there.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bot.reading import Reading
from bot.unit_content import UnitsContent, load_units
from figures.targets import Target
from handlers.content import Content
from handlers.context import VIETNAM
from handlers.report_records import figure_of, span_of
from storage import appointments, contacts, installation, members, reports, seed, targets
from storage.database import Connection
from storage.members import NewMember
from storage.reports import NewFigure, NewReport
from storage.sealing import Keys, Sealer

NAME = "demo.yaml"
ADDRESS = "demo:{slug}"
PLAYED_ON = "web_chat"
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Post(_Entry):
    unit: str
    role: str
    since: date
    until: date | None = None


class _Person(_Entry):
    slug: Slug
    name: str | None = None
    posts: tuple[_Post, ...] = ()
    joined: str | None = None


class _Persona(_Person):
    label: Mapping[str, str]


class _Figure(_Entry):
    indicator: str
    value: int | float
    qualifier: Literal["min", "max", "approx"] | None = None
    mode: Literal["increment", "cumulative"] = "increment"
    of: int | None = None
    place: str | None = None
    breakdown: Mapping[str, int] | None = None


class _Report(_Entry):
    unit: str | None = None
    group: str | None = None
    year: int | None = None
    sent: date | None = None
    moment: Annotated[float, Field(ge=0, le=1)] | None = None
    period: str | None = None
    by: Slug | None = None
    decided_by: Slug | None = None
    source: str
    figures: Annotated[tuple[_Figure, ...], Field(min_length=1)]

    def day(self, today: date) -> date:
        """Return the day it was sent: a fixed one, or a part of the year up to `today`."""
        if self.sent is not None:
            return self.sent
        new_year = date(today.year, 1, 1)
        return new_year + timedelta(days=round((today - new_year).days * (self.moment or 0)))


class _Target(_Entry):
    units: tuple[str, ...]
    year: int | None = None
    indicator: str
    value: int
    source: str
    confirmed: bool


class DemoFile(_Entry):
    """What `content/demo.yaml` holds."""

    controller: str
    personas: tuple[_Persona, ...]
    people: tuple[_Person, ...] = ()
    members: Mapping[str, tuple[tuple[str, int], ...]] = {}
    reports: tuple[_Report, ...] = ()
    targets: tuple[_Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody to play: `/demo/<slug>/` on the chat page. `label` is language → what she is."""

    slug: str
    label: Mapping[str, str]
    address: str


def load_demo(reading: Reading) -> DemoFile | None:
    """Return the demonstration of the content folder, None where it is wrong; `reading` gets every mistake."""
    return reading.entries(NAME, TypeAdapter(DemoFile))


def personas(folder: Path) -> tuple[Persona, ...]:
    """Return who can be played, in the order of the file; `Wrong` if it cannot be read."""
    reading = Reading(folder)
    file = load_demo(reading)
    reading.finish()
    found = file.personas if file else ()
    return tuple(Persona(each.slug, each.label, ADDRESS.format(slug=each.slug)) for each in found)


def plant(db: Connection, keys: Keys, *, folder: Path, content: Content, now: datetime) -> None:
    """Fill an empty database from the content folder, as if it had been used until `now` (aware).

    Raises `Wrong` for mistakes in the folder.
    """
    reading = Reading(folder)
    file, tree = load_demo(reading), load_units(reading)
    reading.finish()
    assert file is not None  # else a mistake was noted
    check_demo(reading, file, tree, content)
    reading.finish()
    installation.create(db, kind=installation.DEMO, controller=file.controller, at=now)
    planting = _plant_structure(db, keys, tree, content=content, now=now)
    people = planting.people(file)
    planting.reports(file, people)
    planting.targets(file)


def check_demo(reading: Reading, file: DemoFile, tree: UnitsContent, content: Content) -> None:
    """Note every name in the demonstration that means nothing: a unit, group, role, indicator or person."""
    people = (*file.personas, *file.people)
    posts = [post for person in people for post in person.posts]
    figures = [figure.indicator for each in file.reports for figure in each.figures]
    wanted: list[tuple[str, Iterable[object], Container[object]]] = [
        ("unit", [post.unit for post in posts], tree.codes),
        ("unit", [person.joined for person in people if person.joined], tree.codes),
        ("unit", [*file.members, *(each.unit for each in file.reports if each.unit)], tree.codes),
        ("unit", [unit for each in file.targets for unit in each.units], tree.codes),
        ("group", [(each.group, each.year) for each in file.reports if each.group], tree.groups),
        ("role", [post.role for post in posts], content.roles),
        ("indicator", [*figures, *(each.indicator for each in file.targets)], content.catalogue),
        ("person", _senders(file), {person.slug for person in people}),
    ]
    for kind, names, known in wanted:
        for name in names:
            if name not in known:
                reading.reject(NAME, kind, str(name))


def _senders(file: DemoFile) -> list[str]:
    return [slug for each in file.reports for slug in (each.by, each.decided_by) if slug]


def _plant_structure(db: Connection, keys: Keys, tree: UnitsContent, *, content: Content, now: datetime) -> _Planting:
    unit_ids = seed.plant_units(db, tree.units)
    group_ids = seed.plant_peer_groups(db, tree.peer_groups, unit_ids)
    return _Planting(db, Sealer(keys), content, unit_ids, group_ids, now)


@dataclass(frozen=True, slots=True)
class _Planting:
    """A demonstration being planted."""

    db: Connection
    sealer: Sealer
    content: Content
    unit_ids: Mapping[str, int]
    group_ids: Mapping[tuple[str, int], int]
    now: datetime

    @property
    def today(self) -> date:
        return self.now.astimezone(VIETNAM).date()

    def people(self, file: DemoFile) -> dict[str, int]:
        """Insert everybody and return slug → contact id."""
        known = {each.slug: self._person(each) for each in (*file.personas, *file.people)}
        listed = [(unit, name, born) for unit, rows in file.members.items() for name, born in rows]
        for number, (unit, name, born) in enumerate(listed, 1):
            contact_id = self._contact(f"hoi-vien-{number:02}", name)
            self._join(contact_id, name, unit, birth=str(born))
        return known

    def _person(self, each: _Person) -> int:
        contact_id = self._contact(each.slug, each.name)
        for post in each.posts:
            unit_id = self.unit_ids[post.unit]
            post_id = appointments.appoint(self.db, contact_id, unit_id, post.role, since=post.since)
            if post.until:
                seed.end_appointment(self.db, post_id, on=post.until)
        if each.joined and each.name:
            self._join(contact_id, each.name, each.joined)
        return contact_id

    def _contact(self, slug: str, name: str | None) -> int:
        contact_id = contacts.create(self.db, at=self.now, language=self.content.wording.default, name=name)
        contacts.add_address(self.db, contact_id, PLAYED_ON, ADDRESS.format(slug=slug), at=self.now)
        return contact_id

    def _join(self, contact_id: int, name: str, unit: str, *, birth: str | None = None) -> None:
        member_id = members.add(self.db, self.sealer, NewMember(contact_id, name, birth=birth), at=self.now)
        members.join(self.db, member_id, self.unit_ids[unit], since=date(2022, 3, 8))

    def reports(self, file: DemoFile, people: Mapping[str, int]) -> None:
        """Insert the reports, approved where somebody decided or nobody sent them, else waiting."""
        for each in sorted(file.reports, key=lambda one: one.day(self.today)):
            figures = tuple(self._figure(each, figure) for figure in each.figures)
            period, first_day, last_day = span_of(figures)
            new = NewReport(
                period=period,
                first_day=first_day,
                last_day=last_day,
                figures=figures,
                unit_id=self.unit_ids[each.unit] if each.unit else None,
                peer_group_id=self.group_ids[each.group, each.year] if each.group and each.year else None,
                author_id=people[each.by] if each.by else None,
                source_text=each.source,
            )
            at = _evening(each.day(self.today), self.now)
            _, code = reports.submit(self.db, new, at=at, state="submitted" if each.by else "approved")
            if each.decided_by:
                by = people[each.decided_by]
                reports.decide(self.db, code, "approved", version=1, by=by, at=min(at + timedelta(days=1), self.now))

    def _figure(self, one: _Report, figure: _Figure) -> NewFigure:
        sent = one.day(self.today)
        record: dict[str, Any] = {
            "indicator": figure.indicator,
            "value": figure.value,
            "unit": self.content.catalogue[figure.indicator].unit,
            "date": one.period or sent.isoformat(),
            "qualifier": figure.qualifier,
            "cumulative": figure.mode == "cumulative",
            "of": figure.of,
            "place": figure.place,
            "by": figure.breakdown,
        }
        return figure_of(record, unit_name="", today=sent)

    def targets(self, file: DemoFile) -> None:
        """Insert the targets of each unit."""
        for each in file.targets:
            period = str(each.year or self.today.year)
            wanted = Target(each.indicator, period, each.value, each.source, each.confirmed)
            for unit in each.units:
                targets.put(self.db, wanted, unit_id=self.unit_ids[unit])


def _evening(day: date, now: datetime) -> datetime:
    """Return half past seven in the evening of a day, when chapters write, but not after `now`."""
    return min(datetime.combine(day, time(19, 30), VIETNAM).astimezone(UTC), now)
