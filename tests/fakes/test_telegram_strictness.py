"""The fake lets no call through that is too fast, and does what a test orders it to do wrong."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.ledger import most_within
from tests.fakes.limits import Gate, Halt
from tests.fakes.telegram import FakeTelegram, Message, OrderRefusedError, fake_telegram

Body = dict[str, Any]
NONE: Body = {"whole_bot": None, "per_private": None, "per_group": None}


@dataclass
class Caller:
    """A bot that speaks plain HTTP; what it gets back is (status, body), or (0, what broke)."""

    fake: FakeTelegram
    session: aiohttp.ClientSession

    async def call(self, method: str = "sendMessage", **params: Any) -> tuple[int, Body]:
        url = f"{self.fake.api_url}{self.fake.token}/{method}"
        try:
            async with self.session.post(url, json=params) as answer:
                return answer.status, await answer.json()
        except (aiohttp.ClientError, ConnectionError) as error:
            return 0, {"description": type(error).__name__}

    async def say(self, chat_id: int, text: str = "chào") -> tuple[int, Body]:
        return await self.call(chat_id=chat_id, text=text)

    async def statuses(self, *chats: int) -> list[int]:
        return [(await self.say(chat))[0] for chat in chats]


@pytest.fixture
async def fake() -> AsyncIterator[FakeTelegram]:
    async with fake_telegram(**NONE) as running:
        yield running


@pytest.fixture
async def bot(fake: FakeTelegram) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield Caller(fake, session)


# --- Limits ---

STEPS = st.lists(st.tuples(st.floats(0, 0.6), st.sampled_from([1, 2, -1]), st.integers(1, 4)), max_size=120)


@given(steps=STEPS, most=st.integers(1, 7), span_s=st.sampled_from([0.5, 1.0, 3.0]))
@settings(max_examples=150, deadline=None)
def test_no_window_holds_more_than_allowed(steps: list[tuple[float, int, int]], most: int, span_s: float) -> None:
    gate = Gate((most, span_s), (2, 1.0), (1, 2.0))
    now = 0.0
    admitted: list[tuple[float, int]] = []
    for step_s, chat_id, weight in steps:
        now += step_s
        if gate.admit(chat_id, now, weight) is None:
            admitted += [(now, chat_id)] * min(weight, most, 2 if chat_id > 0 else 1)
    assert most_within([at for at, _ in admitted], span_s) <= most
    for chat_id, allowed, chat_span_s in ((1, 2, 1.0), (2, 2, 1.0), (-1, 1, 2.0)):
        assert most_within([at for at, chat in admitted if chat == chat_id], chat_span_s) <= allowed


def test_who_waits_as_long_as_told_is_let_through() -> None:
    gate, now = Gate((3, 1.0), None, None), 0.0
    refused = 0
    for chat_id in itertools.chain([1], itertools.repeat(1, 20)):
        now += 0.1
        if refusal := gate.admit(chat_id, now):
            refused += 1
            assert gate.admit(chat_id, now + refusal.retry_after_s - 0.999) is not None
            now += refusal.retry_after_s
            assert gate.admit(chat_id, now) is None
    assert refused > 0


def test_a_halt_holds_for_the_bot_or_for_one_chat() -> None:
    for chat_id, others in ((None, False), (1, True)):
        gate = Gate(None, None, None)
        gate.halt(Halt(0, 7, chat_id, 5, from_at=10.0, until=15.0, ordered=True))
        refusal = gate.admit(1, 10.5)
        assert refusal is not None and refusal.retry_after_s == 5
        assert (gate.admit(2, 10.5) is None) is others
        assert gate.admit(1, 15.0) is None


async def test_a_storm_gets_through_at_the_permitted_rate_and_refusals_are_in_the_ledger(
    fake: FakeTelegram, bot: Caller
) -> None:
    await fake.set(whole_bot=(10, 0.2), per_private=(2, 0.4))
    until = time.monotonic() + 1.0
    answers: list[tuple[int, Body]] = []

    async def storm(chat_id: int) -> None:
        while time.monotonic() < until:
            answers.append(await bot.say(chat_id))

    await asyncio.gather(*(storm(chat_id) for chat_id in range(1, 15)))
    assert {status for status, _ in answers} == {200, 429}
    assert await fake.peak(0.2) <= 10
    assert await fake.peak_of_one_chat(0.4) <= 2
    totals = await fake.totals()
    assert totals.messages == sum(status == 200 for status, _ in answers)
    assert totals.refused == sum(status == 429 for status, _ in answers) == totals.halts
    refusal = next(body for status, body in answers if status == 429)
    assert refusal == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 1",
        "parameters": {"retry_after": 1},
    }


async def test_every_call_with_a_chat_counts_and_a_group_has_a_pace_of_its_own(fake: FakeTelegram, bot: Caller) -> None:
    await fake.set(per_private=(2, 60.0), per_group=(3, 60.0))
    await bot.call("sendChatAction", chat_id=1001, action="typing")
    assert await bot.statuses(1001, 1001, 1002, -5, -5, -5, -5, 1001) == [200, 429, 200, 200, 200, 200, 429, 429]
    answer = await bot.call("sendMessage", chat_id=-5, text="chào")
    assert answer[1]["parameters"]["retry_after"] == 60


async def test_each_item_of_an_album_counts(fake: FakeTelegram, bot: Caller) -> None:
    await fake.set(whole_bot=(5, 60.0))
    media = [{"type": "document", "media": "none"}] * 3
    answers = [await bot.call("sendMediaGroup", chat_id=1001, media=media) for _ in range(2)]
    assert [answer[0] for answer in answers] == [400, 429]
    assert await bot.statuses(1, 2, 3) == [200, 200, 429]


async def test_who_speaks_after_being_told_to_wait_is_refused_and_written_down(fake: FakeTelegram, bot: Caller) -> None:
    await fake.fault("too_many_requests", retry_after_s=1, times=1)
    assert await bot.statuses(1, 2) == [429, 429]
    await bot.call("getMe")
    [halt, again] = await fake.halts()
    assert (halt.ordered, halt.retry_after_s, again.ordered) == (True, 1, False)
    assert [call.chat_id for call in await fake.in_halts()] == [2]
    assert await fake.in_halts(grace_s=0.9) == []
    await fake.set(per_private=None)  # new limits end all halts
    assert await bot.statuses(1) == [200]


async def test_a_halt_of_one_chat_leaves_the_others_alone(fake: FakeTelegram, bot: Caller) -> None:
    await fake.fault("too_many_requests", retry_after_s=30, chat_id=2, whole_bot=False, times=1)
    assert await bot.statuses(1, 2, 1, 2) == [200, 429, 200, 429]
    assert [call.chat_id for call in await fake.in_halts()] == [2]


async def test_a_halt_may_be_written_down_only(fake: FakeTelegram, bot: Caller) -> None:
    await fake.set(refuse_in_halt=False)
    await fake.fault("too_many_requests", retry_after_s=30, times=1)
    assert await bot.statuses(1, 2) == [429, 200]
    assert [call.chat_id for call in await fake.in_halts()] == [2]


# --- Faults ---


@pytest.mark.parametrize(
    ("kind", "accepted", "seen"),
    [
        ("reset", False, (0, "ClientOSError")),
        ("reset", True, (0, "ClientOSError")),
        ("cut", True, (0, "ClientPayloadError")),
        ("garbage", False, (0, "ContentTypeError")),
        ("garbage", True, (0, "ContentTypeError")),
        ("server_error", False, (500, "Internal Server Error: restart")),
        ("bad_gateway", False, (502, "Bad Gateway")),
        ("bad_gateway", True, (502, "Bad Gateway")),
        ("blocked", False, (403, "Forbidden: bot was blocked by the user")),
        ("deactivated", False, (403, "Forbidden: user is deactivated")),
        ("cannot_initiate", False, (403, "Forbidden: bot can't initiate conversation with a user")),
        ("kicked", False, (403, "Forbidden: bot was kicked from the group chat")),
        ("chat_not_found", False, (400, "Bad Request: chat not found")),
        ("too_long", False, (400, "Bad Request: message is too long")),
        ("unauthorized", False, (401, "Unauthorized")),
        ("conflict", False, (409, "Conflict: terminated by other getUpdates request")),
    ],
)
async def test_a_fault_strikes_once_and_says_whether_the_message_arrived(
    fake: FakeTelegram, bot: Caller, kind: str, accepted: bool, seen: tuple[int, str]
) -> None:
    await fake.fault(kind, accepted=accepted, times=1)
    answer = await bot.call(chat_id=1001, text="chào")
    assert (answer[0], answer[1]["description"].startswith(seen[1])) == (seen[0], True)
    assert len(await fake.messages()) == accepted
    assert await bot.statuses(1001) == [200]


async def test_the_ledger_tells_an_accepted_message_whose_answer_was_lost(fake: FakeTelegram, bot: Caller) -> None:
    await fake.fault("reset", accepted=True, times=1)
    await fake.fault("reset", accepted=False, after=0, times=1)
    for text in ("tới", "không tới"):
        assert (await bot.say(1001, text))[0] == 0
    assert [(call.accepted_at is None, call.answered_at, call.status) for call in await fake.calls()] == [
        (False, None, None),
        (True, None, None),
    ]
    [message] = await fake.messages(1001)
    assert (message.text, message.answered_at) == ("tới", None)


async def test_a_moved_group_names_its_new_id(fake: FakeTelegram, bot: Caller) -> None:
    await fake.fault("migrated", migrate_to=-1_001_000_000_007, chat_id=-7)
    status, body = await bot.say(-7)
    assert (status, body["parameters"]) == (400, {"migrate_to_chat_id": -1_001_000_000_007})
    assert await bot.statuses(-1_001_000_000_007, -8) == [200, 200]


async def test_faults_strike_by_number_chat_method_and_time(fake: FakeTelegram, bot: Caller) -> None:
    await fake.fault("blocked", chat_id=2, after=1, times=2)
    assert await bot.statuses(2, 1, 2, 2, 2) == [200, 200, 403, 403, 200]
    await fake.fault("server_error", methods=["getMe"], for_s=0.2)
    assert (await bot.call("getMe"))[0] == 500
    assert await bot.statuses(1) == [200]
    while (await bot.call("getMe"))[0] == 500:
        await bot.statuses(1)
    number = await fake.fault("deactivated")
    assert await bot.statuses(1) == [403]
    await fake.clear_faults(number)
    assert await bot.statuses(1) == [200]
    with pytest.raises(OrderRefusedError, match="no such fault"):
        await fake.fault("earthquake")


async def test_chance_is_the_same_for_the_same_seed(fake: FakeTelegram, bot: Caller) -> None:
    runs = []
    for _ in range(2):
        number = await fake.fault("server_error", probability=0.5, seed=7)
        runs.append(await bot.statuses(*range(1, 41)))
        await fake.clear_faults(number)
    assert runs[0] == runs[1]
    assert 5 < runs[0].count(500) < 35


async def test_delays_come_before_or_after_the_message_is_accepted(fake: FakeTelegram, bot: Caller) -> None:
    for accepted in (False, True):
        await fake.fault("delay", delay_s=0.15, accepted=accepted, times=1)
        await bot.say(1001)
    before, after = await fake.messages()
    assert before.accepted_at - before.arrived_at >= 0.15 > answer_s(before)
    assert answer_s(after) >= 0.15 > after.accepted_at - after.arrived_at


def answer_s(message: Message) -> float:
    assert message.answered_at is not None
    return message.answered_at - message.accepted_at


async def test_an_album_may_go_out_in_part(fake: FakeTelegram, bot: Caller) -> None:
    form = aiohttp.FormData({"chat_id": "1001"})
    form.add_field("document", b"x", filename="a.txt")
    async with bot.session.post(f"{fake.api_url}{fake.token}/sendDocument", data=form) as answer:
        file_id = (await answer.json())["result"]["document"]["file_id"]
    await fake.fault("album_partly", items=2, times=1)
    media = [{"type": "document", "media": file_id}] * 3
    status, body = await bot.call("sendMediaGroup", chat_id=1001, media=media)
    assert status == 400
    assert "Too Many Requests: retry after 5" in body["description"]
    assert [message.method for message in await fake.messages()] == ["sendDocument", *["sendMediaGroup"] * 2]


# --- What the ledger tells ---


async def test_copies_and_counts_per_chat_are_found(fake: FakeTelegram, bot: Caller) -> None:
    for chat_id, text in ((1, "a"), (1, "a"), (1, "b"), (2, "a")):
        await bot.say(chat_id, text)
    assert await fake.copies() == [(1, "a", 2)]
    assert await fake.per_chat() == {1: 3, 2: 1}
    assert (await fake.totals()).methods == {"sendMessage": 4}


async def test_a_million_messages_would_only_be_counted(bot: Caller, fake: FakeTelegram) -> None:
    await fake.set(answer_only=True, whole_bot=(1, 60.0))
    for chat_id in (1, 2, 2):
        status, body = await bot.say(chat_id)
        assert (status, body["result"]["chat"]["id"]) == (200, chat_id)
    await fake.wait_messages(3)
    assert await fake.per_chat() == {1: 1, 2: 2}
    assert await fake.messages() == []


async def test_calls_come_by_query_and_form_as_well(fake: FakeTelegram, bot: Caller) -> None:
    url = f"{fake.api_url}{fake.token}/SENDMESSAGE"
    async with bot.session.get(url, params={"chat_id": "1", "text": "câu hỏi"}) as answer:
        assert answer.status == 200
    async with bot.session.post(url, data={"chat_id": "1", "text": "mẫu"}) as answer:
        assert answer.status == 200
    assert [message.text for message in await fake.messages(1)] == ["câu hỏi", "mẫu"]


@pytest.mark.parametrize(
    ("path", "code", "description"),
    [
        ("bot700000009:AAFakeTokenThatNobodyKnowsAtAll00000000000/getMe", 401, "Unauthorized"),
        ("botno-token/getMe", 404, "Not Found"),
        ("nothing", 404, "Not Found"),
    ],
)
async def test_unknown_addresses_are_told_so(
    fake: FakeTelegram, bot: Caller, path: str, code: int, description: str
) -> None:
    async with bot.session.get(f"{fake.url}/{path}") as answer:
        assert (answer.status, await answer.json()) == (
            code,
            {"ok": False, "error_code": code, "description": description},
        )
    assert (await bot.call("noSuchMethod"))[1]["description"] == "Not Found: method not found"
