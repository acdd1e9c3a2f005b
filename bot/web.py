"""The one HTTP server: health, metrics, and whatever routes the channels bring."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any, TypeAlias

import structlog
from aiohttp import web

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), camera=()",
}

FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")
"""What proxies add; each of them at least one."""

MAX_BODY = 64 * 1024 * 1024
"""Five photos of the largest size allowed, with room for the form around them."""

log = structlog.get_logger()
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Health:
    """What `/healthz` says: whether the database answers, whether sending is on hold, how the channels are."""

    ok: bool
    detail: dict[str, Any]


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Put the protective headers on every answer and show a code instead of a trace."""
    try:
        response = await handler(request)
    except web.HTTPException as answer:
        answer.headers.update(HEADERS)
        raise
    except Exception:
        route = request.match_info.route.resource
        log.exception("request_failed", route=route.canonical if route else "unknown")
        response = web.json_response({"error": "internal"}, status=500)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def make_web(
    *,
    health: Callable[[], Awaitable[Health]],
    metrics: Callable[[], bytes],
    routes: Iterable[web.RouteDef],
) -> web.Application:
    """Return the application with `/healthz`, `/metrics` (loopback only) and the given routes."""

    async def healthz(_request: web.Request) -> web.Response:
        state = await health()
        return web.json_response({"ok": state.ok, **state.detail}, status=200 if state.ok else 503)

    async def metrics_page(request: web.Request) -> web.Response:
        if not is_loopback(request):
            raise web.HTTPNotFound
        return web.Response(body=metrics(), content_type="text/plain", charset="utf-8")

    app = web.Application(middlewares=[_guarded], client_max_size=MAX_BODY)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", metrics_page)
    app.router.add_routes(routes)
    return app


def is_loopback(request: web.Request) -> bool:
    """Tell whether the connection comes from this machine and was not passed on for somebody else."""
    forwarded = any(name in request.headers for name in FORWARDED)
    try:
        return not forwarded and ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


def client_address(request: web.Request, proxies: Sequence[IPv4Network | IPv6Network]) -> str:
    """Return the address a request comes from; what a trusted proxy says of it counts, what others say does not."""
    remote = request.remote or ""
    try:
        trusted = any(ipaddress.ip_address(remote) in network for network in proxies)
    except ValueError:
        trusted = False
    if not trusted:
        return remote
    return request.headers.get("X-Forwarded-For", remote).rpartition(",")[2].strip()
