"""Everything the fake remembers, in one place: settings, bots, chats, files, faults, the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.faults import Faults
from tests.fakes.ledger import Ledger
from tests.fakes.limits import Gate, Halt
from tests.fakes.telegram.chats import Chat, Chats
from tests.fakes.telegram.errors import ApiError, too_many_requests
from tests.fakes.telegram.faults import KINDS
from tests.fakes.telegram.files import Files
from tests.fakes.telegram.settings import Settings
from tests.fakes.telegram.updates import Queue
from tests.fakes.telegram.webhook import Hook
from tests.fakes.telegram.wire import Params


@dataclass(slots=True)
class Bot:
    """One bot. `callbacks`: button presses that can still be answered, with their deadline and the call that did."""

    token: str
    id: int
    queue: Queue
    gate: Gate
    hook: Hook | None = None
    hook_set_at: float = 0.0
    is_revoked: bool = False
    callbacks: dict[str, float] = field(default_factory=dict)
    answered: dict[str, Params] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    last_album: int = 13_000_000_000_000

    def as_user(self) -> dict[str, Any]:
        name = self.kept.get("name", "Trợ lý Hội")
        return {"id": self.id, "is_bot": True, "first_name": name, "username": f"fake_{self.id}_bot"}

    def next_album(self) -> str:
        self.last_album += 1
        return str(self.last_album)


class World:
    """The fake's memory. `clock` is monotonic, in seconds; on one machine it is the tests' `time.monotonic` too.

    `wall` is the time of day that stands in messages, in seconds since 1970.
    """

    def __init__(
        self, settings: Settings, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.wall = wall
        self.ledger = Ledger(clock)
        self.chats = Chats()
        self.files = Files()
        self.faults = Faults(KINDS)
        self.bots: dict[str, Bot] = {}
        self.on_reply: Callable[[Bot, Params], None] = ignore
        for token in settings.tokens:
            self.add_bot(token)

    def add_bot(self, token: str) -> Bot:
        number = int(token.partition(":")[0])
        bot = self.bots[token] = Bot(token, number, Queue(self.settings, self.ledger), self._gate())
        return bot

    def _gate(self) -> Gate:
        return Gate(self.settings.whole_bot, self.settings.per_private, self.settings.per_group)

    def change(self, **values: Any) -> None:
        """Change settings; new limits begin with empty windows and end all halts."""
        self.settings.change(**values)
        if values.keys() & {"whole_bot", "per_private", "per_group"}:
            for bot in self.bots.values():
                bot.gate = self._gate()

    def bot(self, token: str | None = None) -> Bot:
        """Return the bot of a token, or the first one; `KeyError` where there is none."""
        return self.bots[token] if token else next(iter(self.bots.values()))


def ignore(bot: Bot, reply: Params) -> None:
    """Do nothing with the call a webhook's answer holds."""


@dataclass(slots=True)
class Call:
    """One call of a method that is being answered. `breaks_after`: so many items of an album go out, no more."""

    world: World
    bot: Bot
    method: str
    params: Params
    chat_id: int | None
    number: int
    breaks_after: int | None = None

    def chat(self) -> Chat:
        """Return the chat it is about; refuses where there is none or the bot may not act there."""
        chat = self.world.chats.find(self.params.get("chat_id"), known_only=self.world.settings.known_only)
        if (refusal := chat.refusal()) is not None:
            raise refusal
        return chat

    def pass_gate(self, chat_id: int, weight: int) -> None:
        """Refuse the call where the bot is too fast or was told to wait."""
        world = self.world
        refusal = self.bot.gate.admit(chat_id, world.ledger.arrived[self.number], weight)
        if refusal is not None:
            raise TooFast(refusal.retry_after_s, refusal.chat_id)

    def told_to_wait(self, error: ApiError, chat_id: int | None, *, ordered: bool) -> None:
        """Write down from when to when the bot (or one chat) has to be silent; called when the answer is written."""
        ledger, retry_after_s = self.world.ledger, int(error.parameters["retry_after"])
        now = ledger.clock()
        halt = Halt(self.number, self.bot.id, chat_id, retry_after_s, now, now + retry_after_s, ordered)
        ledger.halts.append(halt)
        if self.world.settings.refuse_in_halt and ordered:
            self.bot.gate.halt(halt)


class TooFast(ApiError):
    """The limits were passed. `chat_id` None: those of the whole bot."""

    def __init__(self, retry_after_s: int, chat_id: int | None) -> None:
        error = too_many_requests(retry_after_s)
        super().__init__(error.code, error.description, **error.parameters)
        self.chat_id = chat_id
