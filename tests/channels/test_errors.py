"""Every row of the table of errors, asked over HTTP, and each way a line can fail."""

from __future__ import annotations

import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from telegram.error import TelegramError

from bot.channels.base import ChannelDown, Moved, NotSent, Refused, SendError, TooManyRequests, Unclear, Unreachable
from bot.channels.telegram.api import Api
from bot.channels.telegram.errors import ROWS, FileForgotten, Gone, Row, Unchanged, judged
from bot.content import load_content
from tests.channels.conftest import ROOT

TOKEN = "123456789:AAFdKx3zPqR_canary-canary_canary_x"
NEVER_SEEN = {"unchanged", "gone", "file_forgotten", "token_refused", "conflict"}
"""Reasons that never end a message of a broadcast: the channel or the sender deals with them."""


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
            await api.call("sendMessage", chat_id=1, text="x")
        except TelegramError as error:
            return judged(error)
        finally:
            await api.close()
    raise AssertionError("the answer was taken for a success")


def refusal(status: int, description: str, **parameters: object) -> dict[str, object]:
    body: dict[str, object] = {"ok": False, "error_code": status, "description": description}
    return {**body, "parameters": parameters} if parameters else body


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.status} {row.words}")
async def test_each_row_of_the_table_is_what_its_answer_means(row: Row) -> None:
    found = await meaning(row.status, refusal(row.status, f"Bad Request: {row.words.upper()} and more"))
    assert (type(found), found.reason) == (row.means, row.reason)


@pytest.mark.parametrize(
    ("status", "description", "means", "reason"),
    [
        (400, "Bad Request: Too Many Requests: retry after 5", Unclear, "in_part"),
        (403, "Forbidden: bot was blocked by the user", Unreachable, "blocked"),
        (403, "Forbidden: user is deactivated", Unreachable, "deactivated"),
        (403, "Forbidden: bot can't initiate conversation with a user", Unreachable, "never_started"),
        (403, "Forbidden: bot was kicked from the group chat", Unreachable, "kicked"),
        (403, "Forbidden: bot was kicked from the supergroup chat", Unreachable, "kicked"),
        (403, "Forbidden: bot is not a member of the channel chat", Unreachable, "kicked"),
        (400, "Bad Request: chat not found", Unreachable, "no_such_chat"),
        (400, "Bad Request: PEER_ID_INVALID", Unreachable, "no_such_chat"),
        (400, "Bad Request: message to edit not found", Gone, "gone"),
        (400, "Bad Request: message can't be edited", Gone, "gone"),
        (400, "Bad Request: message to delete not found", Gone, "gone"),
        (400, "Bad Request: message to be replied not found", Gone, "gone"),
        (400, "Bad Request: something nobody has heard of", Refused, "refused"),
        (401, "Unauthorized", ChannelDown, "token_refused"),
        (404, "Not Found", ChannelDown, "token_refused"),
        (418, "I'm a teapot", Refused, "refused"),
        (429, "Too Many Requests", TooManyRequests, "flood"),
    ],
)
async def test_the_platforms_own_words_are_known(
    status: int, description: str, means: type[SendError], reason: str
) -> None:
    found = await meaning(status, refusal(status, description))
    assert (type(found), found.reason) == (means, reason)


async def test_an_edit_that_changes_nothing_is_told_from_one_that_failed() -> None:
    words = "Bad Request: message is not modified: specified new message content and reply markup are exactly the same"
    assert isinstance(await meaning(400, refusal(400, words)), Unchanged)


@pytest.mark.parametrize("words", ["wrong file identifier/HTTP URL specified", "FILE_REFERENCE_EXPIRED"])
async def test_a_file_the_platform_forgot_is_told_from_a_bad_text(words: str) -> None:
    assert isinstance(await meaning(400, refusal(400, f"Bad Request: {words}")), FileForgotten)


async def test_a_wait_is_as_long_as_the_platform_says() -> None:
    found = await meaning(429, refusal(429, "Too Many Requests: retry after 17", retry_after=17))
    assert isinstance(found, TooManyRequests)
    assert found.retry_after_s == 17
    assert found.pauses_channel
    assert not found.counts


async def test_a_group_that_moved_tells_its_new_id() -> None:
    words = "Bad Request: group chat was upgraded to a supergroup chat"
    found = await meaning(400, refusal(400, words, migrate_to_chat_id=-1001234567890))
    assert isinstance(found, Moved)
    assert found.external_id == "-1001234567890"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_failing_server_may_have_taken_the_message(status: int) -> None:
    for body in (refusal(status, "Internal Server Error: restart"), b"<html>bad gateway</html>"):
        found = await meaning(status, body)
        assert (type(found), found.reason) == (Unclear, "server_error")


@pytest.mark.parametrize("status", [200, 201, 302, 400, 401, 403, 404, 429])
@pytest.mark.parametrize("body", [b"<html>welcome</html>", b"", b"[]", b"7", b"\xff\xfe", b'{"ok": true}', b"{" * 5000])
async def test_an_answer_nobody_can_read_says_nothing_about_the_message(status: int, body: bytes) -> None:
    if body == b'{"ok": true}' and status >= 400:
        return  # a refusal need not describe itself
    found = await meaning(status, body)
    assert (type(found), found.reason) == (Unclear, "garbled")


@pytest.mark.parametrize("parameters", [[], "x", {"retry_after": "soon"}, {"retry_after": [1]}])
async def test_parameters_of_another_kind_are_not_believed(parameters: object) -> None:
    found = await meaning(429, {"ok": False, "description": "Too Many Requests", "parameters": parameters})
    assert isinstance(found, Unclear | TooManyRequests)


def test_every_reason_has_words_for_the_officer_whose_broadcast_pauses() -> None:
    wording = load_content(ROOT / "content", ["vi", "en"]).wording
    transport = {"no_name", "no_connection", "no_secure_line", "no_answer", "cut_off", "garbled", "server_error"}
    pictures = {"picture_not_there", "upload_waits"}
    reasons = ({row.reason for row in ROWS} | transport | pictures) - NEVER_SEEN
    assert [reason for reason in sorted(reasons) if not wording.has(f"broadcast.reason.{reason}")] == []


def test_only_what_surely_was_not_sent_is_tried_again() -> None:
    tried_again = {row.reason for row in ROWS if row.means.retry}
    assert tried_again == {"token_refused", "conflict"}
    assert NotSent.retry
    assert not Unclear.retry
