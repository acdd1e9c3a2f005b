"""Deliver events to a bot's own address, and try it beforehand with an empty body."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tests.fakes import webhook
from tests.fakes.updates import Update
from tests.fakes.zalo.settings import Settings
from tests.fakes.zalo.updates import Queue

SECRET_HEADER = "X-Bot-Api-Secret-Token"
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
PROBE_S = 5.0


class Hook(webhook.Hook):
    """A webhook in force. Nobody outside knows how often the platform tries again: a setting says it."""

    secret_header = SECRET_HEADER

    def __init__(self, queue: Queue, settings: Settings, url: str, *, secret: str, updated_at: int) -> None:
        self.updated_at = updated_at
        self._tries = settings
        super().__init__(queue, settings, url, secret=secret)

    def wait_s(self, fails: int, retry_after_s: float) -> float | None:
        """Return ever longer waits, until it is given up."""
        if fails + 1 >= self._tries.webhook_tries:
            return None
        return float(min(FIRST_WAIT_S * 2**fails, LONGEST_WAIT_S))

    def body(self, update: Update) -> dict[str, Any]:
        """Return the event flat or wrapped."""
        queue: Any = self._queue
        found: dict[str, Any] = queue.shown(update)
        return found


def is_public(url: str, settings: Settings) -> bool:
    """Tell whether the platform takes an address: public and safe, unless a test lets local ones in."""
    place = urlsplit(url)
    if settings.local_webhooks and place.hostname in ("127.0.0.1", "localhost"):
        return True
    host = place.hostname or ""
    is_private = host == "localhost" or host.startswith(("127.", "10.", "192.168.", "169.254.")) or "." not in host
    return place.scheme == "https" and not is_private and not host.endswith(("zalo.me", "zaloplatforms.com"))


async def probed(url: str, secret: str) -> dict[str, Any]:
    """Knock at an address with an empty body; return what `setWebhook` and `testWebhook` say of it."""
    began = time.monotonic()
    status, outcome = 0, "webhook.err.conn"
    timeout = aiohttp.ClientTimeout(total=PROBE_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, headers={SECRET_HEADER: secret}, skip_auto_headers=["Content-Type"]) as answer,
        ):
            status, outcome = answer.status, outcome_of(answer.status)
    except TimeoutError:
        outcome = "webhook.err.timeout"
    except aiohttp.ClientConnectorDNSError:
        outcome = "webhook.err.dns"
    except aiohttp.ClientSSLError:
        outcome = "webhook.err.tls"
    except (aiohttp.ClientError, OSError):
        outcome = "webhook.err.conn"
    latency_ms = int((time.monotonic() - began) * 1000)
    is_good = status == 200
    hint = "" if is_good else "see the outcome"
    return {"ok": is_good, "status_code": status, "outcome": outcome, "latency_ms": latency_ms, "hint": hint}


def outcome_of(status: int) -> str:
    if status == 200:
        return "webhook.ok"
    if status in (403, 404):
        return f"webhook.http.{status}"
    return "webhook.http.5xx" if status >= 500 else "webhook.http.other"
