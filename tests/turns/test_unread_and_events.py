"""What cannot be read is answered kindly and loses nothing; blocking, unblocking and groups are no messages."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from dialogue.messages import UNREAD
from storage import contacts
from storage.contacts import Address
from storage.database import Connection
from storage.schema import address, inbox, session
from tests.checks.wording import sentences
from tests.turns.conftest import Office


async def test_a_voice_message_is_answered_and_the_question_asked_again(office: Office) -> None:
    assert await office.hear("an", unread="voice") == ["unread.voice"]
    await office.hear("an", "đơn")
    assert await office.hear("an", unread="voice") == ["unread.voice", "form.name"]
    assert await office.hear("an", "Lan") == ["form.age"], "nothing half-filled is lost"


async def test_a_caption_is_worked_on_as_usual(office: Office) -> None:
    assert await office.hear("an", "đơn", unread="large_photo") == ["unread.large_photo", "form.name"]
    assert await office.hear("an", "Lan", unread="voice") == ["unread.voice", "form.age"]


async def test_help_in_danger_comes_before_all_else(office: Office) -> None:
    assert await office.hear("an", "cứu tôi", unread="voice") == ["sos.shown", "unread.voice"]


async def test_a_kind_nobody_knows_yet_is_answered_too(office: Office) -> None:
    assert await office.hear("an", unread="hologram") == ["unread.unknown"]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_kind_has_a_sentence(language: str) -> None:
    assert {f"unread.{kind}" for kind in UNREAD} <= set(sentences(language))


async def test_who_blocks_us_is_written_to_nowhere_but_where_she_can_still_be_reached(office: Office) -> None:
    await office.hear("an", "đơn")
    first = (await addresses(office, "an"))[0]
    second = await office.db.write(
        lambda db: contacts.add_address(db, first.contact_id, "web_chat", "an-at-home", at=office.now)
    )
    assert await office.hear("an", event="blocked") == []
    assert [each.id for each in await addresses(office, "an")] == [second.id]
    assert await talk(office) is not None, "what she was doing stays"
    assert await states(office) == ["done", "done"]


async def test_unblocking_opens_the_address_again_without_a_word(office: Office) -> None:
    await office.hear("an", "menu")
    await office.hear("an", event="blocked")
    assert await addresses(office, "an") == []
    assert await office.hear("an", event="unblocked") == []
    assert len(await addresses(office, "an")) == 1


async def test_whoever_writes_from_a_closed_address_is_there_again(office: Office) -> None:
    await office.hear("an", "menu")
    await office.db.write(lambda db: db.execute(update(address).values(state="dead")) and None)
    assert await office.hear("an", "menu") == ["menu.shown"]
    assert len(await addresses(office, "an")) == 1


async def test_an_event_nobody_knows_is_done_in_silence(office: Office) -> None:
    assert await office.hear("an", event="waved") == []
    assert await states(office) == ["done"]


async def test_a_group_is_told_once_an_hour_that_we_talk_in_private(office: Office) -> None:
    assert await office.hear("-100", "đơn", event="in_group") == ["group.private_only"]
    office.later(minutes=59)
    office.open("another process")
    assert await office.hear("-100", "chồng đánh, cứu tôi", event="in_group") == []
    assert await office.hear("-200", "menu", event="in_group") == ["group.private_only"]
    office.later(minutes=1)
    assert await office.hear("-100", "menu", event="in_group") == ["group.private_only"]
    assert await office.all_effects() == []
    assert await talk(office) is None


async def test_events_do_not_make_a_talk_look_fresh(office: Office) -> None:
    await office.hear("an", "đơn")
    begun = await updated(office)
    office.later(hours=1)
    await office.hear("an", event="unblocked")
    assert await updated(office) == begun


async def addresses(office: Office, person: str) -> list[Address]:
    def read(db: Connection) -> list[Address]:
        known = contacts.find_address(db, "web_chat", person)
        assert known is not None
        return contacts.live_addresses(db, known.contact_id)

    return await office.db.read(read)


async def talk(office: Office) -> Any:
    return await office.db.read(lambda db: db.scalar(select(session.c.talk)))


async def updated(office: Office) -> Any:
    return await office.db.read(lambda db: db.scalar(select(session.c.updated_at)))


async def states(office: Office) -> list[str]:
    return await office.db.read(lambda db: list(db.scalars(select(inbox.c.state).order_by(inbox.c.id))))
