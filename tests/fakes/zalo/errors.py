"""Refusals as the platform words them: nearly all of them in HTTP 200; pages of its proxy are none of JSON."""

from __future__ import annotations

from html import escape

from tests.fakes.server import RefusalError
from tests.fakes.wire import Answer, encode

PAGE = """<!DOCTYPE html>
<html><head><title>{status}</title></head><body><h1>{description}</h1><hr>The requested URL {path} … zfe</body></html>
"""


class ApiError(RefusalError):
    """A call is refused. `page` is the HTTP status of a page the proxy answers with; `path` is what it echoes."""

    def __init__(self, code: int, description: str, *, page: int | None = None) -> None:
        super().__init__(code, description)
        self.page = page
        self.path = ""

    def answer(self) -> Answer:
        if self.page is None:
            body = {"ok": False, "description": self.description, "error_code": self.code}
            return Answer(200, encode(body).encode())
        page = PAGE.format(status=self.page, description=escape(self.description), path=escape(self.path))
        return Answer(self.page, page.encode(), media_type="text/html; charset=utf-8")


def bad_request(text: str) -> ApiError:
    return ApiError(400, f"Bad request: {text}")


NAMED: dict[str, tuple[int, str, int | None]] = {
    "bad_request": (400, "Bad request", None),
    "unauthorized": (401, "Unauthorized", None),
    "internal": (403, "Internal server error", None),
    "not_found": (404, "Not Found", None),
    "request_timeout": (408, "Request timeout", None),
    "test_allowance": (426, "Test webhook quota exceeded", None),
    "quota": (429, "Quota exceeded", None),
    "proxy_429": (429, "Too Many Requests", 429),
    "proxy_502": (502, "Bad Gateway", 502),
    "proxy_504": (504, "Gateway Time-out", 504),
}
"""Refusals that a test may order by a short name: code, description, status of the proxy's page."""


def named(name: str) -> ApiError:
    """Return the refusal of that short name; `KeyError` where there is none."""
    code, description, page = NAMED[name]
    return ApiError(code, description, page=page)
