"""Write answers, whole or broken."""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass
from typing import Any

from aiohttp import web

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
JSON_HEADERS = {"Content-Type": "application/json"}
GARBAGE = b"<html><body><h1>Dang nhap Wi-Fi</h1></body></html>"
RESET_AT_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a status and a JSON text, or a page where `media_type` says so."""

    status: int
    body: bytes
    retry_after_s: int | None = None
    media_type: str = "application/json"

    def response(self) -> web.Response:
        response = web.Response(status=self.status, body=self.body, headers={"Content-Type": self.media_type})
        if self.retry_after_s is not None:
            response.headers["Retry-After"] = str(self.retry_after_s)
        return response


def parse_object(text: bytes) -> dict[str, Any]:
    """Return a JSON object; `ValueError` where it is none."""
    found = json.loads(text) if text else {}
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def drop(request: web.BaseRequest) -> web.Response:
    """Reset the connection without an answer."""
    if request.transport is not None:
        line = request.transport.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
        request.transport.abort()
    return web.Response(status=500)


def cut(request: web.BaseRequest, answer: Answer) -> web.Response:
    """Write half of an answer and close the connection."""
    if request.transport is not None:
        lines = (
            f"HTTP/1.1 {answer.status} OK",
            "Content-Type: application/json",
            f"Content-Length: {len(answer.body)}",
        )
        half = answer.body[: len(answer.body) // 2]
        request.transport.write("\r\n".join((*lines, "", "")).encode() + half)
        request.transport.close()
    return web.Response(status=500)


def garbage() -> web.Response:
    """Answer what a proxy or a café's network answers in the platform's place."""
    return web.Response(status=200, body=GARBAGE, headers={"Content-Type": "text/html"})
