"""How the channel is called, and the addresses by which people come to it. Needs nothing of the platform's library."""

from __future__ import annotations

import re

NAME = "telegram"

_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")


def link_to(username: str, payload: str) -> str | None:
    """Return the address that opens a talk with `/start <payload>`; None without a name or with another payload.

    A payload is 1 to 64 of A–Z a–z 0–9 _ - (core.telegram.org/bots/features#deep-linking, read November 2026).
    """
    if not username or not _PAYLOAD.fullmatch(payload):
        return None
    return f"https://t.me/{username}?start={payload}"
