"""The plain facts a conversation may know, read before the turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from dialogue.messages import NOTHING, Attachment, Capabilities, Json
from handlers.content import Content

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
MESSAGE = "message"
"""In the start facts of a talk: the inbox id of the message that said them."""


SAID_AT = "said_at"
"""In the start facts of a talk: when that message was said, as an ISO instant, so that it is read of its own day."""


@dataclass(frozen=True, slots=True)
class Post:
    """An appointment in force: a role in a unit, with the abilities of the role (`content/roles.yaml`)."""

    unit_id: int
    unit_name: str
    level: str
    role: str
    can: frozenset[str]


@dataclass(frozen=True, slots=True)
class Context:
    """Who speaks, when and with what rights. Rights are read again inside `done`."""

    now: datetime  # the message's own time, aware
    contact_id: int
    language: str
    content: Content
    channel: str
    capabilities: Capabilities
    inbox_id: int
    name: str | None = None
    stopped: bool = False
    demo: bool = False
    controller: str = ""
    posts: tuple[Post, ...] = ()
    member_of: tuple[tuple[int, str], ...] = ()  # (unit id, unit name) of her chi hội, usually one
    start: Mapping[str, Json] = field(default_factory=lambda: NOTHING)
    text: str = ""  # the message as she wrote it
    attachments: tuple[Attachment, ...] = ()
    chat_link: str | None = None  # opens a private talk with us on her channel, where there is such a link
    chat_links: tuple[str, ...] = ()  # of all channels that have such links, with {payload} for what they carry
    web_address: str | None = None  # of the chat page, where there is one; ends in a stroke
    transfer_agreed: bool = False  # her consent to what goes abroad on such a channel is in force

    @property
    def today(self) -> date:
        """The day of the message in Việt Nam."""
        return self.now.astimezone(VIETNAM).date()

    @property
    def said_at(self) -> datetime:
        """When the message was said that opened the talk; this message's time where none did."""
        told = self.start.get(SAID_AT)
        return datetime.fromisoformat(told) if isinstance(told, str) else self.now

    @property
    def message_id(self) -> int | None:
        """The inbox id of the message that the talk was opened with; None where a word or a button opened it."""
        number = self.start.get(MESSAGE)
        return number if isinstance(number, int) else None

    def posts_that(self, ability: str) -> tuple[Post, ...]:
        """Return her posts whose role has `ability`, in the order they were given to her."""
        return tuple(post for post in self.posts if ability in post.can)
