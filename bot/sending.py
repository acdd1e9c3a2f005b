"""One message on its way out: its words, its parts, its limits of time, and what the way it ended means."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import structlog

from bot.channels.base import Channel, Moved, NotSent, Outgoing, PictureRefused, SendError, SentPicture, Unclear
from bot.limiter import Limiter, Shut
from dialogue.campaign_text import ALERT, campaign_text, has_name
from dialogue.fit import fit
from dialogue.messages import Button, Capabilities, Json, Rendered
from dialogue.text import Wording
from storage.attempts import Result
from storage.claims import NO_RULES, Claimed, Rules, Run

REQUEST_TIMEOUT_S = 30.0
"""For all parts of one message together; kept to within `LATE_S`."""

LATE_S = 1.0
"""Messages that take too long are looked for so often."""

MOST_TEXTS = 64

PICTURE_TIMEOUT_S = 20.0
RETRY_S = (2.0, 10.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)
"""Waits after a message that surely did not arrive; after the last it has failed."""

HALT_MARGIN_S = 0.05

log = structlog.get_logger()
Pictures = Callable[[Mapping[str, Any]], Awaitable[SentPicture | None]]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Surroundings:
    """What the sender needs besides the database and the channels.

    `owner` is this process's name. `pictures` makes or finds the picture of a reply. `rates_per_s` are permitted rates
    that differ from what the channels say of themselves. `rules` bind broadcasts only; a demonstration passes none.
    """

    owner: str
    wording: Wording
    pictures: Pictures
    rules: Rules = NO_RULES
    rates_per_s: Mapping[str, float | None] | None = None
    now: Callable[[], datetime] = _utc_now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Deadlines:
    """One limit of time for each of many messages, and one timer for all of them."""

    def __init__(self, after_s: float = REQUEST_TIMEOUT_S, *, look_s: float = LATE_S) -> None:
        self._after_s = after_s
        self._look_s = look_s
        self._ends_at: dict[asyncio.Timeout, float] = {}  # those that end first come first
        self._looking: asyncio.TimerHandle | None = None

    def set(self) -> asyncio.Timeout:
        """Return a limit for the caller to enter at once; it must be lifted afterwards."""
        loop = asyncio.get_running_loop()
        deadline = asyncio.timeout(None)
        self._ends_at[deadline] = loop.time() + self._after_s
        if self._looking is None:
            self._looking = loop.call_later(self._look_s, self._look, loop)
        return deadline

    def lift(self, deadline: asyncio.Timeout) -> None:
        """Forget a limit; does nothing if it was over."""
        self._ends_at.pop(deadline, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for deadline in [each for each, ends_at in self._ends_at.items() if ends_at <= now]:
            del self._ends_at[deadline]
            deadline.reschedule(now)
        self._looking = loop.call_later(self._look_s, self._look, loop) if self._ends_at else None


class Sending:
    """One message on its way: how far it came decides what its end means."""

    def __init__(
        self, message: Claimed, channel: Channel, limiter: Limiter, deadlines: Deadlines, around: Surroundings
    ) -> None:
        self.message = message
        self.channel = channel
        self._limiter = limiter
        self._deadlines = deadlines
        self._around = around
        self._message_ids: list[str] = []

    async def send(self, rendered: Rendered, picture: SentPicture | None) -> None:
        """Hand all parts over in order; a `SendError` if one of them was not accepted for certain."""
        parts = [rendered] if self.message.edits else fit(rendered, self.channel.capabilities)
        began = await self._enter(is_first=True)
        deadline = self._deadlines.set()
        try:
            async with deadline:
                for part in parts:
                    if self._message_ids:
                        began = await self._enter(is_first=False)
                    await self._hand_over(part, picture if part.picture is not None else None, began)
        except TimeoutError:
            raise Unclear("timeout") from None
        finally:
            self._deadlines.lift(deadline)

    async def _enter(self, *, is_first: bool) -> float:
        message = self.message
        lane = 1 if message.edits else message.lane
        try:
            return await self._limiter.enter(self.channel.name, message.external_id, lane, is_first=is_first)
        except Shut:
            raise _Halted from None

    async def _hand_over(self, part: Rendered, picture: SentPicture | None, began: float) -> None:
        message = self.message
        outgoing = Outgoing(
            message.id, message.external_id, part, picture, edits=message.edits, erases=message.sort == "erase"
        )
        try:
            try:
                sent = await self.channel.send(outgoing)
            except PictureRefused as error:
                sent = await self._send_bare(outgoing, error)
            self._message_ids.append(sent)
        except (SendError, TimeoutError):
            raise
        except Exception as error:
            log.exception("send_failed", delivery_id=message.id)
            raise Unclear(type(error).__name__) from error
        finally:
            group = self.channel.is_group(message.external_id)
            self._limiter.leave(self.channel.name, message.external_id, began, is_group=group)

    async def _send_bare(self, outgoing: Outgoing, error: PictureRefused) -> str:
        """Hand the text over alone: it is worth more than a picture the platform does not get from us."""
        log.error("picture_refused", delivery_id=self.message.id, channel=self.channel.name, reason=error.reason)
        bare = without_picture(outgoing.rendered, self.message, self._around.wording, self.channel.capabilities)
        if not bare.text:
            raise error
        return await self.channel.send(replace(outgoing, rendered=bare, picture=None))

    def accepted(self) -> Result:
        """The whole message was taken; the ids of its parts stand for it, separated by spaces."""
        message, ids = self.message, " ".join(self._message_ids)
        fence = (message.id, self._around.owner, message.attempt, message.address_id)
        return Result(*fence, "accepted", self._around.now(), ids)

    def refused(self, reason: str, *, pauses_broadcast: bool) -> Result:
        """Our own mistake: nothing left us. A broadcast waits for its officer, a reply has failed."""
        retry_at = self._around.now() if pauses_broadcast else None
        return self._result(
            "refused",
            reason=reason,
            retry_at=retry_at,
            counts=not pauses_broadcast,
            pauses_broadcast=pauses_broadcast,
        )

    def judged(self, error: SendError) -> Result:
        """Return what the error means for this message."""
        if self._message_ids:
            return self._result("unknown", reason=error.reason, in_part=True)
        if error.ambiguous and not self._is_repeatable:
            return self._result("unknown", reason=error.reason)
        if isinstance(error, Moved):
            return self._result("refused", reason=error.reason, retry_at=self._around.now(), moved_to=error.external_id)
        if error.ambiguous or error.retry:
            return self._result("refused", reason=error.reason, retry_at=self._retry_at(error), counts=error.counts)
        if error.pauses_broadcast and self.message.run is not None:
            return self.refused(error.reason, pauses_broadcast=True)
        return self._result("refused", reason=error.reason, address_dead=error.stops_contact)

    @property
    def _is_repeatable(self) -> bool:
        """The same edit twice is one."""
        return self.channel.capabilities.repeatable or bool(self.message.edits)

    def _retry_at(self, error: SendError) -> datetime | None:
        now = self._around.now()
        if not error.counts:
            return now + timedelta(seconds=(error.retry_after_s or 0) + HALT_MARGIN_S)
        if self.message.tries >= len(RETRY_S):
            return None
        return now + timedelta(seconds=RETRY_S[self.message.tries])

    def _result(self, kind: str, *, counts: bool = True, moved_to: str | None = None, **more: Any) -> Result:
        message = self.message
        return Result(
            delivery_id=message.id,
            owner=self._around.owner,
            attempt=message.attempt,
            address_id=message.address_id,
            kind=kind,
            at=self._around.now(),
            counts=counts and moved_to is None,
            moved_to=moved_to,
            **more,
        )


class _Halted(NotSent):
    """The channel was told to wait between our claim and our request."""

    counts = False

    def __init__(self) -> None:
        super().__init__("halted")


class Words:
    """Puts messages into words. What a broadcast says to everybody is written once for each language."""

    def __init__(self, wording: Wording) -> None:
        self._wording = wording
        self._for_all = lru_cache(maxsize=MOST_TEXTS)(self._of_run)

    def of(self, message: Claimed, *, abroad: bool = False) -> Rendered:
        """Return a message in words: a reply as it was stored, a broadcast in her language.

        `abroad`: her name does not stand in it, for it would leave the country with it.
        """
        run = message.run
        if run is None:
            return _reply(message)
        if message.name and not abroad and any(map(has_name, run.texts.values())):
            return self._of_run(run, message.language, message.doubts > 0, message.name)
        return self._for_all(run, message.language, message.doubts > 0)

    def _of_run(self, run: Run, language: str, is_repeat: bool, name: str | None = None) -> Rendered:
        urgent = run.code if run.sort == ALERT else None
        text = campaign_text(run.texts, language, self._wording, name=name, urgent=urgent, is_repeat=is_repeat)
        picture: Mapping[str, Json] | None = None
        if run.photo:
            picture = {"kind": "attachment", "spec": {"sha256": run.photo}, "description": ""}
        return Rendered(text, picture=picture)


def _reply(message: Claimed) -> Rendered:
    body = message.body
    if body is None:
        raise ValueError("a reply without a body")
    buttons = tuple(Button(each["value"], each["label"], each.get("ask")) for each in body.get("buttons") or ())
    marks = tuple((start, end) for start, end in body.get("marks") or ())
    return Rendered(body["text"], buttons, body.get("picture"), message.sort, body.get("file"), marks)


def without_picture(rendered: Rendered, message: Claimed, wording: Wording, capabilities: Capabilities) -> Rendered:
    """Return a message as it goes where its picture cannot be shown; on some channels the text says so."""
    if not capabilities.tells_of_pictures:
        return replace(rendered, picture=None)
    note = wording.sentence("picture.elsewhere", message.language)
    return replace(rendered, text=f"{rendered.text}\n\n{note}" if rendered.text else note, picture=None)
