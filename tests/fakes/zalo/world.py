"""Everything the fake remembers, in one place: settings, bots, chats, pictures, faults, the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.faults import BREAKS, Faults
from tests.fakes.ledger import Ledger
from tests.fakes.limits import Window
from tests.fakes.zalo.errors import NAMED, ApiError, bad_request, named
from tests.fakes.zalo.ids import number_of
from tests.fakes.zalo.settings import Settings
from tests.fakes.zalo.updates import Queue
from tests.fakes.zalo.webhook import Hook

Params = dict[str, Any]
KINDS = (*BREAKS, *NAMED, "refuse")


@dataclass(slots=True)
class Chat:
    """A private chat or a group. `trouble` is the short name of the refusal every call about it gets."""

    id: str
    number: int
    name: str = ""
    is_group: bool = False
    trouble: str | None = None
    last_message: int = 0


@dataclass(slots=True)
class Bot:
    """One bot. `people` and `counted` are what a free one has caps for."""

    token: str
    id: int
    queue: Queue
    hook: Hook | None = None
    is_revoked: bool = False
    people: set[str] = field(default_factory=set)
    counted: int = 0
    polls: Window | None = None
    sends: Window | None = None

    @property
    def account(self) -> dict[str, Any]:
        """Return what `getMe` says."""
        long_id = f"12003450{self.id}"
        return {"id": long_id, "account_name": f"bot.fake{self.id}", "account_type": "BASIC", "can_join_groups": False}


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
        self.faults = Faults(KINDS)
        self.chats: dict[int, Chat] = {}
        self.pictures: dict[str, bytes] = {}
        self.bots: dict[str, Bot] = {}
        self.url = ""
        for token in settings.tokens:
            self.add_bot(token)

    def add_bot(self, token: str) -> Bot:
        bot = self.bots[token] = Bot(token, int(token.partition(":")[0]), Queue(self.settings, self.ledger))
        self._pace(bot)
        return bot

    def _pace(self, bot: Bot) -> None:
        bot.polls = Window(self.settings.polls) if self.settings.polls else None
        bot.sends = Window(self.settings.whole_bot) if self.settings.whole_bot else None

    def change(self, **values: Any) -> None:
        """Change settings; new limits begin with empty windows."""
        self.settings.change(**values)
        if values.keys() & {"whole_bot", "polls"}:
            for bot in self.bots.values():
                self._pace(bot)

    def bot(self, token: str | None = None) -> Bot:
        """Return the bot of a token, or the first one; `KeyError` where there is none."""
        return self.bots[token] if token else next(iter(self.bots.values()))

    def reset_token(self, old: str, new: str) -> None:
        """Give a bot another token; the old one is nobody's from now on."""
        bot = self.bots.pop(old)
        bot.token = new
        self.bots[new] = bot

    def open(self, external_id: str, **fields: Any) -> Chat:
        """Return a chat, made if there is none; `fields` put what is known of it right."""
        number = number_of(external_id)
        chat = self.chats.get(number)
        if chat is None:
            chat = self.chats[number] = Chat(external_id, number)
        for name, value in fields.items():
            setattr(chat, name, value)
        return chat

    def now_ms(self) -> int:
        return int(self.wall() * 1000)


@dataclass(slots=True)
class Call:
    """One call of a method that is being answered. `is_gone` tells that who called has hung up."""

    world: World
    bot: Bot
    method: str
    params: Params
    number: int
    path: str
    is_gone: Callable[[], bool]

    def chat(self) -> Chat:
        """Return the chat it is about; refuses where there is none or the bot may not act there."""
        said = self.params.get("chat_id")
        if not said or not isinstance(said, str):
            raise bad_request("The chat_id must not be empty")
        if self.world.settings.known_only and number_of(said) not in self.world.chats:
            raise bad_request("chat not found")
        chat = self.world.open(said)
        if chat.trouble is not None:
            raise named(chat.trouble)
        return chat

    def pass_gate(self, chat_id: int) -> None:
        """Refuse the call, with the proxy's page, where the bot is too fast."""
        at = self.world.ledger.arrived[self.number]
        window = self.bot.polls if self.method == "getUpdates" else self.bot.sends if chat_id else None
        if window is None:
            return
        if window.wait_s(at):
            raise named("proxy_429")
        window.count(at)

    def count(self, chat: Chat) -> None:
        """Count a message against the caps of a free bot, or refuse it."""
        limits, bot = self.world.settings, self.bot
        if limits.most_people is not None and chat.id not in bot.people and len(bot.people) >= limits.most_people:
            raise named("quota")
        if limits.month is not None and bot.counted >= limits.month:
            raise named("quota")
        bot.people.add(chat.id)
        bot.counted += 1


__all__ = ["ApiError", "Bot", "Call", "Chat", "Params", "World"]
