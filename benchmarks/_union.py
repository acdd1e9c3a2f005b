"""A Union large enough to send to, and the program's way out put together on it: for measurements."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bot.channels.base import SentPicture
from bot.channels.telegram.channel import Telegram
from bot.channels.telegram.settings import Settings
from bot.content import load_content
from bot.sender import Sender
from bot.sending import Surroundings
from dialogue.messages import Capabilities
from storage import broadcasts
from storage.database import Connection, Database
from storage.schema import metadata
from storage.sqlite import SqliteDatabase, sqlite_engine

ROOT = Path(__file__).resolve().parents[1]
FIRST_CHAT = 1_000_000
TEXT = "Mời chị em đến sinh hoạt chi hội lúc 19 giờ thứ bảy tại nhà văn hóa làng."


def utc_now() -> datetime:
    return datetime.now(UTC)


def make_union(folder: Path, people: int) -> Path:
    """Make a database with one chi hội of `people` members, each reachable on the platform; return its file."""
    path = folder / "lantoa.db"
    engine = sqlite_engine(path)
    metadata.create_all(engine)
    with engine.begin() as db:
        for statement in _STATEMENTS:
            db.execute(text(statement), {"people": people, "now": "2026-11-25 02:00:00.000000", "first": FIRST_CHAT})
    engine.dispose()
    return path


_NUMBERS = "with recursive n(i) as (select 1 union all select i + 1 from n where i < :people) "
_STATEMENTS = (
    "insert into installation (id, kind, controller, hold, created_at) values (1, 'real', 'Hội', 0, :now)",
    "insert into unit (id, code) values (1, 'X')",
    "insert into unit_version (unit_id, level, name, short_name, search_key) values (1, 'lower', 'X', 'X', 'x')",
    _NUMBERS + "insert into contact (id, language, created_at) select i, 'vi', :now from n",
    _NUMBERS + "insert into address (contact_id, channel, external_id, state, created_at)"
    " select i, 'telegram', cast(:first + i as text), 'live', :now from n",
    _NUMBERS + "insert into member (id, uid, contact_id, full_name, search_key, created_at)"
    " select i, 'm' || i, i, 'A', 'a', :now from n",
    _NUMBERS + "insert into membership (member_id, unit_id, valid_from) select i, 1, '2025-07-01' from n",
    "analyze",
)


def start_broadcast(db: Connection, *, number: int) -> int:
    """Start a run to everybody and return its id; its audience is still to be frozen."""
    values = {"code": f"TN-{number:04}", "now": utc_now(), "key": f"k{number}", "texts": f'{{"vi": "{TEXT}"}}'}
    made = db.execute(
        text(
            "insert into campaign (code, created_by, unit_id, texts, sort, client_key, created_at)"
            " values (:code, 1, 1, :texts, 'broadcast', :key, '2026-11-25 02:00:00.000000') returning id"
        ),
        values,
    ).scalar_one()
    return broadcasts.start(db, int(made), None, at=utc_now()).id


@dataclass
class NoPorts:
    """The channel's view of a program that only sends."""

    heard_at: datetime | None = None
    files: dict[str, str] = field(default_factory=dict)

    async def accept(self, external_id: str, key: str, body: Mapping[str, Any], *, sent_at: datetime | None) -> None:
        raise AssertionError("nothing comes in here")

    async def keep_unreadable(self, external_id: str, key: str, raw: str) -> None: ...

    async def move(self, old: str, new: str) -> None: ...

    async def tell(self, external_id: str, key: str) -> None: ...

    async def heard(self) -> None: ...

    async def known_as(self, bot_id: str) -> str:
        return "bench_bot"

    async def call(self, bot_id: str, name: str) -> None: ...

    async def halted_s(self) -> float:
        return 0.0

    async def sent_file(self, bot_id: str, name: str) -> str | None:
        return self.files.get(name)

    async def keep_sent_file(self, bot_id: str, name: str, reference: str) -> None:
        self.files[name] = reference

    def commands(self) -> Mapping[str, Any]:
        return {}


class Unpaced(Telegram):
    """The channel as it is, with a window of our choice and no pace: what the way out can do at all."""

    most = 100

    @cached_property
    def capabilities(self) -> Capabilities:
        """Those of the channel without its limits. A quarter of the window is kept for replies."""
        return replace(super().capabilities, rate_per_s=None, per_chat=None, window=self.most * 4 // 3)


async def no_picture(_wanted: Mapping[str, Any]) -> SentPicture | None:
    return None


@asynccontextmanager
async def sending(
    path: Path, fake_url: str, token: str, *, rate_per_s: float | None
) -> AsyncIterator[tuple[Database, Sender]]:
    """Yield the database and a sender that speaks to the fake, at a rate or as fast as it can."""
    made = Unpaced if rate_per_s is None else Telegram
    channel = made(NoPorts(), Settings(token, fake_url, rate_per_s=rate_per_s or 1000.0), now=utc_now)
    content = load_content(ROOT / "content", ("vi", "en"))
    db = SqliteDatabase(path)
    await channel.start()
    try:
        yield db, Sender(db, [channel], Surroundings("bench", content.wording, no_picture))
    finally:
        await channel.stop()
        await db.close()
