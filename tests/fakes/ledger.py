"""Write down what happened, by the fake's own clock: every call, every message, every update. Nothing is ever dropped.

A call costs a few appends to columns; pages and counts are made when somebody asks.
"""

from __future__ import annotations

import asyncio
import dataclasses
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.limits import Halt

Row = dict[str, Any]


@dataclass(slots=True)
class Entry:
    """A message that was accepted. `content` holds what it says as the platform's message object has it."""

    call: int
    bot_id: int
    chat_id: int
    message_id: int
    method: str
    date: int
    content: Row
    markup: Row | None = None
    album: str | None = None
    edits: list[Row] = field(default_factory=list)
    deleted_at: float | None = None

    @property
    def text(self) -> str:
        """The text or the caption as it stands now."""
        return str(self.content.get("text", self.content.get("caption", "")))


@dataclass(slots=True)
class Arrival:
    """An update and its way to the bot."""

    update_id: int
    kind: str
    chat_id: int
    made_at: float
    handed_at: list[float] = field(default_factory=list)
    confirmed_at: float | None = None
    confirmed_by: str | None = None

    def as_row(self) -> Row:
        return dataclasses.asdict(self)


class Ledger:
    """Columns of calls, and the messages and updates they were about."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.methods: list[str] = []
        self.bots = array("q")
        self.chats = array("q")  # 0: the call carried none
        self.arrived = array("d")
        self.accepted = array("d")  # 0: refused
        self.answered = array("d")  # 0: never
        self.statuses = array("H")  # 0: no answer
        self.refusals: dict[int, str] = {}
        self.halts: list[Halt] = []
        self.entries: list[Entry] = []
        self.by_chat: dict[int, list[Entry]] = {}
        self.arrivals: list[Arrival] = []
        self.confirmed = 0
        self.messages = 0
        self.counted: Counter[int] = Counter()  # chat → messages that were only counted
        self._watchers: dict[int | None, set[asyncio.Event]] = {}

    def arrive(self, method: str, bot_id: int, chat_id: int) -> int:
        """Open the record of a call that has been read, and return its number; times of arrival rise."""
        self.methods.append(method)
        self.bots.append(bot_id)
        self.chats.append(chat_id)
        self.arrived.append(self.clock())
        self.accepted.append(0.0)
        self.answered.append(0.0)
        self.statuses.append(0)
        return len(self.methods) - 1

    def accept(self, call: int) -> None:
        self.accepted[call] = self.clock()

    def answer(self, call: int, status: int) -> None:
        self.answered[call] = self.clock()
        self.statuses[call] = status

    def keep(self, entry: Entry) -> None:
        """Keep an accepted message. Ids rise in a chat."""
        self.messages += 1
        self.entries.append(entry)
        self.by_chat.setdefault(entry.chat_id, []).append(entry)
        self.changed(entry.chat_id)

    def count(self, chat_id: int) -> int:
        """Count a message and keep nothing else of it; return how many there are in the chat."""
        self.messages += 1
        self.counted[chat_id] += 1
        self.changed(chat_id)
        return self.counted[chat_id]

    def find(self, chat_id: int, message_id: int) -> Entry | None:
        """Return a message that is still there."""
        entries = self.by_chat.get(chat_id, [])
        place = bisect_left(entries, message_id, key=lambda entry: entry.message_id)
        if place == len(entries) or entries[place].message_id != message_id:
            return None
        return entries[place] if entries[place].deleted_at is None else None

    # --- Waiting ---

    def changed(self, chat_id: int | None = None) -> None:
        """Wake whoever waits for something in this chat, or anywhere."""
        if self._watchers:
            for key in {chat_id, None}:
                for event in self._watchers.get(key, ()):
                    event.set()

    async def until(self, is_so: Callable[[], bool], wait_s: float, chat_id: int | None = None) -> bool:
        """Wait until something is so, at most `wait_s`; return whether it is."""
        event = asyncio.Event()
        watchers = self._watchers.setdefault(chat_id, set())
        watchers.add(event)
        try:
            async with asyncio.timeout(wait_s):
                while not is_so():
                    event.clear()
                    await event.wait()
        except TimeoutError:
            return is_so()
        finally:
            watchers.discard(event)
            if not watchers:
                self._watchers.pop(chat_id, None)
        return True

    # --- Pages and counts ---

    def entry_row(self, entry: Entry) -> Row:
        call = entry.call
        return {
            "bot_id": entry.bot_id,
            "chat_id": entry.chat_id,
            "message_id": entry.message_id,
            "method": entry.method,
            "text": entry.text,
            "content": entry.content,
            "reply_markup": entry.markup,
            "album": entry.album,
            "edits": entry.edits,
            "deleted_at": entry.deleted_at,
            "arrived_at": self.arrived[call],
            "accepted_at": self.accepted[call],
            "answered_at": self.answered[call] or None,
        }

    def call_row(self, call: int) -> Row:
        return {
            "call": call,
            "method": self.methods[call],
            "bot_id": self.bots[call],
            "chat_id": self.chats[call] or None,
            "arrived_at": self.arrived[call],
            "accepted_at": self.accepted[call] or None,
            "answered_at": self.answered[call] or None,
            "status": self.statuses[call] or None,
            "refusal": self.refusals.get(call),
        }

    def copies(self, least: int) -> list[Row]:
        """Return chat, text and count of every text that stands at least so often in one chat."""
        counted = Counter((entry.chat_id, entry.text) for entry in self.entries)
        return [{"chat_id": chat, "text": text, "copies": n} for (chat, text), n in counted.items() if n >= least]

    def per_chat(self) -> dict[int, int]:
        """Return chat → number of accepted messages."""
        counted = Counter({chat: len(entries) for chat, entries in self.by_chat.items()})
        return dict(counted + self.counted)

    def peak(self, span_s: float, chat_id: int | None = None) -> int:
        """Return the most accepted calls with a chat that arrived within any half-open window of `span_s`."""
        return most_within((at for at, chat in self._accepted() if chat_id in (None, chat)), span_s)

    def peak_of_one_chat(self, span_s: float, *, groups: bool) -> int:
        """Return the same for the chat where it is highest, among groups or among persons."""
        per_chat: dict[int, list[float]] = {}
        for at, chat in self._accepted():
            if (chat < 0) is groups:
                per_chat.setdefault(chat, []).append(at)
        return max((most_within(times, span_s) for times in per_chat.values()), default=0)

    def _accepted(self) -> Iterator[tuple[float, int]]:
        """Yield arrival and chat of every accepted call that carries one."""
        for at, accepted_at, chat in zip(self.arrived, self.accepted, self.chats, strict=True):
            if accepted_at and chat:
                yield at, chat

    def in_halts(self, grace_s: float) -> list[int]:
        """Return the calls with a chat that came while the bot or the chat had been told to wait.

        What arrived within `grace_s` of the order may have been on its way already.
        """
        found: set[int] = set()
        for halt in self.halts:
            first, end = (bisect_left(self.arrived, at) for at in (halt.from_at, halt.until))
            for call in range(first, end):
                if self.chats[call] and halt.holds(self.bots[call], self.chats[call], self.arrived[call], grace_s):
                    found.add(call)
        return sorted(found)

    def totals(self) -> Row:
        """Return the numbers that tell at a glance what happened."""
        with_chat = sum(1 for chat in self.chats if chat)
        return {
            "calls": len(self.methods),
            "calls_with_chat": with_chat,
            "messages": self.messages,
            "refused": len(self.refusals),
            "statuses": {str(status): n for status, n in Counter(self.statuses).items()},
            "methods": dict(Counter(self.methods)),
            "updates": len(self.arrivals),
            "confirmed": self.confirmed,
            "halts": len(self.halts),
        }


def most_within(times: Iterable[float], span_s: float) -> int:
    """Return the most of the sorted `times` that lie in [t, t + span_s) for any t."""
    window: list[float] = []
    first = most = 0
    for at in times:
        window.append(at)
        while at - window[first] >= span_s:
            first += 1
        most = max(most, len(window) - first)
    return most
