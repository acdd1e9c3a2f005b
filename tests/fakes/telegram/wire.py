"""Read calls as Telegram takes them: query, JSON, form, multipart; and write its answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.fakes import wire
from tests.fakes.telegram.errors import ApiError, bad_request
from tests.fakes.wire import Answer, encode

Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a call."""

    filename: str
    content: bytes
    media_type: str


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
        return wire.parse_object(text)
    except ValueError:
        raise bad_request("can't parse JSON object") from None


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
