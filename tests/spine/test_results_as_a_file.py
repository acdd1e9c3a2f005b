"""The account of a run as a spreadsheet: only for who may see it, only by a link she was sent, noted in the audit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from bot.channels.web_chat import COOKIE
from bot.exports import Rows, Words, by_code
from storage import appointments, broadcasts, campaigns, contacts, deliveries, units
from storage.campaigns import NewCampaign
from storage.schema import appointment, audit, contact, delivery
from tests.operations.conftest import NOW
from tests.operations.spreadsheet import rows_of
from tests.spine.conftest import Line, message

TODAY = NOW.date()


@dataclass(frozen=True)
class Run:
    """A finished run of a message to làng Bối, and its officer's contact."""

    code: str
    officer_id: int


def external_id(line: Line) -> str:
    return hashlib.sha256(line.cookies[COOKIE].encode()).hexdigest()


def _finished(db: Connection, visitor: str) -> Run:
    village = units.search(db, "làng Bối", TODAY)[0]
    officer = contacts.address_for(db, "web_chat", visitor, at=NOW, language="vi").contact_id
    db.execute(update(contact).where(contact.c.id == officer).values(name="=Cán bộ Lan"))
    appointments.appoint(db, officer, village.id, "chu_tich_xa", since=date(2025, 7, 1))
    new = NewCampaign(officer, village.id, None, {"vi": "Mời họp"}, client_key="file")
    made, _ = campaigns.create(db, new, at=NOW)
    run = broadcasts.start(db, made.id, None, at=NOW)
    while not broadcasts.freeze_page(db, run.id, at=NOW):
        pass
    own = delivery.c.broadcast_id == run.id
    db.execute(update(delivery).where(own).values(state="sent", settled_at=NOW))
    others = own & (delivery.c.contact_id != officer)
    db.execute(update(delivery).where(others).values(state="failed", reason="blocked"))
    broadcasts.settle(db, run.id, at=NOW)
    return Run(run.code, officer)


@pytest.fixture
async def run(line: Line) -> Run:
    return await line.parts.db.write(_finished, external_id(line))


async def says(line: Line, number: int, **fields: Any) -> dict[str, Any]:
    """Send a message and return the last answer."""
    await line.post(json=message(number, **fields))
    await line.parts.dispatcher.drain()
    await line.parts.sender.drain()
    found: dict[str, Any] = (await (await line.fetch()).json())["messages"][-1]
    return found


async def linked(line: Line, run: Run) -> dict[str, Any]:
    """Ask for the file by its button and return the answer with the link."""
    card = await says(line, 1, text=run.code)
    button = next(choice for choice in card["choices"] if choice["label"] == "Tải bảng kết quả")
    return await says(line, 2, text=button["label"], choice=button["value"])


async def fetched(line: Line, path: str, *, cookie: str | None = None) -> Any:
    headers = {"Cookie": f"{COOKIE}={cookie or line.cookies[COOKIE]}"}
    return await line.client.get(f"/chat/{path}", headers=headers)


async def acts(line: Line) -> list[tuple[str, int | None]]:
    exported = select(audit.c.act, audit.c.actor_id).where(audit.c.act == "broadcast.exported")
    return await line.parts.db.read(lambda db: [(row.act, row.actor_id) for row in db.execute(exported)])


async def test_an_officer_downloads_who_got_it_and_why_not(line: Line, run: Run) -> None:
    answer = await linked(line, run)
    assert answer["file"] == {"url": f"files/{run.code}.xlsx", "name": f"{run.code}.xlsx"}
    file = await fetched(line, answer["file"]["url"])
    assert file.status == 200
    assert file.headers["Content-Disposition"] == f'attachment; filename="{run.code}.xlsx"'
    assert file.headers["Cache-Control"] == "no-store"
    content = await file.read()
    counts = dict(row[:2] for row in rows_of(content, 1))
    assert counts["Lượt gửi"] == run.code
    assert counts["đã gửi"] == "1"
    heading, *people = rows_of(content, 2)
    assert heading == ["Họ tên", "Đơn vị", "Kết quả", "Lý do", "Thời điểm"]
    assert ["'=Cán bộ Lan", "Chi hội làng Bối", "đã gửi", "", "19:30 ngày 23/11/2026"] in people
    assert {row[3] for row in people if row[2] == "không gửi được"} == {"đã chặn Trợ lý Hội"}
    assert await acts(line) == [("broadcast.exported", run.officer_id)]


async def test_without_the_link_in_her_mailbox_there_is_no_file(line: Line, run: Run) -> None:
    assert (await fetched(line, f"files/{run.code}.xlsx")).status == 404
    await linked(line, run)
    stranger = "ab" * 32
    assert (await fetched(line, f"files/{run.code}.xlsx", cookie=stranger)).status == 404
    assert (await line.client.get(f"/chat/files/{run.code}.xlsx")).status == 401
    for name in ("..%2f..%2fconfig.yaml", "TN-2222.xlsx", f"{run.code}", "%00"):
        assert (await fetched(line, f"files/{name}")).status in (400, 404)
    assert await acts(line) == []


async def test_a_right_that_has_ended_ends_the_link_too(line: Line, run: Run) -> None:
    answer = await linked(line, run)
    ended = update(appointment).where(appointment.c.contact_id == run.officer_id)
    await line.parts.db.write(lambda db: db.execute(ended.values(valid_to=date(2026, 1, 1))))
    assert (await fetched(line, answer["file"]["url"])).status == 404
    assert await acts(line) == []


async def test_of_a_very_large_run_only_those_without_it_are_listed(line: Line, run: Run) -> None:
    def lines(db: Connection) -> tuple[str, str, int]:
        account = by_code(db, run.code)
        assert account is not None
        rows = Rows(account, Words(line.parts.content, "vi"), most=1)
        return rows.head(), rows.next_page(db), deliveries.counts(db, account.run.id)["failed"]

    head, people, failed = await line.parts.db.read(lines)
    assert "quá lớn" in head
    assert people.count("\n") == failed
    assert "đã gửi" not in people
