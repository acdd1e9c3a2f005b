"""Every row of the table of errors, asked over HTTP, and each way an answer can be none."""

from __future__ import annotations

import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.channels.base import ChannelDown, NotSent, PictureRefused, Refused, SendError, TooManyRequests, Unclear
from bot.channels.zalo_bot.api import Api
from bot.channels.zalo_bot.errors import FIRST_WAIT_S, ROWS, Row
from bot.content import load_content
from tests.channels.conftest import ROOT

TOKEN = "123456789:canary-canary_canary"
NEVER_SEEN = {"token_refused"}
"""Reasons that never end a message of a broadcast: the sender deals with them."""


async def meaning(status: int, body: object) -> SendError:
    """Return what an answer means for the message that was sent."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode())

    app = web.Application()
    app.router.add_post("/bot{token}/sendMessage", answer)
    async with TestServer(app) as server:
        api = Api(TOKEN, str(server.make_url("/")), connections=1)
        await api.open()
        try:
            await api.send("sendMessage", chat_id="x", text="x")
        except SendError as error:
            assert TOKEN not in f"{error!r}{error.__cause__!r}{error.__context__!r}{api!r}"
            return error
        finally:
            await api.close()
    raise AssertionError("the answer was taken for a success")


def refusal(code: object, description: str = "") -> dict[str, object]:
    return {"ok": False, "error_code": code, "description": description}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.code} {row.words}")
async def test_each_row_of_the_table_is_what_its_answer_means(row: Row) -> None:
    found = await meaning(200, refusal(row.code, f"Bad request: the {row.words.upper()} and more"))
    assert (type(found), found.reason) == (row.means, row.reason)


@pytest.mark.parametrize(
    ("code", "description", "means", "reason"),
    [
        (400, "Bad request: The chat_id must not be empty", Refused, "refused"),
        (400, "Bad request: The photo URL is invalid", PictureRefused, "picture"),
        ("400", "in words", Refused, "refused"),
        (401, "Unauthorized", ChannelDown, "token_refused"),
        (403, "Internal server error", NotSent, "platform_error"),
        (404, "Not Found", Refused, "refused"),
        (408, "Request timeout", Unclear, "timeout"),
        (426, "", Refused, "refused"),
        (429, "Quota exceeded", TooManyRequests, "quota"),
        (500, "", Unclear, "server_error"),
        (418, "I'm a teapot", Refused, "refused"),
    ],
)
async def test_the_platforms_own_codes_are_known(
    code: object, description: str, means: type[SendError], reason: str
) -> None:
    found = await meaning(200, refusal(code, description))
    assert (type(found), found.reason) == (means, reason)


PAGE = f"<html><body>POST /bot{TOKEN}/sendMessage</body></html>".encode()


@pytest.mark.parametrize(
    ("status", "means", "reason"),
    [
        (429, TooManyRequests, "flood"),
        (502, Unclear, "server_error"),
        (504, Unclear, "server_error"),
        (403, Unclear, "garbled"),
        (200, Unclear, "garbled"),
        (302, Unclear, "garbled"),
    ],
)
async def test_a_page_of_the_proxy_is_no_answer_and_gives_no_token_away(
    status: int, means: type[SendError], reason: str
) -> None:
    found = await meaning(status, PAGE)
    assert (type(found), found.reason) == (means, reason)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"7",
        b"\xff\xfe",
        b"{" * 5000,
        {"ok": True},
        {"ok": True, "result": {}},
        {"ok": True, "result": {"message_id": None}},
        {"ok": False},
        refusal(None),
        refusal("soon"),
        refusal(True),
    ],
)
async def test_an_answer_nobody_can_read_says_nothing_about_the_message(body: object) -> None:
    found = await meaning(200, body)
    assert (type(found), found.reason) == (Unclear, "garbled")


async def test_a_success_may_carry_a_code_and_any_kind_of_content() -> None:
    async def answer(_request: web.Request) -> web.Response:
        body = {"ok": True, "error_code": 0, "result": {"message_id": "5e4d3c2b1a0f9e8d7c6b", "date": 1}}
        return web.Response(body=json.dumps(body).encode(), content_type="text/plain")

    app = web.Application()
    app.router.add_post("/bot{token}/sendMessage", answer)
    async with TestServer(app) as server:
        api = Api(TOKEN, str(server.make_url("/")), connections=1)
        await api.open()
        assert await api.send("sendMessage", chat_id="x", text="x") == "5e4d3c2b1a0f9e8d7c6b"
        await api.close()


def test_every_reason_has_words_for_the_officer_whose_broadcast_pauses() -> None:
    wording = load_content(ROOT / "content", ["vi", "en"]).wording
    line = {"no_name", "no_connection", "no_secure_line", "no_answer", "cut_off", "garbled", "server_error"}
    reasons = ({row.reason for row in ROWS} | line) - NEVER_SEEN
    assert [reason for reason in sorted(reasons) if not wording.has(f"broadcast.reason.{reason}")] == []


def test_only_what_surely_was_not_sent_is_tried_again() -> None:
    assert {row.reason for row in ROWS if row.means.retry} == {"token_refused", "platform_error"}
    assert FIRST_WAIT_S > 0
