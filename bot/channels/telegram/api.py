"""One bot's line to the platform: the library's `Bot` for what is rare, prepared JSON for what is many."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any
from urllib.parse import quote

from telegram import Bot

from bot.channels.telegram.transport import Transport

READ_S = 20.0
POLL_S = 50
"""The longest poll there is; the server shortens anything above."""

SPARE_CONNECTIONS = 16
MOST_UPDATES = 100
LISTENS_TO = ("message", "edited_message", "callback_query", "my_chat_member")

_FILE_PATH = re.compile(r"[\w-]+(?:[./][\w-]+)*", re.ASCII)


class BadFilePath(ValueError):
    """The platform named a file by something that is no path below the bot's own address."""


class Api:
    """Calls of one bot. `connections` is how many sends may be under way; `poll_s` how long an empty poll waits."""

    def __init__(self, token: str, api_url: str, *, connections: int, poll_s: int = POLL_S) -> None:
        self.bot_id = token.partition(":")[0]
        self._poll_s = poll_s
        self._calls = Transport(connections=connections + SPARE_CONNECTIONS, read_timeout_s=READ_S)
        self._polls = Transport(connections=1, read_timeout_s=poll_s + READ_S)
        base = api_url.rstrip("/")
        self.bot = Bot(
            token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=self._calls,
            get_updates_request=self._polls,
        )

    async def open(self) -> None:
        """Open both pools of connections."""
        await asyncio.gather(self._calls.initialize(), self._polls.initialize())

    async def close(self) -> None:
        """Close both."""
        await asyncio.gather(self._calls.shutdown(), self._polls.shutdown())

    async def post(self, method: str, body: bytes) -> Any:
        """Call `method` with JSON already written and return its result. The way of everything that is sent in number.

        The sender limits how long a message may take. Raises `telegram.error.TelegramError`: the library's own, or
        those of `transport`.
        """
        return await self._calls.post_prepared(f"{self.bot.base_url}/{method}", body)

    async def call(self, method: str, **parameters: Any) -> Any:
        """Call `method` and return its result, raw."""
        return await self._calls.post_prepared(f"{self.bot.base_url}/{method}", written(parameters))

    async def updates(self, offset: int | None) -> list[Any]:
        """Wait for updates and return them raw, oldest first; with `offset` those below it are confirmed.

        Raw, and not through the library's method: one update it cannot read must not take the others along.
        """
        wanted = {"offset": offset, "timeout": self._poll_s, "limit": MOST_UPDATES, "allowed_updates": LISTENS_TO}
        found = await self._polls.poll(f"{self.bot.base_url}/getUpdates", written(wanted))
        return found if isinstance(found, list) else []

    async def file(self, reference: str, *, most: int) -> bytes:
        """Return the bytes of a file by its id: from the bot's own address only, `most` bytes at most.

        Raises `TelegramError` and `BadFilePath`.
        """
        found = await self.call("getFile", file_id=reference)
        path = found.get("file_path") if isinstance(found, dict) else None
        if not isinstance(path, str) or not _FILE_PATH.fullmatch(path):
            raise BadFilePath("not a path below the bot's address")
        return await self._calls.download(f"{self.bot.base_file_url}/{quote(path)}", most=most)


as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def written(parameters: dict[str, Any]) -> bytes:
    """Return parameters as JSON; those that are None are left out."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return as_json(given).encode("utf-8", "replace")
