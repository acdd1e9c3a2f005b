"""While a large run sends, its officer watches one message that is edited every few seconds. Pure comfort: it never
holds anything up, and what fails of it is tried again later or not at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot import telling
from dialogue.messages import Choice, Lines, Phrase, Reply, Say, opening
from dialogue.text import Wording
from storage import contacts, deliveries, progress
from storage.database import Connection, Database
from storage.progress import SORT, Watched, Watching

LEAST_PEOPLE = 100
FIRST_AFTER = timedelta(seconds=3)
"""What is over in a moment needs no watching."""

SHORTEST, LONGEST = timedelta(seconds=5), timedelta(seconds=60)
SLOWER = 20
"""The pause between two edits grows with the run: a twentieth of the time it has taken."""


class Progress:
    """Keeps the messages true; `channels` are those whose messages can be edited.

    What was settled at the last edit is remembered to tell how fast it goes; after a restart the average serves.
    """

    def __init__(
        self, db: Database, wording: Wording, *, now: Callable[[], datetime], channels: Collection[str]
    ) -> None:
        self._db = db
        self._wording = wording
        self._now = now
        self._channels = frozenset(channels)
        self._before: dict[int, tuple[datetime, int]] = {}

    async def step(self) -> bool:
        """Begin, edit and end messages where it is time to; tell whether anything is to be sent."""
        if not self._channels:
            return False
        sent = False
        since = self._now() - FIRST_AFTER
        for run in await self._db.read(progress.unwatched, running_since=since, least=LEAST_PEOPLE):
            sent |= await self._db.write(self._begin, run)
        for message in await self._db.read(progress.watching):
            sent |= await self._keep(message)
        return sent

    def _begin(self, db: Connection, run: Watched) -> bool:
        address_id = progress.whereabouts(db, run.owner_id, self._channels)
        if address_id is None:
            return False
        counts = deliveries.counts(db, run.broadcast_id)
        said = self._said(run, counts)
        if _open(counts) < LEAST_PEOPLE or not telling.is_wanted(db, run.owner_id, said):
            return False
        message = telling.answer(run.owner_id, address_id, self._rendered(db, run, said), at=self._now())
        return progress.begin(db, run, message, at=self._now())

    async def _keep(self, message: Watching) -> bool:
        run, now = message.run, self._now()
        is_over = run.state in ("done", "cancelled")
        pause = min(LONGEST, max(SHORTEST, (now - run.running_since) / SLOWER))
        if not is_over and now - message.shown_at < pause:
            return False
        may = await self._db.read(progress.may_edit, message)
        if may is False or (may is None and not is_over):
            return False
        counts = await self._db.read(deliveries.counts, run.broadcast_id)
        edited = await self._db.write(self._edit, message, counts, is_over)
        if edited:
            self._before[run.broadcast_id] = (now, _settled(counts))
        if is_over:
            self._before.pop(run.broadcast_id, None)
        return edited

    def _edit(self, db: Connection, message: Watching, counts: Mapping[str, int], is_over: bool) -> bool:
        rendered = self._rendered(db, message.run, self._said(message.run, counts))
        body = telling.answer(message.run.owner_id, None, rendered, at=self._now()).body
        return progress.edit(db, message, dict(body), at=self._now(), is_last=is_over)

    def _rendered(self, db: Connection, run: Watched, said: Reply) -> Any:
        reader = contacts.get_many(db, [run.owner_id])[run.owner_id]
        return self._wording.render(said, reader.language)

    def _said(self, run: Watched, counts: Mapping[str, int]) -> Reply:
        total = sum(counts.values())
        states = tuple(Say(f"broadcast.state.{state}", {"count": count}) for state, count in counts.items() if count)
        values: dict[str, Phrase] = {"code": run.code, "done": _settled(counts), "total": total}
        head = Say(f"progress.{run.state}", values)
        pace = self._pace(run, counts) if run.state == "running" else ()
        return Reply((head, Lines((*states, *pace))), _buttons(run), sort=SORT)

    def _pace(self, run: Watched, counts: Mapping[str, int]) -> tuple[Say, ...]:
        """How many a second, and how long it will take; nothing while that cannot be told."""
        at, settled = self._before.get(run.broadcast_id, (run.running_since, 0))
        passed_s = (self._now() - at).total_seconds()
        if passed_s <= 0 or _settled(counts) <= settled:
            return ()
        rate = (_settled(counts) - settled) / passed_s
        left_s = _open(counts) / rate
        return (Say("progress.pace", {"rate": round(rate) or 1}), _left(left_s))


def _open(counts: Mapping[str, int]) -> int:
    return sum(counts[state] for state in deliveries.OPEN)


def _settled(counts: Mapping[str, int]) -> int:
    return sum(counts.values()) - _open(counts)


def _left(seconds: float) -> Say:
    if seconds < 60:
        return Say("progress.left.moment")
    if seconds < 90 * 60:
        return Say("progress.left.minutes", {"count": round(seconds / 60)})
    return Say("progress.left.hours", {"count": round(seconds / 3600)})


def _buttons(run: Watched) -> tuple[Choice, ...]:
    acts = {"running": ("pause", "cancel_run"), "paused": ("resume", "cancel_run")}.get(run.state, ())
    return tuple(opening("broadcasts", Say(f"broadcasts.{act}"), campaign=run.campaign_id, act=act) for act in acts)
