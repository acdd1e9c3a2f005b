"""Wait for what a channel does by itself, and look at what it left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
from sqlalchemy import select

from storage import contacts
from storage.database import Connection, NotKept
from storage.schema import delivery
from tests.fakes.telegram import FakeTelegram

SECRET = "s3cret-of-the-tests_0123456789"
LOOK_S = 0.01


class Unwilling:
    """A database that keeps nothing for the next `times` writes; everything else is the real one's."""

    def __init__(self, db: Any, times: int) -> None:
        self._db = db
        self.times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    async def write_each(self, *args: Any) -> Any:
        if self.times > 0:
            self.times -= 1
            raise NotKept("not now")
        return await self._db.write_each(*args)


async def until(found: Callable[[], Any]) -> Any:
    """Wait until `found()` (awaited if it must be) is true and return it; five seconds at most."""
    async with asyncio.timeout(5):
        while True:
            value = found()
            value = await value if asyncio.iscoroutine(value) else value
            if value:
                return value
            await asyncio.sleep(LOOK_S)


def texts(rows: list[dict[str, Any]]) -> list[str]:
    return [row["body"]["text"] for row in rows]


def deliveries_to(external_id: int) -> Callable[[Connection], list[str]]:
    def found(db: Connection) -> list[str]:
        address = contacts.find_address(db, "telegram", str(external_id))
        assert address is not None
        bodies = db.scalars(select(delivery.c.body).where(delivery.c.address_id == address.id))
        return [body["text"] for body in bodies]

    return found


def polls_of(fake: FakeTelegram, least: int) -> Callable[[], Any]:
    async def counted() -> bool:
        return (await fake.totals()).methods.get("getUpdates", 0) >= least

    return counted


async def webhook_url(fake: FakeTelegram) -> str:
    url = f"{fake.api_url}{fake.token}/getWebhookInfo"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return str((await answer.json())["result"]["url"])
