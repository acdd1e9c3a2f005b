"""Obey the tests: `POST /control/<order>` with a JSON object, answered by a JSON object.

Orders and their fields are the methods of `Control`; `client.FakeTelegram` speaks them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.fakes.telegram.errors import ApiError
from tests.fakes.telegram.people import People
from tests.fakes.telegram.updates import Update
from tests.fakes.telegram.wire import encode, parse_object
from tests.fakes.telegram.world import World

Json = dict[str, Any]
PAGE = 5000


class Control:
    """Everything a test can order or ask."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._people = People(world)

    async def obey(self, request: web.BaseRequest, order: str) -> web.Response:
        """Carry out one order; 400 with the reason where it cannot be."""
        try:
            body = parse_object(await request.read())
            act = getattr(self, f"do_{order}", None)
            if act is None:
                raise LookupError(f"no such order: {order}")
            found = await act(**body) if order.startswith("wait") else act(**body)
        except (LookupError, ValueError, TypeError, AttributeError, ApiError) as error:
            text = encode({"error": f"{type(error).__name__}: {error}"})
            return web.Response(status=400, text=text, content_type="application/json")
        return web.Response(body=encode(found or {}).encode(), content_type="application/json")

    # --- Settings and faults ---

    def do_set(self, **values: Any) -> None:
        self._world.change(**values)

    def do_fault(self, **fields: Any) -> Json:
        return {"id": self._world.faults.order(self._world.clock(), **fields).id}

    def do_faults(self) -> Json:
        return {str(fault.id): fault.done for fault in self._world.faults.in_force()}

    def do_clear_faults(self, ids: list[int] | None = None) -> None:
        self._world.faults.clear(ids)

    def do_trouble(self, chat_id: int, name: str | None) -> None:
        self._world.chats.trouble(chat_id, name)

    def do_add_bot(self, token: str) -> None:
        self._world.add_bot(token)

    def do_revoke(self, token: str | None = None, revoked: bool = True) -> None:
        self._world.bot(token).is_revoked = revoked

    def do_forget_files(self) -> None:
        self._world.files.forget()

    def do_restart_ids(self, to: int | None = None, token: str | None = None) -> Json:
        return {"next": self._world.bot(token).queue.restart_ids(to)}

    def do_expire_presses(self, token: str | None = None) -> None:
        callbacks = self._world.bot(token).callbacks
        callbacks.update(dict.fromkeys(callbacks, 0.0))

    # --- People ---

    def do_open_chat(self, chat_id: int, **fields: Any) -> None:
        self._world.chats.open(chat_id, **fields)

    def do_open_people(self, first: int, count: int) -> None:
        for chat_id in range(first, first + count):
            self._world.chats.open(chat_id)

    def do_message(self, chat_id: int, user: Json, content: Json, token: str | None = None, **more: Any) -> Json:
        message_id, update = self._people.message(self._world.bot(token), chat_id, user, content, **more)
        return {"message_id": message_id, **told(update)}

    def do_messages_many(self, messages: list[Json], token: str | None = None) -> Json:
        """Take many messages in one order."""
        return {"told": [self.do_message(**message, token=token) for message in messages]}

    def do_edit(self, chat_id: int, message_id: int, content: Json, token: str | None = None) -> Json:
        return told(self._people.edit(self._world.bot(token), chat_id, message_id, content))

    def do_press(self, chat_id: int, user: Json, message_id: int, press: Json, token: str | None = None) -> Json:
        query_id, update = self._people.press(self._world.bot(token), chat_id, user, message_id, press)
        return {"query_id": query_id, **told(update)}

    def do_status(self, chat_id: int, user: Json, status: str, token: str | None = None) -> Json:
        return told(self._people.change_status(self._world.bot(token), chat_id, user, status))

    def do_move_group(self, chat_id: int, user: Json, to: int, token: str | None = None) -> None:
        self._people.move_group(self._world.bot(token), chat_id, user, to)

    def do_tell(self, kind: str, update: Json, chat_id: int, line: str = "", token: str | None = None) -> Json:
        return told(self._people.tell(self._world.bot(token), kind, update, chat_id, line))

    def do_repeat(self, update_id: int, token: str | None = None) -> None:
        self._world.bot(token).queue.repeat(update_id)

    def do_album_id(self, token: str | None = None) -> Json:
        return {"album": self._world.bot(token).next_album()}

    # --- The ledger ---

    def do_messages(self, after: int = 0, limit: int = PAGE, chat_id: int | None = None) -> Json:
        ledger = self._world.ledger
        entries = ledger.entries if chat_id is None else ledger.by_chat.get(chat_id, [])
        page = entries[after : after + limit]
        return {"rows": [ledger.entry_row(entry) for entry in page], "after": after + len(page)}

    def do_calls(self, after: int = 0, limit: int = PAGE) -> Json:
        ledger = self._world.ledger
        numbers = range(after, min(after + limit, len(ledger.methods)))
        return {"rows": [ledger.call_row(number) for number in numbers], "after": after + len(numbers)}

    def do_updates(self, after: int = 0, limit: int = PAGE) -> Json:
        page = self._world.ledger.arrivals[after : after + limit]
        return {"rows": [arrival.as_row() for arrival in page], "after": after + len(page)}

    def do_totals(self) -> Json:
        return self._world.ledger.totals()

    def do_per_chat(self) -> Json:
        return {str(chat): count for chat, count in self._world.ledger.per_chat().items()}

    def do_copies(self, least: int = 2) -> Json:
        return {"rows": self._world.ledger.copies(least)}

    def do_peak(self, span_s: float, chat_id: int | None = None) -> Json:
        return {"peak": self._world.ledger.peak(span_s, chat_id)}

    def do_peak_of_one_chat(self, span_s: float, groups: bool = False) -> Json:
        return {"peak": self._world.ledger.peak_of_one_chat(span_s, groups=groups)}

    def do_halts(self) -> Json:
        return {"rows": [halt.as_row() for halt in self._world.ledger.halts]}

    def do_in_halts(self, grace_s: float = 0.0) -> Json:
        ledger = self._world.ledger
        return {"rows": [ledger.call_row(call) for call in ledger.in_halts(grace_s)]}

    def do_bot(self, token: str | None = None) -> Json:
        bot = self._world.bot(token)
        pending = list(bot.queue.pending)
        return {"kept": bot.kept, "answered": bot.answered, "pending": pending, "allowed": sorted(bot.queue.allowed)}

    # --- Waiting: answered when it is so, or after `wait_s` ---

    async def do_wait_message(self, chat_id: int, after: int, wait_s: float) -> Json:
        """Return the messages of a chat that come after so many others, once there is one."""
        by_chat = self._world.ledger.by_chat
        await self._until(lambda: len(by_chat.get(chat_id, ())) > after, wait_s, chat_id)
        return self.do_messages(after, PAGE, chat_id)

    async def do_wait_edit(self, chat_id: int, message_id: int, after: int, wait_s: float) -> Json:
        """Return a message once it has been edited more than `after` times, or deleted."""
        ledger = self._world.ledger
        place = [entry.message_id for entry in ledger.by_chat.get(chat_id, ())].index(message_id)
        entry = ledger.by_chat[chat_id][place]
        await self._until(lambda: len(entry.edits) > after or entry.deleted_at is not None, wait_s, chat_id)
        return ledger.entry_row(entry)

    async def do_wait_messages(self, count: int, wait_s: float) -> Json:
        """Wait until so many messages were accepted in all."""
        ledger = self._world.ledger
        return {"is_so": await self._until(lambda: ledger.messages >= count, wait_s)}

    async def do_wait_confirmed(self, wait_s: float, count: int | None = None) -> Json:
        """Wait until so many updates are confirmed; all there are now where no number is given."""
        ledger = self._world.ledger
        wanted = len(ledger.arrivals) if count is None else count
        return {"is_so": await self._until(lambda: ledger.confirmed >= wanted, wait_s)}

    async def do_wait_answered(self, query_id: str, wait_s: float, token: str | None = None) -> Json:
        """Return how the bot answered a press: null if it did not in time."""
        answered = self._world.bot(token).answered
        await self._until(lambda: query_id in answered, wait_s)
        return {"answer": answered.get(query_id)}

    async def _until(self, is_so: Callable[[], bool], wait_s: float, chat_id: int | None = None) -> bool:
        return await self._world.ledger.until(is_so, wait_s, chat_id)


def told(update: Update | None) -> Json:
    return {"update_id": update.id if update else None}
