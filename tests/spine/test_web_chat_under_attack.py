"""The web chat against hostile, huge and broken requests, and on a disk without room."""

from __future__ import annotations

import asyncio
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData
from sqlalchemy import func, select

from bot import received
from bot.channels.web_chat import COOKIE
from storage.database import Connection, StorageFull
from storage.schema import address, inbox, mailbox
from tests.spine.conftest import Line, message

JPEG = b"\xff\xd8\xff" + b"x" * 5_000


async def count(line: Line) -> int:
    return await line.parts.db.read(lambda db: db.scalar(select(func.count()).select_from(inbox)) or 0)


async def fill_up(line: Line, pages: int = 1) -> None:
    """Let the database grow no further (`pages` below its size counts as its size)."""
    await line.parts.db.write(lambda db: db.exec_driver_sql(f"pragma max_page_count = {pages}") and None)


async def test_a_message_is_kept_once_however_often_it_is_sent(line: Line) -> None:
    for _ in range(3):
        assert (await line.post(json=message())).status == 200
    assert await count(line) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\xfe{}",
        b"{" * 50_000,
        b'{"id": "0123456789abcdef", "x": ' + b"[" * 90_000 + b"]" * 90_000 + b"}",
        b'{"id": ' + b"1" * 10_000 + b"}",
        json.dumps({"text": "menu"}).encode(),
        json.dumps(message(id="kurz")).encode(),
        json.dumps(message(id="../../../../etc/passwd")).encode(),
        json.dumps(message(id=["0123456789abcdef"])).encode(),
        json.dumps(message(text=["menu"])).encode(),
        json.dumps(message(text={"a": 1})).encode(),
        json.dumps(message(choice=7)).encode(),
        json.dumps(message(choice="1" * 5_000)).encode(),
        json.dumps(message(choice="\ud800.0")).encode(),
    ],
    ids=range(16),
)
async def test_what_cannot_be_read_is_refused_in_words_and_not_kept(line: Line, body: bytes) -> None:
    answer = await line.post(data=io.BytesIO(body), headers={"Content-Type": "application/json"})
    assert answer.status == 400
    assert "error" in await answer.json()
    assert await count(line) == 0


@pytest.mark.parametrize(
    "text",
    ["\0" * 100, "\ud800 menu", "menu\0", "a" * 20_000, "é" * 20_000, "", "\u202e" * 50, "{count}%s%n"],
    ids=range(8),
)
async def test_odd_text_is_kept_cleanly(line: Line, text: str) -> None:
    assert (await line.post(json=message(text=text))).status == 200
    kept = await line.parts.db.read(lambda db: db.execute(select(inbox.c.body)).scalar_one())
    assert "\0" not in kept["text"]
    await line.parts.dispatcher.drain()
    assert await line.parts.db.read(lambda db: db.scalar(select(inbox.c.state))) == "done"


@pytest.mark.parametrize("chars", [20_001, 3_000_000])
async def test_too_much_text_is_refused_in_words(line: Line, chars: int) -> None:
    body = io.BytesIO(json.dumps(message(text="x" * chars)).encode())
    answer = await line.post(data=body, headers={"Content-Type": "application/json"})
    assert answer.status == 413
    assert await count(line) == 0


@pytest.mark.parametrize("sent_at", [None, 7, [], "", "x", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_strange_time_is_left_out(line: Line, sent_at: object) -> None:
    assert (await line.post(json=message(sent_at=sent_at))).status == 200


@pytest.mark.parametrize("after", ["-1", "x", "9" * 19, "9" * 500, "1.5", "１", "", "\0"], ids=range(8))
async def test_hostile_places_to_go_on_from_are_answered(line: Line, after: str) -> None:
    answer = await line.fetch(after)
    assert answer.status == 200
    assert (await answer.json())["messages"] == []


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed"])
async def test_a_form_without_an_end_is_refused(line: Line, content_type: str) -> None:
    answer = await line.post(data=b"--x\r\n\r\nbody", headers={"Content-Type": content_type})
    assert answer.status == 400


async def test_a_form_inside_a_form_is_refused(line: Line) -> None:
    body = b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\nhi\r\n--y--\r\n--x--\r\n"
    answer = await line.post(data=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status == 400


def form(*, photos: int = 0, others: int = 0, photo: bytes = JPEG) -> FormData:
    parts = FormData()
    parts.add_field("message", json.dumps(message()))
    for number in range(photos):
        parts.add_field("photo", io.BytesIO(photo), filename=f"../../{number}.jpg", content_type="image/jpeg")
    for number in range(others):
        parts.add_field(f"other{number}", "x" * 1_000)
    return parts


async def test_a_photo_is_kept_under_a_name_of_ours(line: Line) -> None:
    assert (await line.post(data=form(photos=1))).status == 200
    folder = line.parts.config.data.folder / "received"
    assert [len(path.name) for path in folder.iterdir()] == [64]


@pytest.mark.parametrize(("photos", "others"), [(6, 0), (0, 50), (1, 20)])
async def test_a_form_of_more_parts_than_the_page_writes_is_refused(line: Line, photos: int, others: int) -> None:
    answer = await line.post(data=form(photos=photos, others=others))
    assert answer.status == 400
    assert await count(line) == 0


async def test_a_photo_that_is_none_and_one_too_large_are_refused_in_words(line: Line) -> None:
    assert (await line.post(data=form(photos=1, photo=b"GIF89a"))).status == 415
    large = JPEG + b"x" * received.MAX_BYTES
    assert (await line.post(data=form(photos=1, photo=large))).status == 413


async def test_a_full_database_is_said_in_words_and_work_goes_on_when_there_is_room(line: Line) -> None:
    await fill_up(line)
    answers = [await line.post(json=message(number, text="x" * 20_000)) for number in range(8)]
    refused = [answer for answer in answers if answer.status == 503]
    assert refused
    assert all(answer.headers["Retry-After"] == "5" for answer in refused)
    vietnamese = line.parts.content.wording.sentence("page.error.later", "vi")
    assert {(await answer.json())["error"] for answer in refused} == {vietnamese}
    assert await count(line) == len(answers) - len(refused), "acknowledged is kept, refused is not"
    await fill_up(line, 1_000_000)
    assert (await line.post(json=message(99, text="x" * 20_000))).status == 200


async def test_a_first_visit_on_a_full_disk_is_asked_to_come_back(line: Line) -> None:
    async def full(*_given: Any, **_named: Any) -> None:
        raise StorageFull

    object.__setattr__(line.parts.intake, "accept", full)
    answer = await line.fetch()
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"


async def test_a_photo_without_room_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there").chmod(0o500)
    if os.geteuid() == 0:
        # Root may write everywhere: a file in the folder's place has the same end.
        (tmp_path / "there").rmdir()
        (tmp_path / "there").write_bytes(b"")
    with pytest.raises(received.NotKept):
        await received.keep(tmp_path / "there", JPEG)


@pytest.mark.parametrize("header", [{"X-CSRF": ""}, {"X-CSRF": "0" * 64}, {"X-CSRF": "ö\udcff"}, {"Cookie": ""}])
async def test_a_write_without_the_pages_token_is_refused(line: Line, header: dict[str, str]) -> None:
    answer = await line.post(json=message(), headers=header)
    assert answer.status == 401
    assert await count(line) == 0


@pytest.mark.parametrize("cookie", ["x" * 64, "ö" * 64, "0" * 63, "A" * 64], ids=range(4))
async def test_a_cookie_that_we_never_made_is_a_stranger(line: Line, cookie: str) -> None:
    answer = await line.client.get("/chat/messages", headers={"Cookie": f"{COOKIE}={cookie}"})
    assert answer.status == 401


async def test_a_wide_open_door_makes_no_strangers_without_end(line: Line) -> None:
    strangers = select(func.count()).where(address.c.channel == "web_chat")
    before = await line.parts.db.read(lambda db: db.scalar(strangers)) or 0
    statuses = set()
    line.parts.channels["web_chat"]._ports.connections.most = 20  # type: ignore[attr-defined]
    for number in range(40):
        headers = {"Cookie": f"{COOKIE}={number:064x}"}
        statuses.add((await line.client.get("/chat/messages?after=0", headers=headers)).status)
    assert statuses == {200, 429}
    assert (await line.parts.db.read(lambda db: db.scalar(strangers)) or 0) <= before + 20


@pytest.mark.parametrize("name", ["..%2f..%2fconfig.yaml", "%00", "x.jpg", "%ff"])
async def test_a_picture_that_was_not_sent_to_her_is_not_there(line: Line, name: str) -> None:
    headers = {"Cookie": f"{COOKIE}={line.cookies[COOKIE]}"}
    answer = await line.client.get(f"/chat/pictures/{name}", headers=headers)
    assert answer.status in (400, 404)


@pytest.mark.parametrize("path", ["/chat/assets/..%2f..%2fweb.py", "/chat/assets/index.html", "/chat/assets/", "/x"])
async def test_nothing_but_the_pages_own_files_is_served(line: Line, path: str) -> None:
    assert (await line.client.get(path)).status == 404


async def test_every_answer_has_the_protective_headers(line: Line) -> None:
    for answer in (await line.client.get("/chat/"), await line.client.get("/x"), await line.post(data=b"")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(line: Line) -> None:
    answer = await line.client.get("/chat/", headers={"Cookie": ""})
    made = answer.headers["Set-Cookie"]
    assert "HttpOnly" in made
    assert "SameSite=Lax" in made
    assert "Path=/chat/" in made


@pytest.mark.parametrize("header", ["X-Forwarded-For", "x-forwarded-for", "Forwarded", "X-Real-IP", "Via"])
async def test_the_metrics_are_not_shown_through_a_proxy(line: Line, header: str) -> None:
    assert (await line.client.get("/metrics")).status == 200
    assert (await line.client.get("/metrics", headers={header: "203.0.113.9"})).status == 404


async def test_a_waiting_page_hears_at_once_and_all_waiting_pages_of_hers_do(line: Line) -> None:
    await line.fetch()
    await line.parts.dispatcher.drain()
    await line.parts.sender.drain()
    last = (await (await line.fetch()).json())["after"]
    waiting = [asyncio.create_task(line.fetch(last, wait=25)) for _ in range(3)]
    chat: Any = line.parts.channels["web_chat"]
    while sum(len(each) for each in chat._waiting.values()) < 3:
        await asyncio.sleep(0)
    await line.post(json=message())
    await line.parts.dispatcher.drain()
    await line.parts.sender.drain()
    answers = [await (await task).json() for task in waiting]
    assert all(len(answer["messages"]) == 1 for answer in answers)
    assert chat._waiting == {}, "nobody who left is remembered"


async def test_a_page_that_left_while_waiting_is_forgotten(line: Line) -> None:
    await line.parts.db.write(lambda db: None)
    task = asyncio.create_task(line.fetch(5, wait=25))
    chat = line.parts.channels["web_chat"]
    await chat.stop()
    assert (await task).status == 200
    assert chat._waiting == {}  # type: ignore[attr-defined]


async def test_what_was_logged_out_is_a_stranger_when_it_comes_back(line: Line) -> None:
    await line.post(json=message())
    await line.parts.dispatcher.drain()
    await line.parts.sender.drain()
    assert (await (await line.fetch()).json())["messages"]
    headers = {"X-CSRF": line.csrf, "Cookie": f"{COOKIE}={line.cookies[COOKIE]}"}
    assert (await line.client.post("/chat/logout", headers=headers)).status == 204
    assert (await (await line.fetch(7)).json())["messages"] == []


async def test_a_mailbox_is_written_once_for_each_delivery(line: Line) -> None:
    await line.post(json=message())
    await line.parts.dispatcher.drain()
    await line.parts.sender.drain()

    def posted(db: Connection) -> list[tuple[int, int]]:
        rows = db.execute(select(mailbox.c.delivery_id, func.count()).group_by(mailbox.c.delivery_id))
        return [(row[0], row[1]) for row in rows]

    [(delivery_id, once)] = await line.parts.db.read(posted)
    chat: Any = line.parts.channels["web_chat"]
    external_id = next(iter(await line.parts.db.read(_external_ids)))
    await asyncio.gather(*(chat._ports.put(external_id, delivery_id, {"text": "x"}) for _ in range(3)))
    assert once == 1
    assert await line.parts.db.read(posted) == [(delivery_id, 1)]


def _external_ids(db: Connection) -> list[str]:
    query = select(address.c.external_id).where(address.c.channel == "web_chat", ~address.c.external_id.contains(":"))
    return list(db.scalars(query))
