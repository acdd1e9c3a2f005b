"""An account as its app sees it: events of people, signed over the very bytes, tried again, at last switched off."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp

from tests.fakes import webhook
from tests.fakes.ledger import Arrival, Ledger
from tests.fakes.updates import Queue, Update
from tests.fakes.zalo_oa.settings import APP_ID, OA_ID, Settings

Json = dict[str, Any]
HEADER = "X-ZEvent-Signature"


class Hook(webhook.Hook):
    """The webhook. `is_on` is False once an event was given up."""

    def __init__(self, queue: Queue, settings: Settings, url: str) -> None:
        self.is_on = True
        self._oa = settings
        super().__init__(queue, settings, url, secret="")

    def push(self, update: Update) -> None:
        """Deliver an event, unless the webhook was switched off."""
        if self.is_on:
            super().push(update)
        else:
            self._queue.confirm(update, "lost")

    def headers(self, body: bytes, fails: int) -> dict[str, str]:
        """Sign the body; from the second attempt on the number of it is told."""
        secret = self._oa.secret + ("x" if self._oa.wrong_signature else "")
        whole = self._oa.first_term.encode() + body + json.loads(body)["timestamp"].encode() + secret.encode()
        signed = {HEADER: f"{self._oa.mark}{hashlib.sha256(whole).hexdigest()}"}
        return {**signed, "num_retry": str(fails)} if fails else signed

    def wait_s(self, fails: int, _retry_after_s: float) -> float | None:
        """Return the plan's next wait; what we ask for counts for nothing."""
        if fails < len(self._oa.again_s):
            return self._oa.again_s[fails]
        self.is_on = False
        return None


class FakeOa:
    """An account whose events go to one address. `wall` is the time of day, in seconds since 1970."""

    def __init__(self, url: str, settings: Settings, wall: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.ledger = Ledger(time.monotonic)
        self._wall = wall
        self._queue = Queue(settings, self.ledger)
        self._numbers = itertools.count(1)
        self.hook = Hook(self._queue, settings, url)

    def person(self, number: int) -> Person:
        """Return a person to play."""
        return Person(self, f"600{number:016d}")

    async def ping(self) -> int:
        """Knock as the console does when the address is saved: without a signature. Return the status."""
        async with aiohttp.ClientSession() as session, session.post(self.hook.url, json={}) as answer:
            return answer.status

    def tell(self, event: Json, who: str) -> Update:
        """Deliver an event, completed with our app and the time where they are missing."""
        whole = {"app_id": APP_ID, "timestamp": str(int(self._wall() * 1000)), **event}
        number = next(self._numbers)
        record = Arrival(number, event["event_name"], int(who), self.ledger.clock())
        return self._queue.keep(Update(number, who, whole, record))

    def message_id(self) -> str:
        return f"m-{next(self._numbers)}"

    async def wait_taken(self, wait_s: float = 10.0) -> None:
        """Wait until every event so far was taken or given up; `AssertionError` if it takes longer."""
        wanted = len(self.ledger.arrivals)
        assert await self.ledger.until(lambda: self.ledger.confirmed >= wanted, wait_s), "events were not taken"

    def ended(self) -> list[str | None]:
        """Return how each event ended: `webhook` or `lost`."""
        return [arrival.confirmed_by for arrival in self.ledger.arrivals]


class Person:
    """A person who talks to the account."""

    def __init__(self, oa: FakeOa, person_id: str) -> None:
        self._oa = oa
        self.id = person_id

    def send(self, event_name: str, **message: Any) -> Update:
        """Send something; the name of its event says of what kind."""
        whole = {"msg_id": self._oa.message_id(), **message}
        return self._tell({"event_name": event_name, "message": whole})

    def send_text(self, text: str) -> Update:
        return self.send("user_send_text", text=text)

    def send_photos(self, *urls: str, text: str = "") -> Update:
        attachments = [{"type": "image", "payload": {"url": url, "thumbnail": url}} for url in urls]
        return self.send("user_send_image", attachments=attachments, **({"text": text} if text else {}))

    def submit_phone(self, phone: str) -> Update:
        """Fill in the platform's form."""
        return self._tell({"event_name": "user_submit_info", "info": {"name": "Lê B", "phone": phone}})

    def follow(self, *, follows: bool = True) -> Update:
        """Follow the account, or no more."""
        name = "follow" if follows else "unfollow"
        return self._oa.tell({"event_name": name, "oa_id": OA_ID, "follower": {"id": self.id}}, self.id)

    def _tell(self, event: Json) -> Update:
        return self._oa.tell({"sender": {"id": self.id}, "recipient": {"id": OA_ID}, **event}, self.id)


@contextlib.asynccontextmanager
async def fake_oa(url: str, wall: Callable[[], float] = time.time, **settings: Any) -> AsyncIterator[FakeOa]:
    """Run an account whose events go to `url`. `settings` as in `settings.Settings`."""
    chosen = Settings()
    chosen.change(**settings)
    oa = FakeOa(url, chosen, wall)
    try:
        yield oa
    finally:
        await oa.hook.close()
