"""What the ledger holds, as tests read it. Times are seconds of the fake's monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes.records import Said


@dataclass(frozen=True, slots=True)
class Message(Said):
    """A message of the bot. Nothing can be changed in it, and there are no buttons."""

    @property
    def chat(self) -> str:
        """The id of the chat as the platform writes it."""
        return str(self.content["chat"])

    @property
    def id(self) -> str:
        """The message's own id."""
        return str(self.content["id"])

    @property
    def photo(self) -> str | None:
        """The address its picture was taken from."""
        return self.content.get("photo")
