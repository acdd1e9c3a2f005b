"""Give pictures addresses that nobody can guess and that end, for platforms that fetch instead of being handed.

A link needs no row: it holds the picture's name, its end and a code that only we can make. All links of a picture made
on one day are the same, so that a message to many is one picture to whoever keeps copies.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from aiohttp import web

LIFE = timedelta(days=7)
"""Nobody says whether platforms keep copies of their own: an older message may lose its picture after this."""

DAY_S = 86_400
PATH = "/pictures"
CODE_LETTERS = 32
HEADERS = {
    "Cache-Control": "private, max-age=86400",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Robots-Tag": "noindex",
}
_NAME = re.compile(r"[0-9a-f]{64}\.(?:jpg|png)", re.ASCII)
_TYPES = {".jpg": "image/jpeg", ".png": "image/png"}


class PictureLinks:
    """Links to the pictures in `folder`. `key` is secret and the same at every start."""

    def __init__(self, folder: Path, public_url: str, *, key: bytes, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._base = f"{public_url.rstrip('/')}{PATH}"
        self._key = hmac.digest(key, b"picture links", "sha256")
        self._clock = clock

    def url_of(self, name: str) -> str:
        """Return an address of the picture with this file name; it holds for seven to eight days."""
        until = int((self._clock() + LIFE).timestamp()) // DAY_S + 1
        return f"{self._base}/{self._code(name, until)}/{until:x}/{name}"

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the one route."""
        return [web.get(f"{PATH}/{{code}}/{{until}}/{{name}}", self._get)]

    def _code(self, name: str, until: int) -> str:
        return hmac.new(self._key, f"{until}:{name}".encode(), hashlib.sha256).hexdigest()[:CODE_LETTERS]

    async def _get(self, request: web.Request) -> web.StreamResponse:
        """Give the picture; whatever is wrong with the link, it is not there."""
        code, until, name = (request.match_info[part] for part in ("code", "until", "name"))
        if not _NAME.fullmatch(name) or not re.fullmatch(r"[0-9a-f]{1,8}", until, re.ASCII):
            raise web.HTTPNotFound
        day = int(until, 16)
        is_ours = hmac.compare_digest(code.encode("utf-8", "surrogateescape"), self._code(name, day).encode())
        path = self._folder / name
        if not is_ours or self._clock().timestamp() >= day * DAY_S or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={**HEADERS, "Content-Type": _TYPES[path.suffix]})
