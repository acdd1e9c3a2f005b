"""The terminal as a channel: replies are printed, choices numbered."""

from __future__ import annotations

from collections.abc import Callable

from bot.channels.base import Channel, Outgoing
from dialogue.messages import Capabilities, Rendered

NAME = "terminal"


class Terminal(Channel):
    """Hands every reply to `show(person, delivery id, reply)`.

    With `buttons=False` choices come as a numbered list, as on a plain platform.
    """

    name = NAME

    def __init__(self, show: Callable[[str, int, Rendered], None], *, buttons: bool = False) -> None:
        self._show = show
        self._sent = 0
        self._capabilities = Capabilities(buttons=buttons, pictures=False, text_limit=20_000, window=8)

    @property
    def capabilities(self) -> Capabilities:
        """Plain text, with buttons or without."""
        return self._capabilities

    async def send(self, message: Outgoing) -> str:
        """Show a message to the person at `message.external_id`."""
        self._sent += 1
        self._show(message.external_id, message.delivery_id, message.rendered)
        return str(self._sent)
