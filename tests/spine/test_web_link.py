"""A talk begun on another channel goes on in the browser that opens her one-time link."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from storage.database import Connection
from storage.schema import address, application, delivery
from tests.spine.conftest import Line, message

ELSEWHERE = "elsewhere"


async def work(line: Line) -> None:
    """Work and send until nothing is left."""
    await line.parts.dispatcher.drain()
    await line.parts.sender.begin()
    await line.parts.sender.drain()


async def say_elsewhere(line: Line, *texts: str) -> str:
    """Write from another address, and return the last answer to it that holds a link, else the last."""
    for number, text in enumerate(texts):
        await line.parts.intake.accept("web_chat", ELSEWHERE, f"{ELSEWHERE}:{text}:{number}", {"text": text})
        await line.parts.dispatcher.drain()

    def read(db: Connection) -> list[str]:
        query = select(delivery.c.body).join(address, address.c.id == delivery.c.address_id)
        bodies = db.scalars(query.where(address.c.external_id == ELSEWHERE).order_by(delivery.c.id))
        return [body["text"] for body in bodies]

    said = await line.parts.db.read(read)
    return next((text for text in reversed(said) if "#ma=" in text), said[-1])


async def read_here(line: Line, after: int = 0) -> list[dict[str, Any]]:
    """Return the messages in this browser's mailbox."""
    return list((await (await line.fetch(after=after)).json())["messages"])


async def test_registering_begins_elsewhere_and_ends_in_the_browser(line: Line) -> None:
    said = await say_elsewhere(line, "đăng ký", "đồng ý", "Siu H'Mai", "1990", "mở web")
    link = next(word for word in said.split() if "#ma=" in word)
    assert link.startswith("http://127.0.0.1:8080/chat/#ma=")
    code = link.partition("#ma=")[2]
    for number, text in enumerate((f"/start {code}", "nhận")):
        assert (await line.post(json=message(number, text=text))).status == 200
        await work(line)
    here = [each["text"] for each in await read_here(line)]
    assert here[-2].startswith("Đã nhận ra anh/chị.")
    assert "Ở chi hội nào?" in here[-1], "the question that waited"
    for number, text in enumerate(("làng Bối", "bỏ qua", "gửi đơn"), 2):
        await line.post(json=message(number, text=text))
        await work(line)
    assert (await read_here(line))[-1]["text"].startswith("Đã nhận đơn gia nhập")
    names = await line.parts.db.read(lambda db: list(db.scalars(select(application.c.full_name))))
    assert names == ["Siu H'Mai"]


async def test_opened_by_somebody_else_after_her_it_shows_nothing(line: Line) -> None:
    said = await say_elsewhere(line, "đăng ký", "đồng ý", "Siu H'Mai", "mở web")
    code = said.partition("#ma=")[2].split()[0]
    await line.parts.intake.accept("web_chat", "thief", "thief:1", {"text": f"/start {code}"})
    await line.parts.intake.accept("web_chat", "thief", "thief:2", {"text": "nhận"})
    await line.parts.dispatcher.drain()
    await line.post(json=message(0, text=f"/start {code}"))
    await work(line)
    assert [each["text"][:21] for each in await read_here(line)] == ["Mã này không dùng được"[:21]]
