"""Take an update in, whichever way it came: read it, commit it, and only then answer whoever waits for that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from bot.channels.ports import Ports
from bot.channels.updates import Handed, NotAnUpdate, Reader, Renamed, Taken, Unreadable
from bot.intake import TextTooLong, TooManyWaiting
from storage.database import NotKept

log = structlog.get_logger()


def _unanswered(_callback_id: str) -> None:
    return None


class Receiving:
    """Commits updates. `on_kept` hears of the button presses that are on the disk."""

    def __init__(self, ports: Ports, reader: Reader, on_kept: Callable[[str], None] = _unanswered) -> None:
        self._ports = ports
        self._reader = reader
        self._on_kept = on_kept

    def read(self, raw: Any) -> Taken:
        """Return what an update holds; `NotAnUpdate` if it is none."""
        return self._reader.read(raw)

    async def take(self, raw: Any, taken: Taken) -> None:
        """Commit what was read in an update; the same again changes nothing.

        Raises `NotKept` or `TooManyWaiting` where nothing is kept.
        """
        try:
            await self._commit(taken.what)
        except (NotKept, TooManyWaiting):
            raise
        except Exception:
            # It must neither be lost nor stand in the way of all that comes after it.
            log.exception("update_not_taken")
            await self._commit(self._reader.unreadable(raw))
        if taken.callback_id is not None:
            self._on_kept(taken.callback_id)

    async def take_or_tell(self, raw: Any, taken: Taken) -> None:
        """Like `take` where the platform cannot be asked to come again with this one: she is asked to.

        Raises `NotKept`.
        """
        try:
            await self.take(raw, taken)
        except TooManyWaiting:
            log.warning("too_many_waiting")
            if isinstance(taken.what, Handed):
                await self._ports.tell(taken.what.external_id, "intake.too_many")

    async def _commit(self, what: Handed | Unreadable | Renamed | None) -> None:
        match what:
            case Handed() as handed:
                await self._accept(handed)
            case Unreadable() as update:
                log.error("update_unreadable", key_of_update=update.key)
                await self._ports.keep_unreadable(update.external_id, update.key, update.raw)
            case Renamed() as moved:
                await self._ports.move(moved.old, moved.new)

    async def _accept(self, handed: Handed) -> None:
        try:
            await self._ports.accept(handed.external_id, handed.key, handed.body, sent_at=handed.sent_at)
        except TextTooLong:
            await self._ports.tell(handed.external_id, "intake.too_long")


async def kept(receiving: Receiving, batch: list[Any]) -> None:
    """Commit a whole batch, chats beside each other and sharing commits; raises (`NotKept`) unless all is on the disk.

    Inside a chat one follows the other, so that a later one is never kept before an earlier one that was not. What is
    not even an update is logged and left out.
    """
    lines: dict[str, list[tuple[Any, Taken]]] = {}
    for raw in batch:
        try:
            taken = receiving.read(raw)
        except NotAnUpdate:
            log.error("not_an_update")
            continue
        lines.setdefault(_line_of(taken), []).append((raw, taken))
    results = await asyncio.gather(*(_in_order(receiving, line) for line in lines.values()), return_exceptions=True)
    for error in results:
        if isinstance(error, BaseException):
            raise error


def _line_of(taken: Taken) -> str:
    return "" if taken.what is None or isinstance(taken.what, Renamed) else taken.what.external_id


async def _in_order(receiving: Receiving, line: list[tuple[Any, Taken]]) -> None:
    for raw, taken in line:
        await receiving.take_or_tell(raw, taken)
