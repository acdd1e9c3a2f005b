"""The terminal as a channel: replies are printed, choices numbered."""

from __future__ import annotations

from collections.abc import Callable

from bot.channels.base import Outgoing
from dialogue.messages import Capabilities, Rendered

NAME = "terminal"


class Terminal:
    """Hands every reply to `show(person, delivery id, reply)`.

    With `buttons=False` choices come as a numbered list, as on a plain platform.
    """

    name = NAME

    def __init__(self, show: Callable[[str, int, Rendered], None], *, buttons: bool = False) -> None:
        self._show = show
        self._sent = 0
        self.capabilities = Capabilities(buttons=buttons, pictures=False, text_limit=20_000, window=8)

    async def start(self) -> None:
        """Nothing to open."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def send(self, message: Outgoing) -> str:
        """Show a message to the person at `message.external_id`."""
        self._sent += 1
        self._show(message.external_id, message.delivery_id, message.rendered)
        return str(self._sent)
