"""What a channel is to the sender: a door that translates one message, and errors that carry their own policy.

The errors, and what the sender does (`reliability.md` §3):

    SendError
    ├── NotSent            nothing reached the provider            tried again
    │   ├── TooManyRequests    told to wait                        whole channel waits; no attempt counted
    │   └── ChannelDown        token dead, account closed          whole channel stops; no attempt counted
    ├── Refused            understood and refused                  failed
    │   ├── Unreachable        she cannot be reached there         failed; the address is dead
    │   └── ContentError       our text or picture is wrong        failed; the broadcast pauses
    └── Unclear            may have arrived                        unknown; policy of the message's sort
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from dialogue.messages import Capabilities, Rendered


@dataclass(frozen=True, slots=True)
class SentPicture:
    """A picture file that is safe to show, with its size in pixels."""

    path: Path
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one address, already within the channel's limits (`dialogue.fit`)."""

    delivery_id: int
    external_id: str
    rendered: Rendered
    picture: SentPicture | None = None


class Channel(Protocol):
    """A door to the people on one platform. It translates and nothing else: no rules, no retries."""

    @property
    def name(self) -> str:
        """The name under which addresses are stored."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can show and promises."""

    async def start(self) -> None:
        """Open what sending needs. Called once, before the first `send`."""

    async def send(self, message: Outgoing) -> str:
        """Hand one message over and return the provider's id of it.

        Raises a `SendError`; anything else counts as `Unclear`, since nobody knows how far it came.
        """

    async def stop(self) -> None:
        """Close what `start` opened, after the last `send`."""


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


class Refused(SendError):
    """The provider understood the message and refused it for good."""


class Unreachable(Refused):
    """The person cannot be reached at this address any more."""

    stops_contact = True


class ContentError(Refused):
    """The provider cannot take the text or picture: our mistake, the same for everybody."""

    pauses_broadcast = True


class Unclear(SendError):
    """The answer was lost; the message may have arrived."""

    ambiguous = True
