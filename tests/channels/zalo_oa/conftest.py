"""The route of the Official Account on a database of its own, with an account that delivers to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.channels.receiving import Receiving
from bot.channels.webhook import Webhook
from bot.channels.zalo_oa.inbound import Me
from bot.channels.zalo_oa.names import NAME
from bot.channels.zalo_oa.signature import Signer
from bot.channels.zalo_oa.webhook import PATH, Reader, door
from bot.intake import Intake
from bot.ports.platform import PlatformPorts
from handlers.content import Content
from storage.database import Database
from tests.channels.conftest import now, rows_of
from tests.fakes.zalo_oa import APP_ID, OA_ID, SECRET, FakeOa, fake_oa


class Nowhere:
    """The platform's side of the webhook, which lies in its console."""

    async def settle(self) -> None: ...

    async def look(self) -> str | None:
        return None


@dataclass
class Gate:
    """A route that is served, and the account that delivers to it."""

    webhook: Webhook
    oa: FakeOa
    db: Database

    async def inbox(self) -> list[dict[str, Any]]:
        """Return the inbox rows in their order, with the outside id of who wrote."""
        return await self.db.read(rows_of)


MakeGate = Callable[..., AbstractAsyncContextManager[Gate]]


@pytest.fixture
def gate(database: Database, content: Content) -> MakeGate:
    """Return what opens a route with an account before it; `settings` are those of the account."""

    @asynccontextmanager
    async def opened(db: Any = None, **settings: Any) -> AsyncIterator[Gate]:
        used = db or database
        intake = Intake(used, "test", "vi", now, lambda _channel, _seconds: None)
        ports = PlatformPorts(name=NAME, db=used, intake=intake, content=content, clock=now)
        receiving = Receiving(ports, Reader(Me(APP_ID, OA_ID)))
        webhook = Webhook(door(Signer(APP_ID, SECRET), now), Nowhere(), receiving, heard=ports.heard)
        app = web.Application()
        app.router.add_routes(webhook.routes())
        async with TestServer(app) as server, fake_oa(str(server.make_url(PATH)), **settings) as oa:
            yield Gate(webhook, oa, used)
            webhook.stop()
            await webhook.drain()

    return opened
