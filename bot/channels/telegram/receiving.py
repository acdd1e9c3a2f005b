"""Take an update in, whichever way it came: read it, commit it, and only then answer the button that was pressed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from telegram.error import TelegramError

from bot.channels.telegram.api import Api
from bot.channels.telegram.inbound import Handed, Me, NotAnUpdate, Renamed, Taken, Unreadable, read, unreadable
from bot.channels.telegram.ports import Ports
from bot.channels.telegram.transport import Flood
from bot.intake import TextTooLong, TooManyWaiting
from storage.database import NotKept

WAITING_ANSWERS = 500
ANSWERERS = 4

log = structlog.get_logger()


class Halt:
    """The wait the platform asked for, as the channel itself heard of it; the sender keeps its own in the database."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._until_s = 0.0

    def begin(self, wait_s: float) -> None:
        """Wait `wait_s` from now; a longer wait that runs already stays."""
        self._until_s = max(self._until_s, self._monotonic() + wait_s)

    @property
    def left_s(self) -> float:
        """How long it still lasts; 0 if there is none."""
        return max(0.0, self._until_s - self._monotonic())


class Answers:
    """Ends the waiting sign on pressed buttons, beside everything else; what is late or too much is left out."""

    def __init__(self, api: Api, halt: Halt) -> None:
        self._api = api
        self._halt = halt
        self._waiting: asyncio.Queue[str] = asyncio.Queue(WAITING_ANSWERS)
        self._workers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to answer."""
        self._workers = [asyncio.create_task(self._work()) for _ in range(ANSWERERS)]

    async def stop(self) -> None:
        """Leave the rest unanswered: the sign goes away by itself."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    def put(self, callback_id: str) -> None:
        """Answer a press when there is time."""
        if not self._waiting.full() and not self._halt.left_s:
            self._waiting.put_nowait(callback_id)

    async def _work(self) -> None:
        while True:
            callback_id = await self._waiting.get()
            if self._halt.left_s:
                continue
            try:
                await self._api.call("answerCallbackQuery", callback_query_id=callback_id)
            except Flood as flood:
                self._halt.begin(flood.retry_after_s)
            except TelegramError as error:
                # Most often too old: she pressed while we were away. Nothing depends on it.
                log.debug("press_not_answered", reason=type(error).__name__)


class Receiving:
    """Commits updates. `me` tells who we are now."""

    def __init__(self, ports: Ports, answers: Answers, me: Callable[[], Me]) -> None:
        self._ports = ports
        self._answers = answers
        self._me = me

    def read(self, raw: Any) -> Taken:
        """Return what an update holds; `NotAnUpdate` if it is none."""
        return read(raw, self._me())

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
            await self._commit(unreadable(raw, self._me()))
        if taken.callback_id is not None:
            self._answers.put(taken.callback_id)

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
