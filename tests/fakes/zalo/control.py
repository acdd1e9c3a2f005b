"""What a test can order of this platform beyond what it can of any."""

from __future__ import annotations

from typing import Any

from tests.fakes import control
from tests.fakes.control import Json, told
from tests.fakes.zalo.ids import id_of
from tests.fakes.zalo.people import People
from tests.fakes.zalo.world import World


class Control(control.Control):
    """Everything a test can order or ask."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._people = People(world)

    def do_trouble(self, chat: str, name: str | None) -> None:
        self._world.open(chat, trouble=name)

    def do_reset_token(self, new: str, token: str | None = None) -> None:
        self._world.reset_token(token or self._world.bot().token, new)

    def do_open_people(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            self._world.open(id_of(number))

    def do_message(self, user: Json, kind: str, content: Json, token: str | None = None, **more: Any) -> Json:
        message_id, update = self._people.message(self._world.bot(token), user, kind, content, **more)
        return {"key": message_id, **told(update)}

    def do_messages_many(self, messages: list[Json], token: str | None = None) -> Json:
        """Take many messages in one order."""
        return {"told": [self.do_message(**message, token=token) for message in messages]}

    def do_tell(self, event: Json, chat: str, token: str | None = None) -> Json:
        return told(self._people.tell(self._world.bot(token), event, self._world.open(chat)))

    def do_forget_pictures(self) -> None:
        self._world.pictures.clear()

    def do_webhook(self, token: str | None = None) -> Json:
        hook = self._world.bot(token).hook
        return {"url": hook.url if hook else "", "error": hook.last_error if hook else None}

    def do_picture_sizes(self) -> Json:
        return {name: len(content) for name, content in self._world.pictures.items()}
