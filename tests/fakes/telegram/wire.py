"""Read calls as Telegram takes them (query, JSON, form, multipart) and write answers, whole or broken."""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.fakes.telegram.errors import ApiError, bad_request

Params = dict[str, Any]
encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
JSON_HEADERS = {"Content-Type": "application/json"}
GARBAGE = b"<html><body><h1>Dang nhap Wi-Fi</h1></body></html>"
RESET_AT_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a call."""

    filename: str
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a status and a JSON text."""

    status: int
    body: bytes
    retry_after_s: int | None = None

    def response(self) -> web.Response:
        response = web.Response(status=self.status, body=self.body, headers=JSON_HEADERS)
        if self.retry_after_s is not None:
            response.headers["Retry-After"] = str(self.retry_after_s)
        return response


def success(result: Any) -> Answer:
    return Answer(200, b'{"ok":true,"result":' + encode(result).encode() + b"}")


def failure(error: ApiError) -> Answer:
    return Answer(error.code, encode(error.body()).encode(), error.parameters.get("retry_after"))


async def read_params(request: web.BaseRequest) -> Params:
    """Return the parameters of a call; values are as they came: text in forms, anything in JSON, `Upload` for files."""
    params: Params = dict(request.query) if "?" in request.raw_path else {}
    if request.method == "GET" or not request.can_read_body:
        return params
    if request.content_type == "application/json":
        return params | parse_object(await request.read())
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            with value.file:
                params[name] = Upload(value.filename, value.file.read(), value.content_type)
        else:
            params[name] = value if isinstance(value, str) else value.decode()
    return params


def parse_object(text: bytes) -> Params:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise bad_request("can't parse JSON object")
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
    """Answer what a proxy or a café's network answers in Telegram's place."""
    return web.Response(status=200, body=GARBAGE, headers={"Content-Type": "text/html"})


def whole_number(
    params: Params, name: str, default: int = 0, *, least: int | None = None, most: int | None = None
) -> int:
    """Return a number, brought within its bounds as the server does; `default` where there is none that can be read."""
    try:
        number = int(params.get(name, default))
    except (TypeError, ValueError):
        number = default
    number = number if least is None else max(least, number)
    return number if most is None else min(most, number)


def flag(params: Params, name: str) -> bool:
    """Return a yes or no; forms say it in words."""
    value = params.get(name, False)
    return value.lower() in {"true", "yes", "1"} if isinstance(value, str) else bool(value)


def words(params: Params, name: str) -> str:
    value = params.get(name, "")
    return value if isinstance(value, str) else str(value)


def structure(params: Params, name: str, complaint: str) -> Any:
    """Return a list or an object that came as itself or as JSON text; None where it is missing.

    Refuses with `complaint` what cannot be read.
    """
    value = params.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(complaint) from None
    return value
