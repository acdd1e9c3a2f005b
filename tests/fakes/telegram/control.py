"""Obey the tests: `POST /control/<order>` with a JSON object, answered by a JSON object.

Orders and their fields are the methods of `Control`; `client.FakeTelegram` speaks them.
"""

from __future__ import annotations

from typing import Any

from tests.fakes import control
from tests.fakes.control import Json, told
from tests.fakes.telegram.people import People
from tests.fakes.telegram.world import World


class Control(control.Control):
    """Everything a test can order or ask."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._people = People(world)

    # --- Settings and faults ---

    def do_trouble(self, chat_id: int, name: str | None) -> None:
        self._world.chats.trouble(chat_id, name)

    def do_add_bot(self, token: str) -> None:
        self._world.add_bot(token)

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

    def do_album_id(self, token: str | None = None) -> Json:
        return {"album": self._world.bot(token).next_album()}

    # --- The ledger ---

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

    async def do_wait_edit(self, chat_id: int, message_id: int, after: int, wait_s: float) -> Json:
        """Return a message once it has been edited more than `after` times, or deleted."""
        ledger = self._ledger
        place = [entry.message_id for entry in ledger.by_chat.get(chat_id, ())].index(message_id)
        entry = ledger.by_chat[chat_id][place]
        await self._until(lambda: len(entry.edits) > after or entry.deleted_at is not None, wait_s, chat_id)
        return ledger.entry_row(entry)

    async def do_wait_answered(self, query_id: str, wait_s: float, token: str | None = None) -> Json:
        """Return how the bot answered a press: null if it did not in time."""
        answered = self._world.bot(token).answered
        await self._until(lambda: query_id in answered, wait_s)
        return {"answer": answered.get(query_id)}
