"""The database of a simulated run, in memory, and the door each process has to it.

The functions of `storage` run here as they are. What is simulated is the way to them: commits that are
lost, commits whose answer is lost, a database that is away. Triggers keep a journal of every change of
state, which the judges read afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, create_engine, event, insert, text
from sqlalchemy.pool import StaticPool

from bot.firing import firings
from bot.sender import LEASE_CHECK_S, exchange
from storage import attempts, audiences, broadcasts, halts, inbox, schedules
from storage.audiences import Audience
from storage.claims import Round
from storage.database import NotKept
from storage.schema import installation, metadata
from tests.sending import world as small
from tests.simulation.timeline import Loop

START = small.MORNING
"""Where the clocks on the wall stand when a run begins."""

MEMBERS = (2, 3)
"""Members of the small and of the larger chapter; both together are the commune's."""

JOURNAL = """
create table effect (id integer primary key, inbox_id integer, contact_id integer, said text);
create table journal (
    id integer primary key, at real, by text, kind text, row integer,
    was text, now text, reason text, owner text, attempt integer, lease_until text, wall text
);
create trigger journal_delivery after update of state, attempt on delivery
when old.state is not new.state or old.attempt is not new.attempt begin
    insert into journal (at, by, kind, row, was, now, reason, owner, attempt, lease_until, wall)
    values (sim_time(), sim_process(), 'delivery', new.id, old.state, new.state, new.reason, new.owner, new.attempt,
            coalesce(new.lease_until, old.lease_until), sim_wall());
end;
create trigger journal_stopped after update of stopped_at on contact begin
    insert into journal (at, by, kind, row, was, now) values
    (sim_time(), sim_process(), 'stopped', new.id, old.stopped_at, new.stopped_at);
end;
create trigger journal_halt after insert on channel_halt begin
    insert into journal (at, by, kind, row, now) values (sim_time(), sim_process(), 'halt', 0, new.halted_until);
end;
create trigger journal_longer_halt after update on channel_halt begin
    insert into journal (at, by, kind, row, now) values (sim_time(), sim_process(), 'halt', 0, new.halted_until);
end;
create trigger journal_run after insert on broadcast begin
    insert into journal (at, by, kind, row, now) values (sim_time(), sim_process(), 'broadcast', new.id, new.state);
end;
create trigger journal_broadcast after update of state on broadcast when old.state is not new.state begin
    insert into journal (at, by, kind, row, was, now, reason) values
    (sim_time(), sim_process(), 'broadcast', new.id, old.state, new.state, new.reason);
end;
"""

TOUCH = """
create trigger touch_{table}_{event} after {event} on {table} begin select sim_touch('{table}'); end;
"""

LEASES = "union all select min(lease_until) from delivery where state = 'sending' and lease_until >= :now"
NEXT_LEASE = "select min(lease_until) from delivery where state = 'sending' and lease_until >= ?"
LEASE_LOOK = timedelta(seconds=LEASE_CHECK_S + 0.1)
NEXT_INSTANT = f"""
select min(x) from (
    select min(due_at) x from delivery where state = 'ready' and due_at > :now
    {LEASES}
    union all select min(next_due_at) from schedule where state = 'active' and next_due_at > :now
    union all select min(not_before) from inbox where state = 'open' and not_before > :now
    union all select min(halted_until) from channel_halt where halted_until > :now
)
"""


class Store:
    """One database for many runs. `begin` puts it back to where it was, `wall` tells the time on the wall."""

    def __init__(self) -> None:
        engine = create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False, "cached_statements": 1000}
        )
        event.listen(engine, "connect", _autocommit)
        self.connection = engine.connect()
        driver: Any = self.connection.connection.driver_connection
        self.raw = driver
        self.process = ""
        self.time: Callable[[], float] = lambda: 0.0
        self.wall: Callable[[], datetime] = lambda: START
        self.on_touch: Callable[[str], None] = lambda table: None
        self.changes = 0
        self.short_cuts = True
        self._known: dict[Any, _Known] = {}
        self._touched: Counter[str] = Counter()
        metadata.create_all(engine)
        self.officer, self.units, self.members = _people(self.connection)
        _make_temporary_tables(self.connection, self.units[0])
        driver.create_function("sim_time", 0, lambda: self.time())
        driver.create_function("sim_process", 0, lambda: self.process)
        driver.create_function("sim_wall", 0, lambda: stored(self.wall()))
        driver.create_function("sim_touch", 1, self._touch)
        driver.executescript(JOURNAL)
        for table in LOOKED_AT:
            for change in ("insert", "update", "delete"):
                driver.executescript(TOUCH.format(table=table, event=change))
        driver.execute("begin")

    def begin(self) -> None:
        """Undo everything a run did."""
        self.raw.execute("rollback")
        self.raw.execute("begin")
        self._known.clear()

    def next_instant(self) -> datetime | None:
        """Return when the next stored row comes due."""
        return _read(self.raw.execute(NEXT_INSTANT, {"now": stored(self.wall())}).fetchone()[0])

    def next_work(self) -> datetime | None:
        """Return when our processes will find something to do: like `next_instant`, but leases are looked at rarely."""
        since = stored(self.wall() - LEASE_LOOK)
        lease = _read(self.raw.execute(NEXT_LEASE, (since,)).fetchone()[0])
        due = _read(self.raw.execute(NEXT_INSTANT.replace(LEASES, ""), {"now": stored(self.wall())}).fetchone()[0])
        return min((each for each in (due, lease and lease + LEASE_LOOK) if each is not None), default=None)

    def commit(self, process: str, calls: Sequence[Call]) -> list[Any]:
        """Run writes in one transaction, each undone by itself if it fails, like the writer of `storage.database`."""
        self.process = process
        self.raw.execute("savepoint whole")
        answers: list[Any] = []
        for group in _together(calls):
            answers += self._run(group)
        self.raw.execute("release whole")
        return answers

    def _run(self, calls: Sequence[Call]) -> list[Any]:
        self.raw.execute("savepoint part")
        try:
            if not calls[0].each:
                answers = [self.call(calls[0])]
            else:
                answers = list(calls[0].fn(self.connection, [call.args[0] for call in calls]))
        except NotKept:
            raise
        except Exception as error:
            self.raw.execute("rollback to part")
            self.raw.execute("release part")
            return [error] if len(calls) == 1 else [answer for call in calls for answer in self._run([call])]
        self.raw.execute("release part")
        return answers

    def read(self, call: Call) -> Any:
        """Run a read; one that writes is a mistake of ours."""
        before = self.raw.total_changes
        answer = self.call(call)
        if self.raw.total_changes != before:
            raise AssertionError(f"{call.fn.__name__} writes")
        return answer

    def call(self, call: Call) -> Any:
        """Run a function, unless it is a look that cannot find anything new."""
        look = _LOOKS.get(call.fn) if self.short_cuts else None
        shape = look.shape(*call.args, **call.kwargs) if look is not None else None
        if look is None or shape is None:
            return call.fn(self.connection, *call.args, **call.kwargs)
        key = (call.fn, shape)
        wall, version = self.wall(), [self._touched[table] for table in look.tables]
        known = self._known.get(key)
        if known is not None and known.version == version and known.since <= wall < known.until:
            return known.answer
        before = self.raw.total_changes
        answer = call.fn(self.connection, *call.args, **call.kwargs)
        if before == self.raw.total_changes:
            self._known[key] = _Known(answer, version, wall, self.next_instant() or _NEVER)
        return answer

    def _touch(self, table: str) -> None:
        self._touched[table] += 1
        self.changes += 1
        self.on_touch(table)


def _read(instant: str | None) -> datetime | None:
    return datetime.fromisoformat(instant).replace(tzinfo=UTC) if instant else None


_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class _Known:
    """What a look found, and from when to when it will find the same while nothing changes."""

    __slots__ = ("answer", "since", "until", "version")

    def __init__(self, answer: Any, version: list[int], since: datetime, until: datetime) -> None:
        self.answer = answer
        self.version = version
        self.since = since
        self.until = until


class Call:
    """One call of a storage function; `each` calls that wait together are one call with many items."""

    __slots__ = ("args", "each", "fn", "kwargs")

    def __init__(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], each: bool) -> None:
        self.fn = fn
        self.args = args
        self.kwargs = kwargs
        self.each = each


def _together(calls: Sequence[Call]) -> list[list[Call]]:
    groups: list[list[Call]] = []
    for call in calls:
        if groups and call.each and groups[-1][0].each and groups[-1][0].fn is call.fn:
            groups[-1].append(call)
        else:
            groups.append([call])
    return groups


def _round(results: Sequence[Any], wanted: Round | None) -> Any:
    if results or wanted is None:
        return None
    return tuple(wanted.replies.items()), tuple(wanted.broadcasts.items()), wanted.resting


def _no_time(*args: Any, **kwargs: Any) -> Any:
    values = [each for each in (*args, *kwargs.values()) if not isinstance(each, datetime)]
    return tuple(values)


@dataclass(frozen=True, slots=True)
class _Look:
    """A look for work: what of its arguments matters besides the time, and the tables it reads."""

    shape: Callable[..., Any]
    tables: tuple[str, ...]


_LOOKS: dict[Any, _Look] = {
    exchange: _Look(_round, ("delivery", "broadcast", "campaign", "contact", "address", "installation")),
    attempts.expire_leases: _Look(_no_time, ("delivery",)),
    broadcasts.todo: _Look(_no_time, ("broadcast", "delivery", "campaign")),
    halts.load: _Look(_no_time, ("channel_halt",)),
    inbox.next_rows: _Look(_no_time, ("inbox", "address")),
    firings: _Look(_no_time, ("schedule", "campaign")),
    schedules.unplanned: _Look(_no_time, ("schedule",)),
}
"""What is asked again and again: a look that changed nothing finds the same until one of its tables changes or an
instant stored in a row comes. `tests/simulation/test_runs.py` compares whole runs with and without this."""

LOOKED_AT = sorted({table for look in _LOOKS.values() for table in look.tables})


def stored(at: datetime) -> str:
    """Return an instant as rows keep it."""
    return at.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def _autocommit(connection: Any, _record: object) -> None:
    connection.isolation_level = None


def _make_temporary_tables(db: Connection, unit_id: int) -> None:
    """Make now what a connection makes when it first needs it: a change of the schema costs every statement."""
    audiences.know_scope(db, 0, Audience(unit_id, None, START.date()))
    audiences.forget_scope(db, 0)


def _people(db: Connection) -> tuple[int, tuple[int, int, int], dict[int, tuple[int, ...]]]:
    """Add the officer, the chapters and their members; return her id, the units, and who belongs to each unit."""
    values = {"id": 1, "kind": "real", "controller": "Hội", "hold": False, "created_at": START}
    db.execute(insert(installation).values(**values))
    union = small.found_union(db)
    groups: list[tuple[int, ...]] = []
    for unit_id, count in zip((union.chapter, union.other_chapter), MEMBERS, strict=True):
        groups.append(tuple(small.person(db) for _ in range(count)))
        for contact_id in groups[-1]:
            small.join(db, contact_id, unit_id)
    db.execute(text("update address set external_id = contact_id"))
    everybody = (union.officer, *groups[0], *groups[1])
    members = {union.chapter: groups[0], union.other_chapter: groups[1], union.commune: everybody}
    return union.officer, (union.chapter, union.other_chapter, union.commune), members


class Link:
    """The door of one process, with the surface of `storage.database.Database`.

    `fate` says what befalls each commit: "" nothing, else "lost" (nothing of it is there), "unknown" (it is
    there, and the answer says otherwise), "dies before" or "dies after" it.
    """

    def __init__(self, store: Store, loop: Loop, process: str, fate: Callable[[Sequence[Call]], str]) -> None:
        self._store = store
        self._loop = loop
        self._process = process
        self._fate = fate
        self._waiting: list[tuple[Call, Any]] = []
        self.on_changed: Callable[[Sequence[Call]], None] = lambda calls: None
        self.on_death: Callable[[], None] = lambda: None

    async def write(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run `fn(db, …)` in a transaction and return its result after the commit."""
        return await self._submit(Call(fn, args, kwargs, each=False))

    async def write_each(self, fn: Callable[..., Any], item: Any) -> Any:
        """Like `write` for one item of many."""
        return await self._submit(Call(fn, (item,), {}, each=True))

    async def read(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run `fn(db, …)` without writing."""
        future = self._loop.create_future()
        self._loop.call_soon(self._read, Call(fn, args, kwargs, each=False), future)
        return await future

    def _submit(self, call: Call) -> Any:
        future = self._loop.create_future()
        if not self._waiting:
            self._loop.call_soon(self._commit)
        self._waiting.append((call, future))
        return future

    def _read(self, call: Call, future: Any) -> None:
        if self._fate(()) == "lost":
            self._loop.settle(future, NotKept("away"))
            return
        try:
            answer = self._store.read(call)
        except Exception as error:
            answer = error
        self._loop.settle(future, answer)

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        calls = [call for call, _ in waiting]
        fate = self._fate(calls)
        if fate == "dies before":
            self.on_death()
            return
        if fate == "lost":
            answers: list[Any] = [NotKept("lost") for _ in calls]
        else:
            before = self._store.raw.total_changes
            answers = self._store.commit(self._process, calls)
            if self._store.raw.total_changes != before:
                self.on_changed(calls)
        if fate == "dies after":
            self.on_death()
            return
        if fate == "unknown":
            answers = [NotKept("unknown") for _ in calls]
        for (_, future), answer in zip(waiting, answers, strict=True):
            self._loop.settle(future, answer)
