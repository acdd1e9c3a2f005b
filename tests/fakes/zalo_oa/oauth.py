"""The doors for tokens: each refresh token is good once, a new pair makes the old access token invalid."""

from __future__ import annotations

import contextlib
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.fakes.wire import drop
from tests.fakes.zalo_oa.settings import APP_ID

APP_SECRET = "app-secret-for-tests"


@dataclass
class Doors:
    """Both doors. `calls` counts how often each refresh token was used; the next answers may be spoilt by `script`.

    Words of the script: `lost` (it takes effect, the answer does not arrive), `502` (it does not), or a code.
    """

    refresh: str = "refresh-0"
    access: str | None = "access-0"
    reused_code: int = -14014
    dead_code: int = -216
    calls: Counter[str] = field(default_factory=Counter)
    script: list[str | int] = field(default_factory=list)
    url: str = ""

    async def tokens(self, request: web.Request) -> web.Response:
        form = await request.post()
        used = str(form.get("refresh_token", ""))
        if request.headers.get("secret_key") != APP_SECRET or form.get("app_id") != APP_ID:
            return refused(-14002)
        planned = self.script.pop(0) if self.script else None
        if planned == "502":
            return web.Response(status=502, text="<html>Bad Gateway</html>")
        if isinstance(planned, int):
            return refused(planned)
        self.calls[used] += 1
        if form.get("grant_type") != "refresh_token" or used != self.refresh:
            return refused(self.reused_code)
        self.refresh, self.access = f"refresh-{secrets.token_hex(8)}", f"access-{secrets.token_hex(8)}"
        if planned == "lost":
            return drop(request)
        return web.json_response({"access_token": self.access, "refresh_token": self.refresh, "expires_in": "90000"})

    async def account(self, request: web.Request) -> web.Response:
        if request.headers.get("access_token") != self.access:
            return refused(self.dead_code)
        return web.json_response({"error": 0, "message": "Success", "data": {"oa_id": "1"}})


def refused(code: int) -> web.Response:
    body: dict[str, Any] = {"error": code, "error_name": "x", "message": "x"}
    return web.json_response(body)


@contextlib.asynccontextmanager
async def doors() -> AsyncIterator[Doors]:
    """Run both doors."""
    made = Doors()
    app = web.Application()
    app.router.add_post("/v4/oa/access_token", made.tokens)
    app.router.add_get("/v2.0/oa/getoa", made.account)
    async with TestServer(app) as server:
        made.url = str(server.make_url("")).rstrip("/")
        yield made
