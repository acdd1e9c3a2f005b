"""Know the people and the groups: who they are, whether the bot may write to them, which message id comes next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.telegram.errors import NAMED, ApiError, bad_request, migrated, named

BASIC_GROUPS_END = -1_000_000_000_000
"""Ids below belong to supergroups and channels."""


@dataclass(slots=True)
class Chat:
    """A private chat or a group. `trouble` is the short name of the refusal every call about it gets.

    `standing` is the bot's: `member`, `administrator`, `kicked`, `left`.
    """

    id: int
    kind: str
    fields: dict[str, Any]
    standing: str
    language: str | None = None
    trouble: str | None = None
    moved_to: int | None = None
    last_message_id: int = 0
    incoming: dict[int, dict[str, Any]] = field(default_factory=dict)

    def next_message_id(self) -> int:
        self.last_message_id += 1
        return self.last_message_id

    def as_chat(self) -> dict[str, Any]:
        """Return the `chat` of a message."""
        return {"id": self.id, **self.fields, "type": self.kind}

    def as_user(self) -> dict[str, Any]:
        """Return the `from` of a message; only people have one."""
        user = {"id": self.id, "is_bot": False, **self.fields}
        return {**user, "language_code": self.language} if self.language else user

    def refusal(self) -> ApiError | None:
        """Return why the bot may not act here."""
        if self.moved_to is not None:
            return migrated(self.moved_to)
        return named(self.trouble) if self.trouble else None


class Chats:
    """All chats by id. Where `known_only` is false, whoever the bot writes to is somebody."""

    def __init__(self) -> None:
        self._chats: dict[int, Chat] = {}

    def get(self, chat_id: int) -> Chat | None:
        return self._chats.get(chat_id)

    def open(self, chat_id: int, **fields: Any) -> Chat:
        """Return a chat, made if there is none; `fields` put its names right."""
        chat = self._chats.get(chat_id)
        if chat is None:
            chat = self._chats[chat_id] = made(chat_id)
        if language := fields.pop("language_code", None):
            chat.language = language
        chat.fields.update({name: value for name, value in fields.items() if value is not None})
        return chat

    def find(self, said: Any, *, known_only: bool) -> Chat:
        """Return the chat of a call's `chat_id`; refuses as Telegram does where there is none."""
        if said is None or said == "":
            raise bad_request("chat_id is empty")
        try:
            chat_id = int(said)
        except (TypeError, ValueError):
            chat_id = 0
        chat = self._chats.get(chat_id)
        if chat is None and (known_only or chat_id == 0):
            raise bad_request("chat not found")
        return chat or self.open(chat_id)

    def trouble(self, chat_id: int, name: str | None) -> Chat:
        """Refuse every call about a chat from now on (a short name of `errors.NAMED`), or with None no more."""
        if name is not None and name not in NAMED:
            raise ValueError(f"no such refusal: {name}")
        chat = self.open(chat_id)
        chat.trouble = name
        return chat

    def move(self, chat_id: int, to: int) -> tuple[Chat, Chat]:
        """Turn a group into a supergroup; return both."""
        old = self.open(chat_id)
        new = self.open(to, **old.fields)
        old.moved_to = to
        return old, new


def made(chat_id: int) -> Chat:
    if chat_id > 0:
        return Chat(chat_id, "private", {"first_name": f"Person {chat_id}"}, "member")
    kind = "supergroup" if chat_id < BASIC_GROUPS_END else "group"
    return Chat(chat_id, kind, {"title": f"Group {-chat_id}"}, "left")
