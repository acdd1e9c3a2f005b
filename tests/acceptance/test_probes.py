"""Officers try codes and ids of other units, in every command that takes one: the answer is that for none at all."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select

from dialogue.messages import Json
from storage import (
    applications,
    appointments,
    broadcasts,
    calls,
    campaigns,
    codes,
    contacts,
    deliveries,
    reports,
    units,
)
from storage.applications import NewApplication
from storage.campaigns import NewCampaign
from storage.database import Connection
from storage.deliveries import REPLIES, NewDelivery
from storage.schema import delivery, session
from storage.sites import Place
from tests.tables import kind as kind
from tests.turns.bureau import CHANNEL, EVENING, Bureau, bureau_in

PROBES = int(os.environ.get("LANTOA_TEST_PROBES", "420"))
SINCE = date(2022, 1, 1)
OFFICERS = {"tinh": "can_bo_tinh", "xa": "chu_tich_xa", "chi_hoi": "chi_hoi_truong"}
KEPT = ("report", "figure", "application", "campaign", "schedule", "broadcast", "call_for_help", "audit", "audit_note")
"""What no probe may change, audit of looks included: there was nothing to look at."""


@dataclass(frozen=True)
class Thing:
    """Something that belongs to a unit: by its code, by its number, or both."""

    kind: str
    unit: str
    code: str = ""
    number: int = 0


@dataclass
class Land:
    """Two provinces with two communes of two chapters each. `posts` says who holds what where."""

    above: dict[str, str | None] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    posts: dict[str, tuple[str, str]] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    things: list[Thing] = field(default_factory=list)

    def sees(self, who: str, thing: Thing) -> bool:
        """Tell whether a thing lies in somebody's unit, in one below it or, for a chapter's head, above it."""
        own = self.posts[who][1]
        return own in self._line(thing.unit) or thing.unit in self._line(own)

    def _line(self, unit: str) -> Iterator[str]:
        at: str | None = unit
        while at is not None:
            yield at
            at = self.above[at]


async def test_a_foreign_code_or_id_is_as_unknown_as_one_that_does_not_exist(tmp_path: Path, place: Place) -> None:
    dice = random.Random(seed := random.SystemRandom().randrange(10**6))
    async with _union(tmp_path, place) as (bureau, land):
        before = await bureau.db.read(_kept)
        tried = 0
        while tried < PROBES:
            wave = [(who, *_probe(dice, land, who)) for who in land.posts]
            foreign = await _answers(bureau, land, [(who, words, start) for who, words, start, _, _ in wave])
            unknown = await _answers(bureau, land, [(who, words, start) for who, _, _, words, start in wave])
            for who, words, start, *_ in wave:
                assert foreign[who], f"seed {seed}: {who} got no answer to {words or start}"
                assert foreign[who] == unknown[who], f"seed {seed}: {who} tried {words or start}"
            tried += len(wave)
        assert await bureau.db.read(_kept) == before
    print(f"{tried} probes, seed {seed}")


Start = Mapping[str, Json] | None


def _probe(dice: random.Random, land: Land, who: str) -> tuple[str, Start, str, Start]:
    """Return a foreign thing and one that does not exist, asked for in the same way: by words or by a button."""
    thing = dice.choice([each for each in land.things if not land.sees(who, each)])
    none = Thing(thing.kind, thing.unit, _unused(dice, land, thing.code), thing.number + 1_000_000)
    way = dice.choice(_WAYS[thing.kind])
    if isinstance(way, str):
        return way.format(thing.code), None, way.format(none.code), None
    name, start = way
    return "", _button(name, start, thing), "", _button(name, start, none)


def _unused(dice: random.Random, land: Land, code: str) -> str:
    """Return a code that nothing has, with letters and digits where this one has them: a sentence holds digits too."""
    while code:
        prefix, _, drawn = code.partition("-")
        letters = [dice.choice(codes.ALPHABET[8:] if each.isalpha() else codes.ALPHABET[:8]) for each in drawn]
        other = f"{prefix}-{''.join(letters)}"
        if all(each.code != other for each in land.things):
            return other
    return ""


def _button(name: str, start: Mapping[str, Any], thing: Thing) -> dict[str, Json]:
    """Return what a button opens; her old one, from when the thing was hers to see."""
    facts = {
        key: value.format(thing.code, thing.number) if isinstance(value, str) else value for key, value in start.items()
    }
    numbers = {key: int(facts[key]) for key in ("campaign", "run") if key in facts}
    return {"open": name, "start": facts | numbers}


_NUMBER = "{1}"
_CODE = "{0}"
_WAYS: dict[str, tuple[str | tuple[str, Mapping[str, Any]], ...]] = {
    "report": (
        "{}",
        "tra cứu {}",
        "mở {}",
        "rút báo cáo {}",
        "xóa báo cáo {}",
        ("lookup", {"code": _CODE}),
        ("review", {"code": _CODE}),
        ("withdraw", {"code": _CODE}),
        ("report", {"correct": _CODE, "records": [], "asks": []}),
    ),
    "application": (
        "{}",
        "mở {}",
        ("admit", {"code": _CODE}),
        ("admit", {"code": _CODE, "decision": "admit"}),
        ("admit", {"code": _CODE, "decision": "decline"}),
    ),
    "call": ("{}", "mở {}", ("call", {"code": _CODE})),
    "campaign": (
        "{}",
        *(
            ("broadcasts", {"campaign": _NUMBER, "run": _NUMBER, "act": act})
            for act in ("pause", "resume", "cancel", "resend", "sheet", "link", "skip", "card")
        ),
        ("broadcasts", {"code": _CODE}),
        ("broadcast_edit", {"campaign": _NUMBER}),
    ),
    "unit": (("results", {"whose": "unit-{1}", "period": "2026"}),),
}


async def _answers(bureau: Bureau, land: Land, asked: list[tuple[str, str, Start]]) -> dict[str, list[str]]:
    """Let each person ask once, in a fresh talk, and return what each was told, codes and numbers made alike."""
    pressed = await bureau.db.write(_prepare, land, asked)
    last = await bureau.db.read(lambda db: db.scalar(select(func.max(delivery.c.id))) or 0)
    given = ({"pressed": pressed[who]} if who in pressed else {} for who, _, _ in asked)
    await asyncio.gather(
        *(bureau.takes_in(words, who=who, **more) for (who, words, _), more in zip(asked, given, strict=True))
    )
    await bureau.dispatcher.drain()
    told: dict[str, list[str]] = {}
    names = {contact_id: who for who, contact_id in land.people.items()}
    for contact_id, body in await bureau.db.read(_after, last):
        who = names[contact_id]
        told.setdefault(who, []).append(repr(body))
    probed = {who: (words.split(), start) for who, words, start in asked}
    return {who: [_alike(each, *probed[who]) for each in texts] for who, texts in told.items()}


def _alike(told: str, words: list[str], start: Start) -> str:
    given = [word for word in words if "-" in word]
    inside = (start or {}).get("start")
    given += [str(value) for value in inside.values()] if isinstance(inside, dict) else []
    for value in given:
        if "-" in value or value.isdigit():
            told = told.replace(value, "…")
    return told


def _prepare(db: Connection, land: Land, asked: list[tuple[str, str, Start]]) -> dict[str, str]:
    """End all talks and show each the button she presses; return which."""
    db.execute(delete(session))
    rows = [(who, start) for who, _, start in asked if start is not None]
    shown = [
        NewDelivery(
            land.people[who],
            None,
            lane=REPLIES,
            sort="reply",
            body={"text": "…", "buttons": [{"value": start, "label": "Xem", "ask": None}]},
            due_at=EVENING,
        )
        for who, start in rows
    ]
    ids = deliveries.enqueue(db, shown, at=EVENING)
    return {who: f"{row_id}.0" for (who, _), row_id in zip(rows, ids, strict=True)}


def _after(db: Connection, last: int) -> list[tuple[int, Any]]:
    query = select(delivery.c.contact_id, delivery.c.body).where(delivery.c.id > last).order_by(delivery.c.id)
    return [(row.contact_id, row.body) for row in db.execute(query)]


def _kept(db: Connection) -> dict[str, list[str]]:
    tables = {table.name: table for table in delivery.metadata.sorted_tables if table.name in KEPT}
    return {name: [str(row) for row in db.execute(select(table))] for name, table in tables.items()}


@asynccontextmanager
async def _union(folder: Path, place: Place) -> Any:
    """Yield a bureau over two provinces, with something of each kind in every unit."""
    async with bureau_in(folder, place) as bureau:
        land = await bureau.db.write(_settle, bureau)
        for who, (role, _) in land.posts.items():
            if role == "chi_hoi_truong":
                await bureau.hears("hôm nay trồng 12 cây xanh", who=who)
                await bureau.hears("Gửi", who=who)
        sent = await bureau.db.read(lambda db: _reports_of(db, land))
        assert len(sent) == 8
        land.things += sent
        yield bureau, land


def _settle(db: Connection, bureau: Bureau) -> Land:
    land = Land()
    for province in ("a", "b"):
        _unit(db, land, province, None, "tinh")
        for commune in (f"{province}1", f"{province}2"):
            _unit(db, land, commune, province, "xa")
            for chapter in (f"{commune}x", f"{commune}y"):
                _unit(db, land, chapter, commune, "chi_hoi")
    for name in land.ids:
        _things(db, bureau, land, name)
    return land


def _unit(db: Connection, land: Land, name: str, above: str | None, level: str) -> None:
    land.ids[name] = units.add(db, f"P-{name}")
    parent_id = land.ids[above] if above else None
    units.add_version(
        db, land.ids[name], parent_id=parent_id, level=level, name=f"Đơn vị {name}", short_name=name, valid_from=SINCE
    )
    land.above[name] = above
    who = f"officer {name}"
    contact_id = contacts.create(db, at=EVENING, language="vi", name=who)
    contacts.add_address(db, contact_id, CHANNEL, who, at=EVENING)
    appointments.appoint(db, contact_id, land.ids[name], OFFICERS[level], since=SINCE)
    land.posts[who], land.people[who] = (OFFICERS[level], name), contact_id


def _things(db: Connection, bureau: Bureau, land: Land, name: str) -> None:
    unit_id, owner = land.ids[name], land.people[f"officer {name}"]
    guest = contacts.create(db, at=EVENING, language="vi")
    contacts.add_address(db, guest, CHANNEL, f"guest {name}", at=EVENING)
    new = NewApplication(contact_id=guest, unit_id=unit_id, full_name="Ksor H'Lan", birth="1990", phone=None)
    asked = applications.submit(db, bureau.sealer, new, at=EVENING)
    called = calls.keep(db, bureau.sealer, contact_id=guest, unit_id=unit_id, words="gọi em", at=EVENING)
    plan, _ = campaigns.create(
        db, NewCampaign(owner, unit_id, None, {"vi": "Mời họp"}, client_key=f"plan:{name}"), at=EVENING
    )
    run = broadcasts.start(db, plan.id, None, at=EVENING)
    land.things += [
        Thing("application", name, asked),
        Thing("call", name, called),
        Thing("campaign", name, plan.code, plan.id),
        Thing("unit", name, number=unit_id),
    ]
    assert run.campaign_id == plan.id


def _reports_of(db: Connection, land: Land) -> list[Thing]:
    names: dict[int | None, str] = {unit_id: name for name, unit_id in land.ids.items()}
    found = [
        (names[each.unit_id], each.code) for who in land.people.values() for each in reports.of_author(db, who, most=5)
    ]
    return [Thing("report", name, code) for name, code in found]
