"""The platforms on which the real program is killed: what each test needs to know of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from bot.channels.telegram import settings as telegram_settings
from bot.channels.zalo_bot import settings as zalo_bot_settings
from tests.dialogues.theatre import typed
from tests.fakes.telegram import fake_telegram_program
from tests.fakes.zalo import fake_zalo_program, id_of

ENDLESS = 1_000_000


@dataclass(frozen=True)
class Platform:
    """A platform. `loses` names the ways in by which what is on its way to a process that dies is lost.

    `choose(person, message, label)` answers a message; `is_shown(message, label)` tells whether it can be answered so.
    """

    name: str
    fake: Callable[..., AbstractAsyncContextManager[Any]]
    address: Callable[[int], str]
    chat_of: Callable[[Any], str]
    choose: Callable[[Any, Any, str], Any]
    is_shown: Callable[[Any, str], bool]
    window_at: Callable[[float], int]
    loses: frozenset[str] = frozenset()


TELEGRAM = Platform(
    "telegram",
    fake=lambda rate: fake_telegram_program(whole_bot=(rate, 1.0), time_factor=0.05),
    address=str,
    chat_of=lambda message: str(message.chat_id),
    choose=lambda person, message, label: person.press(message, label),
    is_shown=lambda message, label: label in message.labels,
    window_at=lambda rate: telegram_settings.capabilities_at(rate).window,
)
ZALO_BOT = Platform(
    "zalo_bot",
    fake=lambda rate: fake_zalo_program(
        whole_bot=(rate, 1.0), time_factor=0.05, webhook_tries=ENDLESS, local_webhooks=True
    ),
    address=id_of,
    chat_of=lambda message: message.chat,
    choose=lambda person, message, label: person.send_text(typed(message.text, label)),
    is_shown=lambda message, label: f". {label}" in message.text,
    window_at=lambda rate: zalo_bot_settings.capabilities_at(rate, pictures=False).window,
    loses=frozenset({"polling"}),
)
PLATFORMS = (TELEGRAM, ZALO_BOT)
