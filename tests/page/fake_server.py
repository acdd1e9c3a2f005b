"""A stand-in for the web chat's server: it speaks the page's protocol over HTTP and keeps its own ledger.

Tests compare the ledger with what was written on the page. Faults are ordered under `/control/`.
To look at the page while working on it: `python -m tests.page.fake_server --talk`.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from aiohttp import web
from babel.messages.pofile import read_po
from PIL import Image

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "bot" / "channels" / "page"
WORDING = ROOT / "content" / "locales" / "vi.po"
COOKIE = "fake_visitor"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "manifest-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass
class Visitor:
    """One cookie: her token and the messages sent to her."""

    csrf: str = field(default_factory=lambda: secrets.token_hex(32))
    mailbox: list[dict[str, Any]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Fake:
    """Everything the fake remembers. `ledger` holds each accepted message once; `attempts` every POST."""

    wording: dict[str, str]
    talk: bool
    visitors: dict[str, Visitor] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    last_id: int = 0
    down: bool = False


FAKE = web.AppKey("fake", Fake)


def read_wording(path: Path) -> dict[str, str]:
    """Return the page's sentences of a `.po` file, by key."""
    with path.open("rb") as source:
        catalog = read_po(source)
    return {str(entry.id): str(entry.string) for entry in catalog if str(entry.id).startswith("page.")}


def build(fake: Fake) -> web.Application:
    """Return the application: the page under `/chat/`, the orders of the tests under `/control/`."""
    app = web.Application(client_max_size=80 * 2**20, middlewares=[cut_when_down])
    app[FAKE] = fake
    app.add_routes(
        [
            web.get("/chat/", show_page),
            web.get("/chat/sw.js", give_worker),
            web.get("/chat/assets/{file}", give_asset),
            web.get("/chat/messages", give_messages),
            web.post("/chat/messages", take_message),
            web.post("/chat/logout", log_out),
            web.get("/chat/pictures/{name}", give_picture),
            web.get("/control/state", show_state),
            web.post("/control/{order}", obey),
        ]
    )
    return app


@web.middleware
async def cut_when_down(request: web.Request, handler: Any) -> web.StreamResponse:
    """Break every connection of the page while the fake plays dead."""
    if request.app[FAKE].down and not request.path.startswith("/control/"):
        return cut(request)
    response: web.StreamResponse = await handler(request)
    return response


def cut(request: web.Request) -> web.Response:
    """End the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


# --- The page and its files ---


async def show_page(request: web.Request) -> web.Response:
    fake = request.app[FAKE]
    cookie = request.cookies.get(COOKIE, "")
    if cookie not in fake.visitors:
        cookie = secrets.token_hex(32)
        fake.visitors[cookie] = Visitor()
    words = json.dumps(fake.wording, ensure_ascii=False).replace("<", "\\u003c")
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    title = escape(fake.wording["page.title"])
    values = {"language": "vi", "csrf": fake.visitors[cookie].csrf, "title": title, "persona": ""}
    for name, value in {**values, "wording": words}.items():
        page = page.replace("{{" + name + "}}", value)
    response = web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": POLICY})
    response.set_cookie(COOKIE, cookie, path="/chat/", httponly=True, samesite="Lax")
    return response


async def give_asset(request: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / Path(request.match_info["file"]).name, headers={"Cache-Control": "no-cache"})


async def give_worker(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "sw.js", headers={"Cache-Control": "no-cache"})


async def give_picture(request: web.Request) -> web.Response:
    fake = request.app[FAKE]
    name = request.match_info["name"]
    if name.startswith("slow"):
        await fake.release.wait()
    return web.Response(body=fake.pictures[name], content_type="image/png")


# --- The protocol ---


def visitor_of(request: web.Request) -> Visitor:
    visitor = request.app[FAKE].visitors.get(request.cookies.get(COOKIE, ""))
    if visitor is None or (request.method == "POST" and request.headers.get("X-CSRF") != visitor.csrf):
        raise web.HTTPUnauthorized
    return visitor


async def give_messages(request: web.Request) -> web.Response:
    fake = request.app[FAKE]
    visitor = visitor_of(request)
    after = int(request.query["after"])
    visitor.arrived.clear()
    if not newer(visitor, after) and after <= fake.last_id:
        await wait_for(visitor.arrived, float(request.query["wait"]))
    found = newer(visitor, after)
    # After a restore the page may have seen more than we have: `after` then goes back.
    last = max((message["id"] for message in visitor.mailbox), default=0)
    return web.json_response({"messages": found, "after": last})


def newer(visitor: Visitor, after: int) -> list[dict[str, Any]]:
    return [message for message in visitor.mailbox if message["id"] > after]


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


async def take_message(request: web.Request) -> web.Response:
    fake = request.app[FAKE]
    visitor = visitor_of(request)
    message = await read_message(request)
    fake.attempts.append(message["id"])
    fault = fake.faults.pop(0) if fake.faults else {"do": "accept"}
    if fault["do"] == "refuse":
        return web.json_response({"error": fault["error"]}, status=int(fault["status"]))
    if fault["do"] == "later":
        return web.Response(status=int(fault["status"]), headers={"Retry-After": str(fault["retry_after"])})
    if fault["do"] == "drop_before":
        return cut(request)
    if fault["do"] == "hold":
        await fake.release.wait()
    record(fake, visitor, message)
    if fault["do"] == "drop_after":
        return cut(request)
    if fault["do"] == "garble_after":  # as a café's network answers in our place
        return web.Response(text="<html>Log in</html>", content_type="text/html")
    return web.json_response({"accepted": True})


def record(fake: Fake, visitor: Visitor, message: dict[str, Any]) -> None:
    if any(known["id"] == message["id"] for known in fake.ledger):
        return
    fake.ledger.append(message)
    if fake.talk:
        buttons = [{"value": "yes", "label": "Đúng rồi"}, {"value": "fix", "label": "Sửa lại"}]
        say(fake, visitor, {"text": f"Trợ lý Hội đã nhận: {message['text'] or message['label']}", "choices": buttons})


async def read_message(request: web.Request) -> dict[str, Any]:
    """Return the message as sent, with `photos` as `[content type, width, height]` each."""
    if request.content_type == "application/json":
        return {**await request.json(), "photos": []}
    form = await request.post()
    files = [part for part in form.getall("photo") if isinstance(part, web.FileField)]
    return {**json.loads(str(form["message"])), "photos": [measured(part) for part in files]}


def measured(part: web.FileField) -> list[Any]:
    with part.file, Image.open(io.BytesIO(part.file.read())) as image:
        return [part.content_type, *image.size]


async def log_out(request: web.Request) -> web.Response:
    visitor_of(request)
    del request.app[FAKE].visitors[request.cookies[COOKIE]]
    response = web.Response(status=204)
    response.del_cookie(COOKIE, path="/chat/")
    return response


# --- What the tests order ---


def say(fake: Fake, visitor: Visitor, message: dict[str, Any]) -> None:
    fake.last_id += 1
    at = datetime.now(UTC).isoformat()
    visitor.mailbox.append({"id": fake.last_id, "choices": [], "picture": None, "at": at, **message})
    visitor.arrived.set()


def draw(width: int, height: int) -> bytes:
    """Return a PNG chart of sorts."""
    image = Image.new("RGB", (width, height), "#fff4ee")
    for index in range(6):
        left = width * (index * 2 + 1) // 13
        top = height - height * (index + 2) // 9
        image.paste("#b8276d", (left, top, left + width // 13, height - height // 10))
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


def restore(fake: Fake, last_id: int) -> None:
    """Go back to a backup that ends at a message."""
    fake.last_id = last_id
    for visitor in fake.visitors.values():
        visitor.mailbox = [message for message in visitor.mailbox if message["id"] <= last_id]


def begin_anew(fake: Fake) -> None:
    """Forget everything; who still waits for `release` is let go."""
    fake.release.set()
    vars(fake).update(vars(Fake(fake.wording, fake.talk)))


async def obey(request: web.Request) -> web.Response:
    """Carry out `say`, `picture`, `fault`, `down`, `up`, `release`, `restore`, `forget` (all visitors) or `anew`."""
    fake = request.app[FAKE]
    order = request.match_info["order"]
    body = await request.json()
    if order == "say":
        for visitor in fake.visitors.values():
            say(fake, visitor, body)
    elif order == "picture":
        fake.pictures[body["name"]] = draw(body["width"], body["height"])
    elif order == "fault":
        fake.faults.append(body)
    elif order == "restore":
        restore(fake, int(body["last_id"]))
    elif order == "forget":
        fake.visitors.clear()
    elif order == "release":
        fake.release.set()
    elif order == "anew":
        begin_anew(fake)
    else:
        fake.down = order == "down"
    return web.json_response({})


async def show_state(request: web.Request) -> web.Response:
    fake = request.app[FAKE]
    return web.json_response({"ledger": fake.ledger, "attempts": fake.attempts, "visitors": len(fake.visitors)})


async def serve(port: int, wording: Path, *, talk: bool) -> None:
    """Serve until ended; the first printed line is the page's address."""
    runner = web.AppRunner(build(Fake(read_wording(wording), talk)), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/chat/", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--wording", type=Path, default=WORDING)
    parser.add_argument("--talk", action="store_true", help="answer every message")
    chosen = parser.parse_args()
    asyncio.run(serve(chosen.port, chosen.wording, talk=chosen.talk))


if __name__ == "__main__":
    main()
