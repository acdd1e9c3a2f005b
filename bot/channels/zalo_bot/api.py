"""One bot's line to the platform: JSON by POST, and answers whose body decides and not their status."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from bot.channels.base import Refused, SendError, TooManyRequests, Unclear
from bot.channels.http_client import HttpClient
from bot.channels.zalo_bot.errors import FIRST_WAIT_S, ApiRefusal, judged

READ_S = 20.0
PHOTO_READ_S = 28.0
"""The platform downloads a picture while the call waits; the sender gives a message no more than 30 s."""

POLL_S = 5
"""How long a poll waits. Short, for a poll is never left half-way and a stop waits for its end."""

POLL_SPARE_S = 10.0
"""How much later than it should an empty poll may end."""

SPARE_CONNECTIONS = 8
NOTHING_CAME = 408
MEDIA_HOSTS = ("zdn.vn", "zadn.vn", "zaloplatforms.com")
"""Where files that people send lie; nothing is fetched from anywhere else."""

_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Api:
    """Calls of one bot. `connections` is how many sends may be under way; `poll_s` how long an empty poll waits."""

    def __init__(self, token: str, api_url: str, *, connections: int, poll_s: float = POLL_S) -> None:
        self.bot_id = token.partition(":")[0]
        self._poll_s = poll_s
        self._client = HttpClient(connections=connections + SPARE_CONNECTIONS)
        self._base = f"{api_url.rstrip('/')}/bot{token}"
        self._host = urlsplit(api_url).hostname

    def __repr__(self) -> str:
        return "Api(***)"

    async def open(self) -> None:
        """Open the connections."""
        await self._client.open()

    async def close(self) -> None:
        """Close them."""
        await self._client.close()

    async def call(self, method: str, *, read_s: float = READ_S, **parameters: Any) -> Any:
        """Call `method` and return its result. Raises `SendError`."""
        try:
            return await self._asked(method, read_s, parameters)
        except ApiRefusal as error:
            refusal = error
        raise judged(refusal)

    async def send(self, method: str, **parameters: Any) -> str:
        """Send something and return the platform's id of it. Raises `SendError`."""
        read_s = PHOTO_READ_S if "photo" in parameters else READ_S
        result = await self.call(method, read_s=read_s, **parameters)
        found = result.get("message_id") if isinstance(result, dict) else None
        if not isinstance(found, str | int) or isinstance(found, bool):
            raise Unclear("garbled")
        return str(found)

    async def events(self) -> list[Any]:
        """Wait for an event and return it raw in a list; none if nothing came. Raises `ApiRefusal` and `SendError`."""
        try:
            found = await self._asked("getUpdates", self._poll_s + POLL_SPARE_S, {"timeout": self._poll_s})
        except ApiRefusal as error:
            if error.code == NOTHING_CAME:
                return []
            raise
        if isinstance(found, list):
            return found
        return [found] if found else []

    async def file(self, url: str, *, most: int) -> bytes:
        """Return the bytes of a file somebody sent, from the platform's own places only."""
        place = urlsplit(url)
        host = place.hostname or ""
        is_theirs = place.scheme == "https" and any(host == each or host.endswith(f".{each}") for each in MEDIA_HOSTS)
        if not is_theirs and host != self._host:
            raise Refused("strange_place")
        return await self._client.download(url, most=most, read_s=READ_S)

    async def _asked(self, method: str, read_s: float, parameters: dict[str, Any]) -> Any:
        body = _as_json(parameters).encode("utf-8", "replace")
        status, payload = await self._client.post(f"{self._base}/{method}", body, read_s=read_s)
        return _result(status, payload)


def _result(status: int, payload: bytes) -> Any:
    """Return what an answer holds. Pages of some proxy are no answers; they quote the address, so nothing is kept."""
    answer = _object(payload)
    if answer is None:
        raise _no_answer(status)
    if answer.get("ok") is True:
        if "result" not in answer:
            raise Unclear("garbled")
        return answer["result"]
    code = _number(answer.get("error_code"))
    if code is None:
        raise _no_answer(status)
    words = answer.get("description")
    raise ApiRefusal(code, words.lower() if isinstance(words, str) else "")


def _object(payload: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _no_answer(status: int) -> SendError:
    if status == 429:
        return TooManyRequests("flood", retry_after_s=FIRST_WAIT_S)
    return Unclear("server_error" if status >= 500 else "garbled")


def _number(said: Any) -> int | None:
    if isinstance(said, str) and said.strip().lstrip("-").isdecimal() and len(said) < 10:
        return int(said)
    return said if isinstance(said, int) and not isinstance(said, bool) else None
