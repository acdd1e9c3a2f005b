"""A small Union to send to: a database, people, a clock that only moves when told, a channel with its own ledger."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from bot.channels.base import Channel, Outgoing, SentPicture
from bot.sender import Sender
from bot.sending import Surroundings
from dialogue.messages import Capabilities, Pace
from dialogue.text import Wording
from storage import appointments, broadcasts, campaigns, contacts, deliveries, units
from storage.campaigns import NewCampaign
from storage.claims import NO_RULES, Claimed, Round, Rules, Taken, claim
from storage.database import Database
from storage.deliveries import NewDelivery
from storage.schema import delivery, installation, member, membership

MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 9:00 on a Monday in Việt Nam
SINCE = date(2025, 7, 1)
ROAD = "road"


@dataclass
class Clock:
    """Time that stands still until it is moved; sleeping moves it."""

    at: datetime = MORNING

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - MORNING).total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.forward(seconds)
        await asyncio.sleep(0)

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Road(Channel):
    """A channel of our own. `ledger` holds what arrived; `script` what befalls the next sends to an address.

    An exception is raised before anything arrives; a pair `("lost", exception)` lets it arrive first; an
    event is waited for.
    """

    name: str = ROAD
    window: int = 8
    rate_per_s: float | None = None
    text_limit: int = 10_000
    repeatable: bool = False
    ledger: list[tuple[str, str]] = field(default_factory=list)
    pictures: list[SentPicture | None] = field(default_factory=list)
    script: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    always: Any = None
    begun: int = 0
    handed: list[Outgoing] = field(default_factory=list)
    per_chat: Pace | None = None
    data_abroad: bool = False
    shows_pictures: bool = True
    tells_of_pictures: bool = False

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            buttons=True,
            pictures=self.shows_pictures,
            tells_of_pictures=self.tells_of_pictures,
            text_limit=self.text_limit,
            window=self.window,
            rate_per_s=self.rate_per_s,
            repeatable=self.repeatable,
            per_chat=self.per_chat,
            data_abroad=self.data_abroad,
        )

    async def send(self, message: Outgoing) -> str:
        self.begun += 1
        self.handed.append(message)
        planned = self.script[message.external_id]
        event = planned.pop(0) if planned else self.always
        if isinstance(event, asyncio.Event):
            await event.wait()
        elif isinstance(event, tuple):
            self._arrive(message)
            raise event[1]
        elif event is not None:
            raise event
        return self._arrive(message)

    def _arrive(self, message: Outgoing) -> str:
        self.ledger.append((message.external_id, message.rendered.text))
        self.pictures.append(message.picture)
        return f"m{len(self.ledger)}"

    def copies(self) -> Mapping[str, int]:
        counted: dict[str, int] = defaultdict(int)
        for external_id, _ in self.ledger:
            counted[external_id] += 1
        return counted


class Echo(dict[str, str]):
    """Wording that says its keys."""

    def get(self, key: str, default: Any = None) -> Any:
        return key

    def __contains__(self, key: object) -> bool:
        return True


WORDING = Wording({"vi": Echo(), "en": Echo()})


async def no_pictures(_wanted: Mapping[str, Any]) -> SentPicture | None:
    return None


def settle_in(engine: Engine) -> None:
    """Make a real installation of a new database."""
    with engine.begin() as db:
        db.execute(insert(installation).values(id=1, kind="real", controller="Hội", hold=False, created_at=MORNING))


def person(db: Connection, *, channel: str = ROAD, language: str = "vi", name: str | None = None) -> int:
    """Add a contact with one address, named after her id."""
    contact_id = contacts.create(db, at=MORNING, language=language, name=name)
    contacts.add_address(db, contact_id, channel, f"p{contact_id}", at=MORNING)
    return contact_id


def unit(db: Connection, code: str, parent_id: int | None, level: str) -> int:
    """Add a unit under another."""
    unit_id = units.add(db, code)
    units.add_version(db, unit_id, parent_id=parent_id, level=level, name=code, short_name=code)
    return unit_id


def join(db: Connection, contact_id: int | None, unit_id: int, *, until: date | None = None) -> int:
    """Make a contact (or somebody without a phone) a member of a unit."""
    values = {"uid": f"m{contact_id}-{unit_id}-{until}", "contact_id": contact_id}
    row = insert(member).values(**values, full_name="Chị", search_key="chi", created_at=MORNING)
    member_id = db.execute(row.returning(member.c.id)).scalar_one()
    db.execute(insert(membership).values(member_id=member_id, unit_id=unit_id, valid_from=SINCE, valid_to=until))
    return int(member_id)


@dataclass(frozen=True)
class Union:
    """A commune with two chapters, its officer, and a commune beside it."""

    commune: int
    chapter: int
    other_chapter: int
    neighbour: int
    officer: int


def found_union(db: Connection, *, role: str = "officer") -> Union:
    """Add the units and the officer."""
    province = unit(db, "tỉnh", None, "upper")
    commune = unit(db, "xã", province, "middle")
    neighbour = unit(db, "xã bên", province, "middle")
    chapter = unit(db, "làng Bối", commune, "lower")
    other = unit(db, "làng Kép", commune, "lower")
    officer = person(db, name="Cán bộ")
    appointments.appoint(db, officer, commune, role, since=SINCE)
    return Union(commune, chapter, other, neighbour, officer)


def campaign(db: Connection, union: Union, *, key: str = "k", **more: Any) -> int:
    """Add a campaign of the officer to the commune's members and officers."""
    new = {"created_by": union.officer, "unit_id": union.commune, "role": None, "texts": {"vi": "Mời họp"}}
    made, _ = campaigns.create(db, NewCampaign(**(new | more), client_key=key), at=MORNING)
    return made.id


def run(db: Connection, campaign_id: int, *, at: datetime = MORNING) -> int:
    """Start a run of a campaign and freeze its audience."""
    made = broadcasts.start(db, campaign_id, None, at=at)
    while not broadcasts.freeze_page(db, made.id, at=at):
        pass
    return made.id


def reply_to(contact_id: int, text: str = "chào", *, sort: str = "reply", **more: Any) -> NewDelivery:
    """Return a reply to a contact."""
    values = {"address_id": None, "lane": 0, "due_at": MORNING} | more
    return NewDelivery(contact_id, sort=sort, body={"text": text, "buttons": []}, **values)


def put(db: Connection, *rows: NewDelivery) -> list[int]:
    """Insert deliveries."""
    return deliveries.enqueue(db, rows, at=MORNING)


def take(db: Connection, **more: Any) -> list[Claimed]:
    """Claim once as the process `one`, on our own channel."""
    return take_round(db, **more).messages


def take_round(db: Connection, *, now: datetime = MORNING, free: int = 8, many: int = 8, **more: Any) -> Taken:
    """Claim once as `take` does and return all the round brought."""
    values: dict[str, Any] = {"owner": "one", "lease_until": now + timedelta(seconds=90)} | more
    return claim(db, Round(now=now, replies={ROAD: free}, broadcasts={ROAD: many}, **values))


def states(db: Connection) -> dict[int, str]:
    """Return every delivery's state."""
    return {row.id: row.state for row in db.execute(select(delivery.c.id, delivery.c.state).order_by(delivery.c.id))}


def row_of(db: Connection, delivery_id: int) -> Any:
    """Return a delivery's row."""
    return db.execute(select(delivery).where(delivery.c.id == delivery_id)).one()


def sender(
    db: Database,
    channels: Sequence[Road],
    clock: Clock,
    *,
    owner: str = "one",
    rules: Rules = NO_RULES,
    pictures: Any = no_pictures,
) -> Sender:
    """Return a sender on a standing clock."""
    around = Surroundings(
        owner=owner,
        wording=WORDING,
        pictures=pictures,
        rules=rules,
        now=clock.now,
        monotonic=clock.monotonic,
        sleep=clock.sleep,
    )
    return Sender(db, channels, around)
