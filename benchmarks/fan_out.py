"""Freeze the audience of a broadcast, against one bare INSERT … SELECT of the same audience.

Both on fresh copies of one database, with the program's own pragmas, turn by turn; the result is the ratio, the median
of the pairs. The bare statement is tried in two forms, contact by contact and as a set, and the faster one counts.
Then one more run of ours with somebody else writing beside it: how long she waits, how long the event loop stands
still, how much memory grows. `python -m benchmarks.fan_out 1000000` for a million people.
"""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, text

from bot.broadcast import Broadcasts
from dialogue.text import Wording
from storage import audiences, broadcasts, campaigns
from storage.audiences import Audience, Page
from storage.campaigns import NewCampaign
from storage.database import Database
from storage.schema import contact, installation, metadata
from storage.sqlite import SqliteDatabase, sqlite_engine

PEOPLE = 100_000
PAIRS = 3
COMMUNES, CHAPTERS = 100, 30
NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
AT = "2026-11-23 02:00:00.000000"
SINCE = "2025-07-01"
TODAY = date(2026, 11, 23)
TOP = 1
WORDING = Wording({"vi": {}})


def make_union(path: Path, people: int) -> None:
    """Make a database with a province of 3,000 chapters and so many members, a head in each chapter."""
    engine = sqlite_engine(path)
    metadata.create_all(engine)
    with engine.begin() as db:
        db.execute(insert(installation).values(id=1, kind="real", controller="Hội", hold=False, created_at=NOW))
    engine.dispose()
    parents = [None, *(TOP for _ in range(COMMUNES)), *(2 + n // CHAPTERS for n in range(COMMUNES * CHAPTERS))]
    units = list(enumerate(parents, 1))
    chapters = [number for number, _ in units[1 + COMMUNES :]]
    ids = range(1, people + 1)
    with sqlite3.connect(path, isolation_level=None) as db:
        db.execute("PRAGMA synchronous=OFF")
        db.execute("BEGIN")
        fill(db, "unit(id, code)", ((number, f"u{number}") for number, _ in units))
        versions = ((number, above, "unit", f"Đơn vị {number}", f"{number}", f" {number}") for number, above in units)
        fill(db, "unit_version(unit_id, parent_id, level, name, short_name, search_key)", versions)
        fill(db, "contact(id, name, language, created_at)", ((n, f"Nguyễn Thị Hoa {n}", "vi", AT) for n in ids))
        fill(db, "address(contact_id, channel, external_id, state, created_at)", (address_of(n) for n in ids))
        members = ((n, f"m{n}", n, f"Nguyễn Thị Hoa {n}", "nguyen thi hoa", AT) for n in ids)
        fill(db, "member(id, uid, contact_id, full_name, search_key, created_at)", members)
        belong = ((n, chapters[n * 7919 % len(chapters)], SINCE) for n in ids)
        fill(db, "membership(member_id, unit_id, valid_from)", belong)
        heads = ((n, unit, "head", SINCE) for n, unit in zip(ids, chapters, strict=False))
        fill(db, "appointment(contact_id, unit_id, role, valid_from)", heads)
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def fill(db: sqlite3.Connection, table: str, rows: Iterator[tuple[Any, ...]]) -> None:
    """Insert rows."""
    marks = ", ".join("?" * (table.count(",") + 1))
    db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def address_of(number: int) -> tuple[Any, ...]:
    """Return a live address of a contact."""
    return (number, "road", f"p{number}", "live", AT)


@contextmanager
def fresh(made: Path) -> Iterator[Path]:
    """Yield a copy of the database."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "lantoa.db"
        shutil.copy(made, copy)
        yield copy


def begin_run(db: Connection) -> int:
    """Start a run for everybody; each time it is called one more."""
    plan, _ = campaigns.create(db, NewCampaign(1, TOP, None, {"vi": "Mời họp"}, "bench"), at=NOW)
    return broadcasts.start(db, plan.id, None, at=NOW).id


SCAN = """
    WITH RECURSIVE scope(id) AS MATERIALIZED (
        SELECT id FROM unit WHERE id = :top
        UNION SELECT unit_id FROM unit_version JOIN scope ON parent_id = scope.id)
    INSERT INTO delivery (contact_id, broadcast_id, lane, sort, state, attempt, tries, due_at, restricted, created_at)
    SELECT contact.id, :run, 1, 'broadcast', 'ready', 0, 0, :at, 0, :at FROM contact
    WHERE erased_at IS NULL AND stopped_at IS NULL
        AND EXISTS (SELECT 1 FROM address WHERE contact_id = contact.id AND state = 'live')
        AND (EXISTS (SELECT 1 FROM member JOIN membership ON member_id = member.id
                     WHERE contact_id = contact.id AND member.erased_at IS NULL AND unit_id IN scope
                     AND valid_from <= :today AND (valid_to IS NULL OR valid_to >= :today))
             OR EXISTS (SELECT 1 FROM appointment WHERE contact_id = contact.id AND unit_id IN scope
                     AND valid_from <= :today AND (valid_to IS NULL OR valid_to >= :today)))"""


def insert_by_scan(db: Connection, run_id: int) -> None:
    """Go through all contacts."""
    db.execute(text(SCAN), {"top": TOP, "run": run_id, "at": AT, "today": TODAY.isoformat()})


def insert_as_set(db: Connection, run_id: int) -> None:
    """Collect who belongs to the units first."""
    who = Audience(TOP, None, TODAY)
    audiences.know_scope(db, run_id, who)
    audiences.take_in(db, Page(run_id, who, NOW))


def measure_bare(made: Path, people: int) -> float:
    """Return the seconds of one statement in one transaction, of its two forms the faster."""
    took_s: list[float] = []
    for bare in (insert_by_scan, insert_as_set):
        with fresh(made) as path:
            engine = sqlite_engine(path)
            with engine.begin() as db:
                run_id = begin_run(db)
            with engine.connect() as db:
                began = time.perf_counter()
                with db.begin():
                    bare(db, run_id)
                took_s.append(time.perf_counter() - began)
                assert db.scalar(text("SELECT count(*) FROM delivery")) == people
            engine.dispose()
    return min(took_s)


@dataclass
class Beside:
    """What others notice while an audience is frozen: waits of a writer, and lateness of the event loop, in ms."""

    waits_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)

    async def write(self, db: Database) -> None:
        """Write a little, again and again."""
        while True:
            began = time.perf_counter()
            await db.write(_touch)
            self.waits_ms.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(0.02)

    async def watch(self) -> None:
        """Note how late the loop wakes us."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            self.late_ms.append((time.perf_counter() - began - 0.005) * 1000)


def _touch(db: Connection) -> None:
    db.execute(contact.update().where(contact.c.id == 1).values(language="vi"))


async def measure_ours(made: Path, people: int) -> float:
    """Return the seconds from a run's start until it may be sent."""
    with fresh(made) as path:
        db = SqliteDatabase(path)
        took_s = await freeze(db, people)
        await db.close()
    return took_s


async def freeze(db: Database, people: int) -> float:
    """Start a run and freeze its audience; return the seconds."""
    run_id = await db.write(begin_run)
    began = time.perf_counter()
    await Broadcasts(db, WORDING, now=lambda: NOW, on_outgoing=lambda: None).tick()
    took_s = time.perf_counter() - began
    frozen = await db.read(broadcasts.get, run_id)
    assert frozen is not None
    assert (frozen.state, frozen.audience) == ("running", people)
    return took_s


async def look_beside(made: Path, people: int) -> tuple[Beside, float]:
    """Freeze a second run of a program that is warm; return what others noticed, and the growth of memory in MiB."""
    beside = Beside()
    with fresh(made) as path:
        db = SqliteDatabase(path)
        await freeze(db, people)
        before_mib = memory_mib()
        others = [asyncio.create_task(work) for work in (beside.write(db), beside.watch())]
        await freeze(db, people)
        growth_mib = memory_mib() - before_mib
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await db.close()
    return beside, growth_mib


def memory_mib() -> float:
    """Return the memory this process holds now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


async def main(people: int) -> None:
    """Run the pairs and print one table, and JSON beside it."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.db"
        make_union(made, people)
        await measure_ours(made, people)  # the first one loads and compiles
        pairs = [(await measure_ours(made, people), measure_bare(made, people)) for _ in range(PAIRS)]
        beside, growth_mib = await look_beside(made, people)
    ratios = sorted(ours / bare for ours, bare in pairs)
    result = {
        "people": people,
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "ours_s": [ours for ours, _ in pairs],
        "bare_s": [bare for _, bare in pairs],
        "wait_p50_ms": statistics.median(beside.waits_ms),
        "wait_most_ms": max(beside.waits_ms),
        "loop_late_most_ms": max(beside.late_ms),
        "memory_growth_mib": growth_mib,
    }
    print(f"audience of {people}, frozen in pages against one bare INSERT … SELECT")
    print(f"{'ours s':>8} {'bare s':>8} {'ratio':>7}")
    for ours, bare in pairs:
        print(f"{ours:>8.2f} {bare:>8.2f} {ours / bare:>7.2f}")
    print(f"ratio: median {result['ratio']:.2f}, from {ratios[0]:.2f} to {ratios[-1]:.2f}")
    print(f"somebody else's write: p50 {result['wait_p50_ms']:.1f} ms, at most {result['wait_most_ms']:.1f} ms")
    print(
        f"event loop late at most {result['loop_late_most_ms']:.1f} ms; memory {result['memory_growth_mib']:+.1f} MiB"
    )
    print(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE))
