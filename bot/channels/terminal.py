"""The terminal as a channel: replies are printed, choices numbered."""

from __future__ import annotations

from collections.abc import Callable

from bot.channels.base import Channel, Outgoing
from dialogue.messages import Capabilities, Rendered

NAME, ABROAD = "terminal", "terminal_abroad"


class Terminal(Channel):
    """Hands every reply to `show(person, delivery id, reply)`.

    With `buttons=False` choices come as a numbered list, as on a plain platform; with `abroad` it passes for one whose
    servers stand abroad, under a name of its own.
    """

    def __init__(
        self, show: Callable[[str, int, Rendered], None], *, buttons: bool = False, abroad: bool = False
    ) -> None:
        self._show = show
        self._sent = 0
        self._name = ABROAD if abroad else NAME
        self._capabilities = Capabilities(
            buttons=buttons, pictures=False, text_limit=20_000, window=8, data_abroad=abroad, marks=True
        )

    @property
    def name(self) -> str:
        """The name under which addresses are stored."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """Plain text, with buttons or without."""
        return self._capabilities

    async def send(self, message: Outgoing) -> str:
        """Show a message to the person at `message.external_id`."""
        self._sent += 1
        self._show(message.external_id, message.delivery_id, message.rendered)
        return str(self._sent)
