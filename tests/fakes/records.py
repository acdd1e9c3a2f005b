"""What a ledger holds, as tests read it. Times are seconds of the fake's monotonic clock."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

Json = dict[str, Any]


class Record:
    """Anything a row of the ledger is read into."""

    @classmethod
    def read(cls, row: Json) -> Self:
        return cls(**row)


@dataclass(frozen=True, slots=True)
class Said(Record):
    """A message of the bot that was accepted, as it stands now. `edits`: text, reply_markup and time of each."""

    bot_id: int
    chat_id: int
    message_id: int
    method: str
    text: str
    content: Json
    reply_markup: Json | None
    album: str | None
    edits: list[Json]
    deleted_at: float | None
    arrived_at: float
    accepted_at: float
    answered_at: float | None


@dataclass(frozen=True, slots=True)
class Update:
    """An update and its way. `confirmed_by`: the way it was taken (`offset`, `webhook` …), or `dropped`."""

    update_id: int
    kind: str
    chat_id: int
    made_at: float
    handed_at: list[float]
    confirmed_at: float | None
    confirmed_by: str | None


@dataclass(frozen=True, slots=True)
class Called:
    """A call. `accepted_at` None: refused, with `refusal`; `answered_at` None: no answer was written."""

    call: int
    method: str
    bot_id: int
    chat_id: int | None
    arrived_at: float
    accepted_at: float | None
    answered_at: float | None
    status: int | None
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Halt:
    """An order to wait, from when it was answered. `ordered`: by a fault, not by a limit."""

    call: int
    bot_id: int
    chat_id: int | None
    retry_after_s: int
    from_at: float
    until: float
    ordered: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """The numbers that tell at a glance what happened."""

    calls: int
    calls_with_chat: int
    messages: int
    refused: int
    statuses: dict[str, int]
    methods: dict[str, int]
    updates: int
    confirmed: int
    halts: int


@dataclass(frozen=True, slots=True)
class Done:
    """What somebody did: the message's id (0: none; a `key` where ids are words) and the update's.

    The update's is None if the bot did not ask for such updates.
    """

    update_id: int | None
    message_id: int = 0
    query_id: str = ""
    key: str = ""

    @classmethod
    def read(cls, row: Json) -> Self:
        names = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in row.items() if name in names})
