"""Every method the platform has, by its name; names are told apart by the case of their letters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tests.fakes.ledger import Entry
from tests.fakes.zalo.errors import ApiError, bad_request, named
from tests.fakes.zalo.ids import id_of
from tests.fakes.zalo.webhook import Hook, is_public, probed
from tests.fakes.zalo.world import Call, Chat

Method = Callable[[Call], Any]
TEXT_LIMIT = 2000
SECRET_LEAST, SECRET_MOST = 8, 256
DEFAULT_POLL_S = 30.0
LONGEST_POLL_S = 50.0
PHOTO_S = 10.0


def get_me(call: Call) -> dict[str, Any]:
    return {**call.bot.account, "can_join_groups": call.world.settings.groups}


async def get_updates(call: Call) -> dict[str, Any]:
    if call.bot.hook is not None:
        if call.world.settings.poll_in_webhook == 408:
            raise named("request_timeout")
        raise ApiError(call.world.settings.poll_in_webhook, "Bad request: webhook is active")
    update = await call.bot.queue.poll(seconds(call.params.get("timeout")), call.is_gone)
    if update is None:
        raise named("request_timeout")
    return update.body


def seconds(said: Any) -> float:
    """Return how long to wait: text and numbers are taken."""
    try:
        return min(LONGEST_POLL_S, max(0.0, float(said)))
    except (TypeError, ValueError):
        return DEFAULT_POLL_S


async def set_webhook(call: Call) -> dict[str, Any]:
    url, secret = str(call.params.get("url") or ""), str(call.params.get("secret_token") or "")
    if not SECRET_LEAST <= len(secret) <= SECRET_MOST:
        raise bad_request("secret_token must have 8 to 256 characters")
    if not is_public(url, call.world.settings):
        raise bad_request("url must be a public https address")
    verification = await probed(url, secret)
    await unhook(call)
    now = call.world.now_ms()
    call.bot.hook = Hook(call.bot.queue, call.world.settings, url, secret=secret, updated_at=now)
    call.bot.queue.wake()  # who polls still gets nothing any more
    return {"url": url, "updated_at": now, "verification": verification}


async def test_webhook(call: Call) -> dict[str, Any]:
    if call.bot.hook is None:
        raise bad_request("no webhook")
    found = await probed(call.bot.hook.url, call.bot.hook.secret)
    return {"url": call.bot.hook.url, **found}


def get_webhook_info(call: Call) -> dict[str, Any]:
    hook = call.bot.hook
    return {"url": hook.url if hook else "", "updated_at": hook.updated_at if hook else 0}


async def delete_webhook(call: Call) -> dict[str, Any]:
    await unhook(call)
    return {"url": "", "updated_at": call.world.now_ms()}


async def unhook(call: Call) -> None:
    hook, call.bot.hook = call.bot.hook, None
    if hook is not None:
        await hook.close()


def send_message(call: Call) -> dict[str, Any]:
    chat = call.chat()
    text = words(call, "text")
    if not text:
        raise bad_request("The text must not be empty")
    return say(call, chat, {"text": text, "text_styles": styles(call, text)}, "CHAT_MESSAGE")


def styles(call: Call, text: str) -> list[dict[str, Any]]:
    """Return the styles of a text; refuses what lies outside of it."""
    said = call.params.get("text_styles") or []
    units = len(text.encode("utf-16-le")) // 2
    for each in said:
        is_inside = each["start"] >= 0 and each["len"] > 0 and each["start"] + each["len"] <= units
        if not is_inside or not each["st"]:
            raise bad_request("wrong text_styles")
    return list(said)


async def send_photo(call: Call) -> dict[str, Any]:
    chat = call.chat()
    photo = call.params.get("photo")
    if not photo or not isinstance(photo, str):
        raise bad_request("The photo must not be empty")
    if not photo.startswith(("http://", "https://")):
        raise bad_request("The photo must start with http:// or https://")
    caption = words(call, "caption")
    content = await downloaded(call, photo)
    said = {"photo": photo, "bytes": len(content), **({"caption": caption} if caption else {})}
    return say(call, chat, said, "CHAT_PHOTO")


async def downloaded(call: Call, url: str) -> bytes:
    """Fetch a picture as the platform's own downloader does; refuses what it does not get."""
    settings = call.world.settings
    if urlsplit(url).hostname in settings.refused_hosts:
        raise bad_request("The photo URL is invalid")
    if not settings.fetches_photos:
        return b""
    timeout = aiohttp.ClientTimeout(total=PHOTO_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            content = await answer.read()
            if answer.status == 200 and answer.content_type.startswith("image/"):
                call.world.pictures[url] = content
                return content
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass
    raise bad_request("The photo URL is invalid")


def send_sticker(call: Call) -> dict[str, Any]:
    chat = call.chat()
    sticker = call.params.get("sticker")
    if not sticker:
        raise bad_request("The sticker must not be empty")
    return say(call, chat, {"sticker": sticker}, "CHAT_STICKER")


def send_voice(call: Call) -> dict[str, Any]:
    chat = call.chat()
    url = str(call.params.get("voice_url") or "")
    if not url.endswith(".aac"):
        raise bad_request("voice_url must end with .aac")
    return say(call, chat, {"voice_url": url}, "CHAT_VOICE")


def send_chat_action(call: Call) -> dict[str, Any]:
    call.chat()
    if call.params.get("action") not in ("typing", "upload_photo"):
        raise bad_request("wrong action")
    return {"ok": True}


def words(call: Call, name: str) -> str:
    """Return a text of a call; refuses one that is none or too long."""
    said = call.params.get(name) or ""
    if not isinstance(said, str):
        raise bad_request(f"The {name} must be a string")
    if len(said) > TEXT_LIMIT:
        raise bad_request(f"The {name} must not be longer than {TEXT_LIMIT} characters")
    return said


def say(call: Call, chat: Chat, content: dict[str, Any], message_type: str) -> dict[str, Any]:
    """Accept a message: from here on it is in the chat, whatever becomes of the answer."""
    world = call.world
    call.count(chat)
    chat.last_message += 1
    message_id, now = id_of(chat.last_message, f"message of {chat.id}"), world.now_ms()
    entry = Entry(
        call=call.number,
        bot_id=call.bot.id,
        chat_id=chat.number,
        message_id=chat.last_message,
        method=call.method,
        date=now,
        content={**content, "chat": chat.id, "id": message_id},
    )
    world.ledger.keep(entry)
    if world.settings.echoes:
        me = {"id": call.bot.account["id"], "display_name": "Bot", "is_bot": True}
        place = {"id": chat.id, "chat_type": "PRIVATE"}
        echo = {"message_id": message_id, "date": now, "from": me, "chat": place, "text": content.get("text", "")}
        call.bot.queue.add({"event_name": "message.text.received", "message": echo}, chat_id=chat.number)
    return {"message_id": message_id, "date": now, "message_type": message_type}


METHODS: Mapping[str, Method] = {
    "getMe": get_me,
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "testWebhook": test_webhook,
    "getWebhookInfo": get_webhook_info,
    "deleteWebhook": delete_webhook,
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "sendSticker": send_sticker,
    "sendVoice": send_voice,
    "sendChatAction": send_chat_action,
}
