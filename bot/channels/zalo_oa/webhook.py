"""Our route for events of the Official Account. Where it is, is set in the platform's own console."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.channels.updates import Taken, Unreadable
from bot.channels.webhook import Door
from bot.channels.zalo_oa.inbound import Me, read, unreadable
from bot.channels.zalo_oa.signature import Signature, Signer

PATH = "/zalo-oa/webhook"
WITHIN_S = 1.5
"""The platform waits for two seconds; a late answer counts as none and is tried again, at last the way is shut."""


def door(signer: Signer, now: Callable[[], datetime]) -> Door:
    """Return the route. When its address is saved, the platform knocks once without a signature."""
    return Door(PATH, Signature(signer, now), pinged=True, within_s=WITHIN_S)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads events as our account."""

    me: Me

    def read(self, raw: Any) -> Taken:
        """Return what an event holds; `NotAnUpdate` if it is none of ours."""
        return read(raw, self.me)

    def unreadable(self, raw: Any) -> Unreadable:
        """Return an event as it is kept where nothing better can be done."""
        return unreadable(raw, self.me)
