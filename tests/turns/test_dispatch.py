"""One row, one transaction: effects, failures, dead letters, and rows a dead process left behind."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import select, update

from bot.dispatch import MOST_DEATHS
from storage import inbox as inbox_rows
from storage.database import Connection
from storage.schema import inbox
from tests.turns.conftest import Office


async def states(office: Office) -> list[tuple[str, int]]:
    def read(db: Connection) -> list[tuple[str, int]]:
        return [(row.state, row.attempt) for row in db.execute(select(inbox).order_by(inbox.c.id))]

    return await office.db.read(read)


async def test_a_talk_is_saved_once_and_answered(office: Office) -> None:
    assert await office.hear("an", "ghi chú") == ["note.title"]
    assert await office.hear("an", "mua cây") == ["note.saved"]
    assert await office.all_effects() == [("note", "mua cây")]
    assert await states(office) == [("done", 1), ("done", 1)]


async def test_the_same_message_twice_takes_effect_once(office: Office) -> None:
    await office.hear("an", "ghi chú")
    for _ in range(3):
        await office.intake.accept("web_chat", "an", "an:same", {"text": "mua cây"})
    await office.dispatcher.drain()
    assert await office.all_effects() == [("note", "mua cây")]


async def test_messages_of_one_person_run_in_order_and_of_many_people_together(office: Office) -> None:
    people = [f"p{number}" for number in range(20)]
    for typed in ("ghi chú", "một", "ghi chú", "hai"):
        for number, person in enumerate(people):
            await office.intake.accept(
                "web_chat", person, f"{person}:{typed}:{number}:{await count(office)}", {"text": typed}
            )
    await office.dispatcher.drain()
    assert [what for _, what in await office.all_effects()] == ["một"] * 20 + ["hai"] * 20


async def count(office: Office) -> int:
    return len(await states(office))


async def test_a_failed_effect_is_undone_tried_again_and_holds_back_only_its_own_person(office: Office) -> None:
    office.broken = 1
    assert await office.hear("an", "hỏng") == []
    assert await office.all_effects() == [], "half an effect stays nowhere"
    assert await office.hear("an", "menu") == [], "later messages of the same person wait"
    assert await office.hear("bình", "menu") == ["menu.shown"]
    office.later(seconds=2)
    await office.dispatcher.drain()
    assert await office.all_effects() == [("fail", "half")]
    assert [state for state, _ in await states(office)] == ["done"] * 3


async def test_hostile_letters_in_any_part_of_a_message_are_left_out(office: Office) -> None:
    assert await office.hear("an", "menu", pressed="1.\0\ud800", edits="x\0") == ["turn.old_button", "menu.shown"]


async def test_five_failures_make_a_dead_letter_that_can_be_replayed_and_its_sender_is_told(office: Office) -> None:
    office.broken = 5
    told: list[str] = []
    told += await office.hear("an", "hỏng")
    for _ in range(4):
        office.later(minutes=3)
        before = len(told)
        told += await office.hear("bình", "menu")
        told.remove("menu.shown")
        assert len(told) >= before
    assert told == ["turn.kept"]
    dead = await office.db.read(inbox_rows.dead)
    assert [(letter.reason, letter.attempt) for letter in dead] == [("RuntimeError", 6)]
    assert await office.hear("an", "menu") == ["menu.shown"], "a dead letter holds nobody up"
    assert await office.db.write(inbox_rows.replay, [dead[0].id]) == 1
    await office.dispatcher.drain()
    assert await office.all_effects() == [("fail", "half")]


async def test_rows_left_by_a_dead_process_run_once_and_in_order(office: Office) -> None:
    for number, typed in enumerate(("ghi chú", "một", "ghi chú", "hai")):
        await office.intake.accept("web_chat", "an", f"an:{number}", {"text": typed})
    office.open("second")
    await run_until_idle(office)
    assert await office.all_effects() == [("note", "một"), ("note", "hai")]


async def test_a_row_that_keeps_killing_processes_becomes_a_dead_letter(office: Office) -> None:
    await office.intake.accept("web_chat", "an", "an:1", {"text": "menu"})
    # Each process that died with it counted its attempt before it began.
    deaths = MOST_DEATHS + 1
    await office.db.write(lambda db: db.execute(update(inbox).values(attempt=deaths)) and None)
    office.open("last")
    await run_until_idle(office)
    assert [(letter.reason) for letter in await office.db.read(inbox_rows.dead)] == ["process_died"]
    assert (await office.last_delivery())[1]["text"] == "turn.kept"


async def run_until_idle(office: Office) -> None:
    """Run the dispatcher's own loop until nothing is open, then stop it."""
    running = asyncio.create_task(office.dispatcher.run())
    while any(state == "open" for state, _ in await states(office)):
        await asyncio.sleep(0)
    office.dispatcher.stop()
    await running


async def test_a_button_counts_for_who_was_shown_it_and_for_nobody_else(office: Office) -> None:
    for typed in ("đơn", "Lan", "30"):
        await office.hear("an", typed)
    number, body = await office.last_delivery()
    assert body["buttons"][0]["label"] == "Form.yes"
    assert await office.hear("bình", pressed=f"{number}.0") == ["turn.old_button", "menu.shown"]
    assert await office.all_effects() == []
    assert await office.hear("an", pressed=f"{number}.0") == ["form.saved"]
    assert await office.all_effects() == [("form", "('Lan', 30)")]
    assert (await office.hear("an", pressed=f"{number}.0"))[0] == "turn.old_button"
    assert len(await office.all_effects()) == 1


async def test_hostile_button_numbers_are_old_buttons(office: Office) -> None:
    for pressed in ("", "1", "1.", ".1", "-1.0", "999999999999999999999.0", "x.y", "1.99999", "１.０"):
        replies: list[Any] = await office.hear("an", pressed=pressed)
        assert replies[-1] == "menu.shown"
