"""What people say to us and what we say to them, in the same words for every channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
Phrase: TypeAlias = "Say | Money | Lines | Marked | str | int | Decimal | date | datetime | None"

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Say:
    """A sentence by its key in the wording files, with the values of its named placeholders.

    It becomes words only when the reader's language is known (`dialogue.text.Wording`).
    """

    key: str
    values: Mapping[str, Phrase] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in whole đồng, shown as people read it (`1.200.000 đồng`)."""

    amount_vnd: int


@dataclass(frozen=True, slots=True)
class Lines:
    """Phrases shown one under the other; empty ones are left out."""

    items: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class Marked:
    """A text of hers with the parts marked that something was read from: offsets in characters, in order, apart."""

    text: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing she may pick. `value` is what the conversation receives, never shown."""

    value: Json
    label: Say | str


def opening(name: str, label: Say | str, **start: Json) -> Choice:
    """Return a choice that opens the conversation `name` with `start` facts, whenever it is pressed."""
    return Choice({"open": name, "start": start}, label)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture to go with a reply: a drawing still to be made (`chart`, `qr`) or a kept attachment."""

    kind: str
    spec: Mapping[str, Json]
    description: Say | str


@dataclass(frozen=True, slots=True)
class Reply:
    """What we say to one person: phrases (a paragraph each), choices under them, perhaps a picture.

    `sort` is the delivery class of `reliability.md` §3: `reply`, `receipt`, `code`, `alert`. `file` names a file
    that is made when she opens it (`TN-7K3M.xlsx`), for channels that can (`Capabilities.files`).
    """

    text: tuple[Phrase, ...]
    choices: tuple[Choice, ...] = ()
    picture: Picture | None = None
    sort: str = "reply"
    file: str | None = None


def reply(key: str, /, *choices: Choice, **values: Phrase) -> Reply:
    """Return the reply of one sentence."""
    return Reply((Say(key, values),), choices)


@dataclass(frozen=True, slots=True)
class Notice:
    """A reply to somebody else than the one who wrote."""

    contact_id: int
    reply: Reply


@dataclass(frozen=True, slots=True)
class Forget:
    """Everything she left open is forgotten with this turn: she asked to be erased."""


@dataclass(frozen=True, slots=True)
class Button:
    """A choice in words. `value` as in `Choice`; `ask` names the question it answers, if any."""

    value: Json
    label: str
    ask: str | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """A reply in the reader's language, as stored in a delivery. `marks` are the parts of the text to be underlined:
    offsets in characters (not in the units a channel counts in), in order, apart."""

    text: str
    buttons: tuple[Button, ...] = ()
    picture: Mapping[str, Json] | None = None
    sort: str = "reply"
    file: str | None = None
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file she sent, already kept by us under its SHA-256 name."""

    sha256: str
    media_type: str
    size_bytes: int


UNREAD = ("voice", "video", "document", "sticker", "location", "contact", "large_photo", "unknown")
"""What may come and is not read; each has its sentence `unread.<name>`. `contact`: somebody else's, not her own."""

EVENTS = ("blocked", "unblocked", "in_group", "bound")
"""`blocked`, `unblocked`: she closed or opened this address to us. `in_group`: somebody spoke to us in a group.
`bound`: this address became hers just now, by a code; the program says so to itself."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message from a person, the same for every channel. Text is NFC; `sent_at` is aware.

    `pressed` is the button she pressed, as we stored it when we showed it; None when she typed. `unread` names what
    came with it that we cannot read (`UNREAD`); `edits` is the inbox id of the message that this one puts right, and
    `follows` are those of the messages of the same album that were worked on before it came, oldest first.
    `event` tells of something she did without writing (`EVENTS`); there is no text then.
    """

    sent_at: datetime
    text: str = ""
    pressed: Button | None = None
    attachments: tuple[Attachment, ...] = ()
    unread: str | None = None
    edits: int | None = None
    event: str | None = None
    follows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `most` messages in any `span_s` seconds."""

    most: int
    span_s: float


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can show and promises. Differences between channels are this data, nothing else.

    `text_limit` and `caption_limit` (text beside a picture) count in `text_unit` (`characters` or `utf16`); `window` is
    W of `docs/reliability.md`. `rate_per_s` holds for the whole channel, `per_chat` and `per_group` for one address.
    `tells_of_pictures`: where a picture cannot be shown, the text says so.
    `repeatable`: the same delivery twice is one message there, so nothing is ever in doubt. `files`: she can open a
    file there that is made at that moment. `marks`: parts of a text can be underlined.
    """

    buttons: bool
    pictures: bool
    text_limit: int
    text_unit: str = "characters"
    data_abroad: bool = False
    window: int = 8
    rate_per_s: float | None = None
    erases_messages: bool = False
    edits_messages: bool = False
    caption_limit: int | None = None
    per_chat: Pace | None = None
    per_group: Pace | None = None
    repeatable: bool = False
    tells_of_pictures: bool = False
    files: bool = False
    marks: bool = False
