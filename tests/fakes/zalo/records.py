"""What the ledger holds, as tests read it. Times are seconds of the fake's monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes.records import Json, Record


@dataclass(frozen=True, slots=True)
class Message(Record):
    """A message of the bot that was accepted. Nothing can be changed in it, and there are no buttons."""

    bot_id: int
    chat_id: int
    message_id: int
    method: str
    text: str
    content: Json
    reply_markup: Json | None
    album: str | None
    edits: list[Json]
    deleted_at: float | None
    arrived_at: float
    accepted_at: float
    answered_at: float | None

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
