"""The built-in web chat: a page, and the little protocol between the page and us.

A visitor is a random cookie, kept here only as its SHA-256. On a demonstration every persona has a
page of its own under `/demo/<persona>/`, so that one browser can play several people.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web
from aiohttp.multipart import BodyPartReader

from bot.channels.base import Channel, Outgoing, Unreachable
from bot.intake import TextTooLong, TooManyWaiting
from bot.page_mail import mail, shown
from bot.received import MAX_BYTES, NotAPhoto, PhotoTooLarge
from dialogue.messages import Attachment, Capabilities
from storage.database import NotKept
from storage.mailbox import News, NoSuchAddress

NAME = "web_chat"
# It erases nothing when told to: its mailbox is ours and is blanked with the rest (`storage/housekeeping.py`).
CAPABILITIES = Capabilities(
    buttons=True, pictures=True, text_limit=20_000, window=32, repeatable=True, files=True, marks=True
)

COOKIE = "lantoa_visitor"
COOKIE_FORM = re.compile(r"[0-9a-f]{64}")
COOKIE_DAYS = 400  # the longest a browser keeps one
MAX_PHOTOS = 5
MAX_WAIT_S = 25
MAX_FORM_TEXT = 200_000
MAX_CHOICE_CHARS = 64
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

PAGE = Path(__file__).parent / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


class Ports(Protocol):
    """What the web chat needs of the program; `bot/app.py` provides it."""

    async def accept(
        self, external_id: str, key: str, body: Mapping[str, Any], *, sent_at: datetime | None = None
    ) -> None:
        """Commit one message (`bot.intake.Intake.accept`)."""

    async def after(self, external_id: str, last_id: int) -> News:
        """Return what arrived for an address after `last_id`."""

    async def put(self, external_id: str, delivery_id: int, body: Mapping[str, Any]) -> int:
        """Put a message into an address's mailbox and return its id there."""

    async def keep_photo(self, content: bytes) -> Attachment:
        """Keep a photo's bytes on the disk."""

    async def picture(self, external_id: str, name: str) -> Path | None:
        """Return the file of a picture sent to this address."""

    async def file(self, external_id: str, name: str) -> bytes | None:
        """Make a file whose link was sent to this address; None if it was not, or is not hers to see any more."""

    async def language(self, external_id: str) -> str:
        """Return the language of who holds the address, or the default."""

    async def log_out(self, external_id: str) -> None:
        """Cut the address off: its cookie is worth nothing any more."""

    def sentence(self, key: str, language: str) -> str:
        """Return a sentence of the wording files."""

    def page_wording(self, language: str) -> Mapping[str, str]:
        """Return all sentences of the page."""

    def allows(self, request: web.Request, external_id: str) -> bool:
        """Tell whether this visitor and this connection's address may still write now."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who a request comes from: her address on this channel, and the token her page must show for writing."""

    external_id: str
    csrf: str
    persona: str = ""


class WebChat(Channel):
    """The channel. `personas` maps the address part to the shown name, on a demonstration only."""

    name = NAME
    capabilities = CAPABILITIES

    def __init__(self, ports: Ports, *, personas: Mapping[str, str], secure: bool) -> None:
        self._ports = ports
        self._personas = personas
        self._secure = secure
        self._secret = secrets.token_bytes(32)
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._stopping = False

    async def hush(self) -> None:
        """Answer the pages that wait, so that the server can close at once."""
        self._stopping = True
        for external_id in list(self._waiting):
            self._wake(external_id)

    def _wake(self, external_id: str) -> None:
        for event in self._waiting.get(external_id, ()):
            event.set()

    async def send(self, message: Outgoing) -> str:
        """Put a message into the visitor's mailbox; her page fetches it when there is a line."""
        photo = message.picture
        name, size = (photo.path.name, (photo.width, photo.height)) if photo is not None else (None, None)
        body = mail(message.delivery_id, message.rendered, name=name, size=size)
        try:
            number = await self._ports.put(message.external_id, message.delivery_id, body)
        except NoSuchAddress:
            raise Unreachable("no_such_visitor") from None
        self._wake(message.external_id)
        return str(number)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the visitors' page and, on a demonstration, of the personas' pages."""
        bases = ["/chat"] + (["/demo/{persona}"] if self._personas else [])
        front = web.get("/", self._personas_page if self._personas else _to_chat)
        return [front, *(route for base in bases for route in self._page_routes(base))]

    def _page_routes(self, base: str) -> list[web.RouteDef]:
        return [
            web.get(base, _with_slash),
            web.get(f"{base}/", self._page),
            web.get(f"{base}/sw.js", self._service_worker),
            web.get(f"{base}/assets/{{file}}", self._asset),
            web.get(f"{base}/messages", self._guarded(self._fetch)),
            web.post(f"{base}/messages", self._guarded(self._take)),
            web.post(f"{base}/logout", self._guarded(self._log_out)),
            web.get(f"{base}/pictures/{{name}}", self._guarded(self._picture)),
            web.get(f"{base}/files/{{name}}", self._guarded(self._file)),
        ]

    # --- Who she is ---

    def _visitor(self, request: web.Request) -> Visitor | None:
        persona = request.match_info.get("persona")
        if persona is not None:
            if persona not in self._personas:
                raise web.HTTPNotFound
            csrf = hmac.new(self._secret, persona.encode(), hashlib.sha256).hexdigest()
            return Visitor(f"demo:{persona}", csrf, self._personas[persona])
        cookie = request.cookies.get(COOKIE, "")
        return _visitor_of(cookie) if COOKIE_FORM.fullmatch(cookie) else None

    def _guarded(self, handler: Callable[[web.Request, Visitor], Awaitable[web.StreamResponse]]) -> Any:
        async def guarded(request: web.Request) -> web.StreamResponse:
            visitor = self._visitor(request)
            if visitor is None:
                return web.json_response({"error": "unknown"}, status=401)
            shown = request.headers.get("X-CSRF", "").encode(errors="replace")
            if request.method == "POST" and not hmac.compare_digest(shown, visitor.csrf.encode()):
                return web.json_response({"error": "unknown"}, status=401)
            return await handler(request, visitor)

        return guarded

    # --- The page ---

    async def _page(self, request: web.Request) -> web.Response:
        visitor = self._visitor(request)
        cookie = "" if visitor else secrets.token_hex(32)
        visitor = visitor or _visitor_of(cookie)
        language = await self._ports.language(visitor.external_id)
        page = _filled(
            PAGE / "index.html",
            language=language,
            csrf=visitor.csrf,
            title=escape(self._ports.sentence("page.title", language)),
            persona=escape(visitor.persona),
            wording=_in_script(self._ports.page_wording(language)),
        )
        response = _html(page)
        if cookie:
            self._set_cookie(response, cookie)
        return response

    def _set_cookie(self, response: web.Response, cookie: str) -> None:
        age = COOKIE_DAYS * 86_400
        response.set_cookie(
            COOKIE, cookie, path="/chat/", max_age=age, httponly=True, samesite="Lax", secure=self._secure
        )

    async def _personas_page(self, _request: web.Request) -> web.Response:
        items = "".join(
            f'<li><a href="demo/{slug}/" target="_blank" rel="noopener">{escape(name)}</a></li>'
            for slug, name in self._personas.items()
        )
        return _html(_filled(PAGE / "personas.html", personas=items))

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        files = {
            path.name: path
            for path in PAGE.iterdir()
            if path.suffix in (".css", ".js", ".svg") and path.name != "sw.js"
        }
        if request.match_info["file"] not in files:
            raise web.HTTPNotFound
        return web.FileResponse(files[request.match_info["file"]], headers={"Cache-Control": "no-cache"})

    async def _service_worker(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / "sw.js", headers={"Cache-Control": "no-cache"})

    # --- What the page asks ---

    async def _fetch(self, request: web.Request, visitor: Visitor) -> web.Response:
        last = _number(request.query.get("after"), most=2**62)
        if last == 0 and not self._ports.allows(request, visitor.external_id):
            # A first visit writes: her greeting.
            return await self._refused("page.error.too_fast", visitor, 429)
        wait_s = _number(request.query.get("wait"), most=MAX_WAIT_S)
        woken = asyncio.Event()
        self._waiting.setdefault(visitor.external_id, set()).add(woken)
        try:
            news = await self._news(visitor.external_id, last, woken, wait_s)
        except NotKept:
            return await self._refused("page.error.later", visitor, 503)
        except TooManyWaiting:
            return await self._refused("page.error.too_fast", visitor, 429)
        finally:
            self._waiting[visitor.external_id].discard(woken)
            if not self._waiting[visitor.external_id]:
                del self._waiting[visitor.external_id]
        return web.json_response({"messages": [shown(each) for each in news.posted], "after": news.last_id})

    async def _news(self, external_id: str, last: int, woken: asyncio.Event, wait_s: int) -> News:
        news = await self._ports.after(external_id, last)
        if not news.posted and last == 0:
            # A first visit: whoever opens the page is greeted. The key makes it one greeting.
            await self._ports.accept(external_id, f"{external_id}:start", {"text": "/start"})
        if news.posted or news.last_id < last or not wait_s or self._stopping:
            return news
        try:
            await asyncio.wait_for(woken.wait(), wait_s)
        except TimeoutError:
            return news
        return await self._ports.after(external_id, last)

    async def _take(self, request: web.Request, visitor: Visitor) -> web.Response:
        if not self._ports.allows(request, visitor.external_id):
            return await self._refused("page.error.too_fast", visitor, 429)
        try:
            return await self._accepted(request, visitor)
        except NotKept:
            return await self._refused("page.error.later", visitor, 503)
        except TooManyWaiting:
            return await self._refused("page.error.too_fast", visitor, 429)
        except (TextTooLong, PhotoTooLarge):
            return await self._refused("page.error.too_large", visitor, 413)
        except NotAPhoto:
            return await self._refused("page.error.not_a_photo", visitor, 415)
        except (ValueError, TypeError, LookupError):
            return await self._refused("page.error.unreadable", visitor, 400)

    async def _accepted(self, request: web.Request, visitor: Visitor) -> web.Response:
        message, photos = await _read_form(request, self._ports.keep_photo)
        key = str(message["id"])
        if not key.isalnum() or not 16 <= len(key) <= 64:
            raise ValueError("the message carries no id of its own")
        body = {
            "text": _text(message.get("text")),
            "pressed": _choice(message.get("choice")),
            "attachments": [
                {"sha256": p.sha256, "media_type": p.media_type, "size_bytes": p.size_bytes} for p in photos
            ],
        }
        sent_at = _instant(message.get("sent_at"))
        await self._ports.accept(visitor.external_id, f"{visitor.external_id}:{key}", body, sent_at=sent_at)
        return web.json_response({"accepted": True})

    async def _refused(self, key: str, visitor: Visitor, status: int) -> web.Response:
        language = await self._ports.language(visitor.external_id)
        headers = {"Retry-After": "5"} if status in (429, 503) else {}
        return web.json_response({"error": self._ports.sentence(key, language)}, status=status, headers=headers)

    async def _log_out(self, _request: web.Request, visitor: Visitor) -> web.Response:
        if not visitor.persona:
            await self._ports.log_out(visitor.external_id)
        response = web.Response(status=204)
        response.del_cookie(COOKIE, path="/chat/")
        return response

    async def _picture(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        path = await self._ports.picture(visitor.external_id, request.match_info["name"])
        if path is None:
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={"Cache-Control": "private, max-age=31536000, immutable"})

    async def _file(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        """Make a file she was sent a link to, as things stand now; it is kept nowhere."""
        if not self._ports.allows(request, visitor.external_id):
            raise web.HTTPTooManyRequests
        name = request.match_info["name"]
        content = await self._ports.file(visitor.external_id, name)
        if content is None:
            raise web.HTTPNotFound
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return web.Response(body=content, content_type=SPREADSHEET, headers=headers)


async def _to_chat(_request: web.Request) -> web.Response:
    raise web.HTTPFound("/chat/")


async def _with_slash(request: web.Request) -> web.Response:
    raise web.HTTPFound(f"{request.path}/")


def _visitor_of(cookie: str) -> Visitor:
    external_id = hashlib.sha256(cookie.encode()).hexdigest()
    return Visitor(external_id, hmac.new(cookie.encode(), b"csrf", hashlib.sha256).hexdigest())


def _filled(template: Path, **values: str) -> str:
    page = template.read_text(encoding="utf-8")
    for name, value in values.items():
        page = page.replace("{{" + name + "}}", value)
    return page


def _html(page: str) -> web.Response:
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    response = web.Response(text=page, content_type="text/html", headers=headers)
    response.enable_compression()
    return response


def _in_script(wording: Mapping[str, str]) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(dict(wording), ensure_ascii=False).replace("<", "\\u003c")


def _number(text: str | None, *, most: int) -> int:
    return min(int(text), most) if text and text.isdecimal() and len(text) < 20 else 0


def _text(value: object, *, most: int = MAX_FORM_TEXT) -> str:
    if value is not None and not isinstance(value, str):
        raise TypeError("text is expected")
    if value is not None and len(value) > most:
        raise ValueError("longer than the page writes it")
    return value or ""


def _choice(value: object) -> str | None:
    choice = _text(value, most=MAX_CHOICE_CHARS)
    choice.encode()  # half a letter is no button of ours: `UnicodeEncodeError` is a `ValueError`
    return choice or None


def _instant(value: object) -> datetime | None:
    """The time on her phone; one that cannot be read is left out, the message counts."""
    try:
        when = datetime.fromisoformat(str(value))
        return when.astimezone(UTC) if when.tzinfo else None
    except (ValueError, OverflowError):
        return None


async def _read_form(
    request: web.Request, keep: Callable[[bytes], Awaitable[Attachment]]
) -> tuple[Mapping[str, Any], list[Attachment]]:
    """Return the message and its photos, kept one by one: several at once are too much for a small machine."""
    if not request.content_type.startswith("multipart/"):
        return _json_object(await _whole(request.content.iter_chunked(64 * 1024), MAX_FORM_TEXT, TextTooLong)), []
    message: Mapping[str, Any] | None = None
    photos: list[Attachment] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise ValueError("a form inside a form")
        if part.name == "message" and message is None:
            message = _json_object(await _whole(_chunks(part), MAX_FORM_TEXT, TextTooLong))
        elif part.name == "photo" and len(photos) < MAX_PHOTOS:
            photos.append(await keep(await _whole(_chunks(part), MAX_BYTES, PhotoTooLarge)))
        else:
            raise ValueError("a part that the page does not write")
    if message is None:
        raise ValueError("the form holds no message")
    return message, photos


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(256 * 1024):
        yield chunk


async def _whole(chunks: AsyncIterable[bytes], most: int, too_large: type[ValueError]) -> bytes:
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) > most:
            raise too_large
    return bytes(content)


def _json_object(text: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(text.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(value, dict):
        raise TypeError("an object is expected")
    return value
