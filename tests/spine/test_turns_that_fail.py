"""Turns that fail take nobody along, stay in order, and never lose what was said."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import null, select, update

from dialogue.messages import Notice, Reply, Say, reply
from dialogue.turn import Ask, Conversation, Script
from storage import appointments, contacts, housekeeping
from storage import inbox as inbox_rows
from storage.database import Connection
from storage.schema import appointment, delivery, inbox, session, unit, unit_version
from tests.turns.conftest import Office, ask_nothing


async def accept(office: Office, person: str, *typed: str) -> None:
    for number, each in enumerate(typed):
        key = f"{person}:{each}:{number}:{len(await rows(office))}"
        await office.intake.accept("web_chat", person, key, {"text": each})


async def rows(office: Office) -> list[Any]:
    return await office.db.read(lambda db: list(db.execute(select(inbox).order_by(inbox.c.id))))


async def set_rows(office: Office, **values: Any) -> None:
    await office.db.write(lambda db: db.execute(update(inbox).values(**values)) and None)


def add_talk(office: Office, *talks: Conversation) -> None:
    """Let the office know more talks than those of the others."""
    known = office._conversations
    office._conversations = lambda: (*known(), *talks)  # type: ignore[method-assign]
    office.open(office.process)


def failing(name: str, error: Exception) -> Conversation:
    def opens(inbound: Any, _context: Any) -> dict[str, Any] | None:
        return {} if inbound.text == name else None

    def done(_db: Connection, _context: Any, _result: Any) -> list[Reply]:
        raise error

    return Conversation(name, ask_nothing, done, opens=opens)


async def test_an_answer_that_cannot_be_put_into_words_fails_alone(office: Office) -> None:
    def ask_unworded(_context: Any) -> Script:
        yield Ask("no.such.key")

    def opens(inbound: Any, _context: Any) -> dict[str, Any] | None:
        return {} if inbound.text == "câm" else None

    add_talk(office, Conversation("mute", ask_unworded, lambda db, c, r: [], opens=opens))
    await accept(office, "an", "câm")
    await accept(office, "bình", "menu")
    await office.dispatcher.drain()
    assert [row.state for row in await rows(office)] == ["open", "done"]


async def test_a_row_whose_body_is_gone_fails_alone(office: Office) -> None:
    await accept(office, "an", "menu")
    await set_rows(office, body=null())
    await accept(office, "bình", "menu")
    await office.dispatcher.drain()
    assert [row.state for row in await rows(office)] == ["open", "done"]


async def test_a_dead_letter_that_was_erased_is_not_replayed(office: Office) -> None:
    await accept(office, "an", "menu")
    await set_rows(office, body=null(), state="dead")
    assert await office.db.write(inbox_rows.replay, [1]) == 0


async def test_rows_that_cannot_be_written_fail_alone(office: Office) -> None:
    def done(_db: Connection, _context: Any, _result: Any) -> list[Reply]:
        return [Reply(("\ud800",))]

    def opens(inbound: Any, _context: Any) -> dict[str, Any] | None:
        return {} if inbound.text == "lạ" else None

    add_talk(office, Conversation("odd", ask_nothing, done, opens=opens))
    await accept(office, "an", "lạ")
    await accept(office, "bình", "menu")
    await office.dispatcher.drain()
    assert [row.state for row in await rows(office)] == ["open", "done"]
    assert (await rows(office))[0].attempt == 2


async def test_a_failed_row_left_by_a_dead_process_holds_back_the_later_ones_of_its_person(office: Office) -> None:
    await accept(office, "an", "hỏng", "ghi chú", "mua cây")
    await accept(office, "bình", "menu")
    office.broken = 1
    office.open("second")
    await run_a_while(office, done=1)
    assert [row.state for row in await rows(office)] == ["open", "open", "open", "done"]
    office.later(seconds=2)
    await office.dispatcher.drain()
    assert await office.all_effects() == [("fail", "half"), ("note", "mua cây")]


async def test_a_row_that_waits_for_its_next_try_was_in_nobodys_hands(office: Office) -> None:
    await accept(office, "an", "hỏng")
    await set_rows(office, attempt=4, not_before=office.now + timedelta(seconds=30), reason="RuntimeError")
    office.open("second")
    await run_a_while(office)
    assert [(row.state, row.attempt) for row in await rows(office)] == [("open", 4)]


async def test_careful_mode_counts_the_attempt_before_it_begins(office: Office) -> None:
    seen: list[int] = []

    def done(db: Connection, _context: Any, _result: Any) -> list[Reply]:
        seen.append(db.scalar(select(inbox.c.attempt)) or 0)
        return [reply("menu.shown")]

    def opens(inbound: Any, _context: Any) -> dict[str, Any] | None:
        return {} if inbound.text == "xem" else None

    add_talk(office, Conversation("look", ask_nothing, done, opens=opens))
    await accept(office, "an", "xem")
    office.open("second")
    await run_a_while(office, done=1)
    assert seen == [2]


async def run_a_while(office: Office, *, done: int = 0) -> None:
    """Run the dispatcher's own loop until `done` rows are done, let it look a few times more, then stop it."""
    running = asyncio.create_task(office.dispatcher.run())
    looks = 0
    while looks < 20:
        office.dispatcher.wake()
        if [row.state for row in await rows(office)].count("done") >= done:
            looks += 1
    office.dispatcher.stop()
    await running


async def test_many_rows_that_wait_for_their_next_try_keep_nobody_else_waiting(office: Office) -> None:
    for number in range(300):
        await accept(office, f"p{number}", "hỏng")
    await set_rows(office, not_before=office.now + timedelta(minutes=1))
    await accept(office, "an", "menu")
    await office.dispatcher.drain()
    assert (await rows(office))[-1].state == "done"


async def test_a_notice_is_not_sent_to_who_said_stop_unless_there_is_danger(office: Office) -> None:
    await office.hear("bình", "menu")
    reader = (await office.db.read(lambda db: contacts.find_address(db, "web_chat", "bình"))).contact_id  # type: ignore[union-attr]
    await office.db.write(contacts.set_stopped, reader, office.now)

    def done(_db: Connection, context: Any, _result: Any) -> list[Reply | Notice]:
        sort = "alert" if "nguy" in context.text else "reply"
        return [reply("menu.shown"), Notice(reader, Reply((Say("note.saved"),), sort=sort))]

    def opens(inbound: Any, _context: Any) -> dict[str, Any] | None:
        return {} if inbound.text.startswith("báo") else None

    add_talk(office, Conversation("tell", ask_nothing, done, opens=opens))
    assert await office.hear("an", "báo") == ["menu.shown"]
    assert await office.hear("an", "báo nguy") == ["menu.shown", "note.saved"]
    assert await office.hear("bình", "menu") == ["menu.shown"], "answers to her own messages go on"


async def test_the_answer_follows_an_address_that_became_another_persons(office: Office) -> None:
    await office.hear("bình", "menu")
    holder = (await office.db.read(lambda db: contacts.find_address(db, "web_chat", "bình"))).contact_id  # type: ignore[union-attr]

    def done(db: Connection, context: Any, _result: Any) -> list[Reply]:
        address = contacts.live_addresses(db, context.contact_id)[0]
        contacts.bind(db, address.id, holder)
        return [reply("note.saved")]

    def opens(inbound: Any, _context: Any) -> dict[str, Any] | None:
        return {} if inbound.text == "mã" else None

    add_talk(office, Conversation("bind", ask_nothing, done, opens=opens))
    await accept(office, "an", "menu", "mã", "ghi chú", "mua cây")
    await office.dispatcher.drain()

    def waiting(db: Connection) -> list[tuple[str, int]]:
        query = select(delivery.c.body, delivery.c.contact_id).where(delivery.c.address_id == 2).order_by(delivery.c.id)
        return [(row.body["text"], row.contact_id) for row in db.execute(query)]

    told = await office.db.read(waiting)
    assert [text for text, _ in told] == ["menu.shown", "note.saved", "note.title", "note.saved"]
    assert {contact_id for _, contact_id in told} == {holder}, "an address takes only messages of the person it is"


async def test_a_press_proves_that_a_doubtful_message_arrived(office: Office) -> None:
    for typed in ("đơn", "Lan", "30"):
        await office.hear("an", typed)
    number, _ = await office.last_delivery()
    await office.db.write(lambda db: db.execute(update(delivery).values(state="unknown")) and None)
    await office.hear("bình", pressed=f"{number}.0")
    assert await state_of(office, number) == "unknown", "another person's press proves nothing"
    await office.hear("an", pressed=f"{number}.0")
    assert await state_of(office, number) == "sent"


async def state_of(office: Office, delivery_id: int) -> str:
    query = select(delivery.c.state).where(delivery.c.id == delivery_id)
    return await office.db.read(lambda db: db.execute(query).scalar_one())


async def test_what_was_said_in_danger_is_erased_in_time_even_if_its_turn_failed(office: Office) -> None:
    def opens(inbound: Any, _context: Any) -> dict[str, Any] | None:
        return {} if "đánh" in inbound.text else None

    def done(_db: Connection, _context: Any, _result: Any) -> list[Reply]:
        raise RuntimeError("broken on purpose")

    add_talk(office, Conversation("danger", ask_nothing, done, opens=opens, interrupts=True, restricted=True))
    await accept(office, "an", "chồng đánh em")
    for _ in range(6):
        await office.dispatcher.drain()
        office.later(minutes=3)
    assert [row.state for row in await rows(office)] == ["dead"]
    office.later(hours=23)
    await office.db.write(housekeeping.erase_old, now=office.now)
    assert [row.body for row in await rows(office)] == [None]


async def test_a_talk_about_a_call_left_half_way_is_forgotten_within_a_day(office: Office) -> None:
    await office.hear("an", "menu")
    half = {"conversation": "contact_me", "start": {}, "answers": [["emergency.way", "gọi sau 8 giờ tối"]]}

    def leave(db: Connection) -> None:
        db.execute(update(session).values(talk=half, updated_at=office.now))
        db.execute(update(delivery).values(restricted=True, state="sent"))

    await office.db.write(leave)
    office.later(minutes=5)
    for _ in range(24 * 6):
        await office.db.write(housekeeping.erase_old, now=office.now)
        office.later(minutes=10)
    assert await office.db.read(lambda db: db.scalar(select(session.c.talk))) is None


async def test_a_message_dated_back_gets_no_rights_that_ended_since(office: Office) -> None:
    seen: list[Any] = []

    def done(db: Connection, context: Any, _result: Any) -> list[Reply]:
        seen.append(context.today)
        return [reply("menu.shown")]

    def opens(inbound: Any, _context: Any) -> dict[str, Any] | None:
        return {} if inbound.text == "duyệt" else None

    add_talk(office, Conversation("decide", ask_nothing, done, opens=opens))
    await office.hear("an", "menu")
    today = office.now.date()

    def appoint(db: Connection) -> None:
        db.execute(unit.insert().values(id=1, code="x"))
        names = {"level": "xa", "name": "Xã", "short_name": "Xã", "search_key": "xa"}
        db.execute(unit_version.insert().values(unit_id=1, **names))
        appointments.appoint(db, 1, 1, "officer", since=today - timedelta(days=30))

    await office.db.write(appoint)
    earlier = office.now - timedelta(days=3)
    await office.intake.accept("web_chat", "an", "an:1", {"text": "duyệt"}, sent_at=earlier)
    await office.dispatcher.drain()
    ended = update(appointment).values(valid_to=today - timedelta(days=1))
    await office.db.write(lambda db: db.execute(ended) and None)
    await office.intake.accept("web_chat", "an", "an:2", {"text": "duyệt"}, sent_at=earlier)
    await office.dispatcher.drain()
    assert seen == [earlier.date(), today]


@pytest.mark.parametrize("years", [-50, -1, 1])
async def test_a_phone_whose_clock_is_far_off_is_taken_to_have_written_now(office: Office, years: int) -> None:
    shown = office.now + timedelta(days=365 * years)
    await office.intake.accept("web_chat", "an", "1", {"text": "menu"}, sent_at=shown)
    assert [row.sent_at for row in await rows(office)] == [office.now]


async def test_a_message_written_without_a_line_keeps_its_day(office: Office) -> None:
    earlier = office.now - timedelta(days=6)
    await office.intake.accept("web_chat", "an", "1", {"text": "menu"}, sent_at=earlier)
    assert [row.sent_at for row in await rows(office)] == [earlier]


async def test_what_comes_in_while_the_dispatcher_looks_is_not_slept_over(office: Office) -> None:
    looks = 0

    def clock() -> Any:
        nonlocal looks
        looks += 1
        if looks < 20:
            office.dispatcher.wake()  # as a message does that is committed just after the look
        else:
            office.dispatcher.stop()
        return office.now

    office.dispatcher._desk = replace(office.dispatcher._desk, clock=clock)
    began = asyncio.get_running_loop().time()
    await office.dispatcher.run()
    assert asyncio.get_running_loop().time() - began < 5, "twenty looks and not one rest of a second"
