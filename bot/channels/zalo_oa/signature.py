"""Believe an event only if the platform signed it: a hash over what was received, byte for byte.

The hash is a plain SHA-256 of app id + raw body + timestamp + the OA's secret key, the timestamp being the one in the
body. Descriptions differ about the first term and about the secret, so both are settings. A signature has no end: what
is older than the platform's last attempt to deliver is not believed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

HEADER = "X-ZEvent-Signature"
BELIEVED = timedelta(hours=3)
"""The platform tries for about two hours."""

_MARK = "mac="
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TIMESTAMP = re.compile(r"[0-9]{10,16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Signer:
    """What goes into the hash around the body. `first` is the app's id, where configured so the OA's; never shown."""

    first: str
    secret: str

    def __repr__(self) -> str:
        return "Signer(***)"

    def digest(self, raw: bytes, timestamp: str) -> str:
        """Return the hash of a body, 64 hexadecimal digits."""
        whole = self.first.encode() + raw + timestamp.encode() + self.secret.encode()
        return hashlib.sha256(whole).hexdigest()


@dataclass(frozen=True, slots=True)
class Signature:
    """Shows at our route who speaks. `now` is the clock."""

    signer: Signer
    now: Callable[[], datetime]

    def may_speak(self, headers: Mapping[str, str]) -> bool:
        """Tell whether there is a signature at all, before anything of the body is read."""
        return _shown(headers) is not None

    def is_theirs(self, headers: Mapping[str, str], raw: bytes) -> bool:
        """Tell whether the platform signed exactly these bytes, not long ago."""
        shown, timestamp = _shown(headers), timestamp_in(raw)
        if shown is None or timestamp is None:
            return False
        is_signed = hmac.compare_digest(shown, self.signer.digest(raw, timestamp))
        return is_signed and abs(self.now() - moment(timestamp)) <= BELIEVED


def _shown(headers: Mapping[str, str]) -> str | None:
    """Return the digest in the header, with or without its mark; None if there is none."""
    shown = headers.get(HEADER, "").strip().removeprefix(_MARK).lower()
    return shown if _DIGEST.fullmatch(shown) else None


def timestamp_in(raw: bytes) -> str | None:
    """Return the timestamp of an event, in milliseconds as it stands there; None if there is none."""
    try:
        event = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    said = event.get("timestamp") if isinstance(event, dict) else None
    if isinstance(said, int) and not isinstance(said, bool):
        said = str(said)
    return said if isinstance(said, str) and _TIMESTAMP.fullmatch(said) else None


def moment(timestamp: str) -> datetime:
    """Return the instant of a timestamp, or the beginning of time for one that is none."""
    try:
        return datetime.fromtimestamp(int(timestamp) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
