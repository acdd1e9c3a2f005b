"""Pictures on the platform: uploaded once, sent by the name the platform gave them from then on."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import structlog
from telegram import InlineKeyboardMarkup, Message

from bot.channels.base import NotSent, Outgoing, SentPicture
from bot.channels.telegram.api import Api
from bot.channels.telegram.outgoing import chat_of, keyboard, photo_message
from bot.channels.telegram.ports import Ports

UPLOAD_WAIT_S = 15.0
"""How long a message waits for another one's upload of the same picture."""

MOST_KNOWN = 500

log = structlog.get_logger()


class Pictures:
    """Knows what stands on the platform for a file of ours; a hundred sends of one picture make one upload."""

    def __init__(self, api: Api, ports: Ports) -> None:
        self._api = api
        self._ports = ports
        self._known: dict[str, str] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: Counter[str] = Counter()

    async def reference(self, name: str) -> str | None:
        """Return what stands for the file `name`; None if it must be uploaded."""
        if name not in self._known:
            stored = await self._ports.sent_file(self._api.bot_id, name)
            if stored is None:
                return None
            self._remember(name, stored)
        return self._known[name]

    async def upload(self, message: Outgoing, picture: SentPicture, *, wrong: str | None = None) -> Any:
        """Send a message whose picture the platform does not have, or has forgotten under the name `wrong`.

        Returns the platform's message. If another message uploads the same picture meanwhile, its name is used.
        Raises `TelegramError`, and `NotSent` if the other one takes too long.
        """
        name = picture.path.name
        lock = self._locks.setdefault(name, asyncio.Lock())
        self._users[name] += 1
        try:
            await _acquired(lock)
            try:
                known = await self.reference(name)
                if known is not None and known != wrong:
                    return await self._api.call("sendPhoto", **photo_message(message, known))
                return await self._uploaded(message, picture)
            finally:
                lock.release()
        finally:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name]
                self._locks.pop(name, None)

    async def _uploaded(self, message: Outgoing, picture: SentPicture) -> dict[str, Any]:
        try:
            content = await asyncio.to_thread(picture.path.read_bytes)
        except OSError:
            raise NotSent("picture_not_there") from None
        buttons = keyboard(message.delivery_id, message.rendered.buttons)
        sent: Message = await self._api.bot.send_photo(
            chat_of(message.external_id),
            content,
            caption=message.rendered.text or None,
            reply_markup=InlineKeyboardMarkup.de_json(buttons, None) if buttons else None,
            filename=picture.path.name,
        )
        if sent.photo:
            await self._keep(picture.path.name, sent.photo[-1].file_id)
        return {"message_id": sent.message_id}

    async def _keep(self, name: str, reference: str) -> None:
        self._remember(name, reference)
        try:
            await self._ports.keep_sent_file(self._api.bot_id, name, reference)
        except Exception:
            # The message is on its way; the worst that follows is another upload after a restart.
            log.exception("sent_file_not_kept")

    def _remember(self, name: str, reference: str) -> None:
        while len(self._known) >= MOST_KNOWN:
            self._known.pop(next(iter(self._known)))
        self._known[name] = reference


async def _acquired(lock: asyncio.Lock) -> None:
    try:
        async with asyncio.timeout(UPLOAD_WAIT_S):
            await lock.acquire()
    except TimeoutError:
        raise NotSent("upload_waits") from None
