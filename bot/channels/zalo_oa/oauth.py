"""Call the platform's door for tokens: refusals come with status 200 and a code, a refresh token is good once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from bot.channels.base import ChannelDown, Refused, SendError, TooManyRequests, Unclear
from bot.channels.http_client import HttpClient
from storage.tokens import Pair

READ_S = 8.0
"""With the wait for a connection a call ends well before another process looks after it (`bot.rotation.LEASE`)."""

FLOOD_S = 60.0
LONGEST_LIFE_S = 366 * 86_400


@dataclass(frozen=True, slots=True)
class Row:
    """A code of the door and what it means for the refresh token."""

    code: int
    means: type[Refused] | type[ChannelDown]
    reason: str


ROWS = (
    Row(-14014, Refused, "refresh_refused"),
    Row(-118, Refused, "refresh_refused"),  # of this door; the door for templates means something else by it
    Row(-14002, ChannelDown, "app_refused"),
    Row(-14003, ChannelDown, "app_refused"),
    Row(-14012, ChannelDown, "app_refused"),
    Row(-14024, ChannelDown, "app_refused"),
)
DEAD_ACCESS = (-216, 216, -220, 401, -401)


@dataclass(frozen=True, slots=True)
class App:
    """Our app: its id and its secret, never shown."""

    app_id: str
    secret: str

    def __repr__(self) -> str:
        return "App(***)"


class Exchange:
    """The platform's side of `bot.rotation.Rotation`."""

    def __init__(
        self, client: HttpClient, app: App, *, oauth_url: str, api_url: str, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._app = app
        self._oauth_url = oauth_url.rstrip("/")
        self._api_url = api_url.rstrip("/")
        self._now = now
        self.consent_url = f"{self._oauth_url}/v4/oa/permission?app_id={quote(app.app_id)}"

    async def pair(self, refresh: str) -> Pair:
        """Call for the next pair."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh, "app_id": self._app.app_id}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "secret_key": self._app.secret}
        url = f"{self._oauth_url}/v4/oa/access_token"
        status, payload = await self._client.post(url, urlencode(form).encode(), read_s=READ_S, headers=headers)
        return self._read(_answer(status, payload))

    def _read(self, answer: dict[str, Any]) -> Pair:
        access, refresh = answer.get("access_token"), answer.get("refresh_token")
        if isinstance(access, str) and isinstance(refresh, str) and access and refresh:
            life_s = _number(answer.get("expires_in")) or 0
            return Pair(access, refresh, self._now() + timedelta(seconds=min(max(life_s, 60), LONGEST_LIFE_S)))
        code = _number(answer.get("error"))
        if not code:
            raise Unclear("garbled")
        row = next((row for row in ROWS if row.code == code), None)
        raise row.means(row.reason) if row is not None else Unclear("refused")

    async def still_works(self, access: str) -> bool:
        """Tell whether an access token is accepted, by a question that changes nothing."""
        url = f"{self._api_url}/v2.0/oa/getoa"
        status, payload = await self._client.get(url, read_s=READ_S, headers={"access_token": access})
        code = _number(_answer(status, payload).get("error"))
        if code == 0:
            return True
        if code in DEAD_ACCESS:
            return False
        raise Unclear("refused")


def _answer(status: int, payload: bytes) -> dict[str, Any]:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return found
    raise _no_answer(status)


def _no_answer(status: int) -> SendError:
    if status == 429:
        return TooManyRequests("flood", retry_after_s=FLOOD_S)
    return Unclear("server_error" if status >= 500 else "garbled")


def _number(said: Any) -> int | None:
    try:
        return None if isinstance(said, bool) or said is None else int(str(said))
    except ValueError:
        return None
