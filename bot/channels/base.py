"""What a channel is to the sender: a door that translates one message, and errors that carry their own policy.

The errors, and what the sender does (`reliability.md` §3):

    SendError
    ├── NotSent            nothing reached the provider            tried again
    │   ├── TooManyRequests    told to wait                        whole channel waits; no attempt counted
    │   ├── ChannelDown        token dead, account closed          whole channel stops; no attempt counted
    │   └── Moved              the address has another id now      stored, tried again at once; no attempt counted
    ├── Refused            understood and refused                  failed
    │   ├── Unreachable        she cannot be reached there         failed; the address is dead
    │   ├── ContentError       our text or picture is wrong        failed; the broadcast pauses
    │   └── PictureRefused     it does not get our picture         goes without it, and says so
    └── Unclear            may have arrived                        unknown; policy of the message's sort
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Protocol

from aiohttp import web

from dialogue.messages import Capabilities, Rendered


@dataclass(frozen=True, slots=True)
class SentPicture:
    """A picture file that is safe to show, with its size in pixels."""

    path: Path
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one address, already within the channel's limits (`dialogue.fit`).

    `edits` holds the provider's ids of a message of ours that this one replaces; with `erases` those are taken away
    and nothing is said. Channels get either only if their capabilities say so.
    """

    delivery_id: int
    external_id: str
    rendered: Rendered
    picture: SentPicture | None = None
    edits: tuple[str, ...] = ()
    erases: bool = False


class Channel(Protocol):
    """A door to the people on one platform. It translates and nothing else: no rules, no retries.

    A channel names this as its base; what has a body here is what most channels do.
    """

    @property
    def name(self) -> str:
        """The name under which addresses are stored."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can show and promises."""

    @property
    def trouble(self) -> str | None:
        """What keeps it from taking messages in, as a short word; None if all is well."""
        return None

    @property
    def heard_at(self) -> datetime | None:
        """When taking messages in last worked or, before that, began; None where it does not show if nobody writes."""
        return None

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what it serves on our web server."""
        return ()

    def is_group(self, external_id: str) -> bool:
        """Tell whether an address is a group of people, which has a pace of its own."""
        return False

    def link(self, payload: str) -> str | None:
        """Return the address that opens a talk here with `/start <payload>`; None where there is no such thing."""
        return None

    async def start(self) -> None:
        """Open what sending needs. Called once, before the first `send`."""
        return None

    async def listen(self) -> None:
        """Begin to take messages in; returns at once. Called when everything else runs."""
        return None

    async def hush(self) -> None:
        """Take nothing in any more; what was taken in is committed when this returns. Called before the rest stops."""
        return None

    async def fetch(self, reference: str) -> bytes:
        """Return the bytes of a file somebody sent (`reference` as the channel wrote it into the message's body).

        Raises `NotSent` if it may be had later, `Refused` if never.
        """
        raise Refused("no_files")

    async def send(self, message: Outgoing) -> str:
        """Hand one message over and return the provider's id of it.

        Raises a `SendError`; anything else counts as `Unclear`, since nobody knows how far it came.
        """

    async def stop(self) -> None:
        """Close what `start` opened, after the last `send`."""
        return None


class SendError(Exception):
    """A message was not accepted for certain. `reason` is a short word for records and counts, never a text."""

    retry: ClassVar[bool] = False  # nothing arrived and it may be tried again
    ambiguous: ClassVar[bool] = False  # it may have arrived
    counts: ClassVar[bool] = True  # an attempt of this message, not of the channel
    stops_contact: ClassVar[bool] = False  # the address is dead
    pauses_broadcast: ClassVar[bool] = False  # the fault is in what we send to everybody
    pauses_channel: ClassVar[bool] = False  # nothing more goes out here for `retry_after_s`; None: until a restart
    retry_after_s: float | None = None

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotSent(SendError):
    """Nothing reached the provider: no connection, no name, no secure line, no free connection."""

    retry = True


class TooManyRequests(NotSent):
    """The provider asks us to wait `retry_after_s`."""

    counts = False
    pauses_channel = True

    def __init__(self, reason: str, *, retry_after_s: float) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class ChannelDown(NotSent):
    """Our access to the provider is gone; no message is to blame."""

    counts = False
    pauses_channel = True


class Moved(NotSent):
    """The person or group has the id `external_id` from now on."""

    counts = False
    retry_after_s = 0.0

    def __init__(self, reason: str, *, external_id: str) -> None:
        super().__init__(reason)
        self.external_id = external_id


class Refused(SendError):
    """The provider understood the message and refused it for good."""


class Unreachable(Refused):
    """The person cannot be reached at this address any more."""

    stops_contact = True


class ContentError(Refused):
    """The provider cannot take the text or picture: our mistake, the same for everybody."""

    pauses_broadcast = True


class PictureRefused(Refused):
    """The provider cannot get our picture; the text may go without it."""


class Unclear(SendError):
    """The answer was lost; the message may have arrived."""

    ambiguous = True
