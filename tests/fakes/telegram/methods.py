"""Every method the fake knows, by its name, and those that are about the bot itself."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.telegram import editing, sending
from tests.fakes.telegram.errors import WEBHOOK_COMES, WEBHOOK_SET, ApiError, bad_request, too_many_requests
from tests.fakes.telegram.files import DOWNLOAD_LIMIT
from tests.fakes.telegram.webhook import Hook
from tests.fakes.telegram.wire import flag, structure, whole_number, words
from tests.fakes.telegram.world import Call

Method = Callable[[Call], Any]

COMMAND = re.compile(r"[a-z0-9_]{1,32}")
SECRET = re.compile(r"[A-Za-z0-9_-]{0,256}")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
LONGEST_POLL_S = 50
CHAT_FACTS = {"accent_color_id": 1, "max_reaction_count": 11}
GIFTS = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")


def get_me(call: Call) -> dict[str, Any]:
    rights = ("can_join_groups", "can_read_all_group_messages", "supports_inline_queries", "can_connect_to_business")
    return {**call.bot.as_user(), **dict.fromkeys(rights, False), "can_join_groups": True, "has_main_web_app": False}


async def get_updates(call: Call) -> list[dict[str, Any]]:
    if call.bot.hook is not None:
        raise ApiError(409, WEBHOOK_SET)
    queue, params = call.bot.queue, call.params
    queue.allow(structure(params, "allowed_updates", "can't parse allowed_updates JSON object"))
    limit = whole_number(params, "limit", 100, least=1, most=100)
    timeout_s = whole_number(params, "timeout", 0, least=0, most=LONGEST_POLL_S)
    return await queue.poll(whole_number(params, "offset"), limit, timeout_s)


async def set_webhook(call: Call) -> bool:
    bot, params, settings = call.bot, call.params, call.world.settings
    url, secret = words(params, "url"), words(params, "secret_token")
    if not url:
        return await delete_webhook(call)
    if urlsplit(url).hostname not in LOOPBACK:
        raise bad_request("invalid webhook URL specified")
    if not SECRET.fullmatch(secret):
        is_long = len(secret) > 256
        raise bad_request("secret token is too long" if is_long else "secret token contains unallowed characters")
    now = call.world.clock()
    if now < bot.hook_set_at + settings.time_factor:
        raise too_many_requests(1)
    bot.hook_set_at = now
    await unhook(call)
    bot.queue.end_poll(WEBHOOK_COMES)
    bot.queue.allow(structure(params, "allowed_updates", "can't parse allowed_updates JSON object"))
    most = whole_number(params, "max_connections", 40, least=1, most=100)
    bot.hook = Hook(
        bot.queue, settings, url, secret=secret, max_connections=most, on_reply=partial(call.world.on_reply, bot)
    )
    return True


async def delete_webhook(call: Call) -> bool:
    await unhook(call)
    return True


async def unhook(call: Call) -> None:
    hook, call.bot.hook = call.bot.hook, None
    if hook is not None:
        await hook.close()
    if flag(call.params, "drop_pending_updates"):
        call.bot.queue.drop_all()


def get_webhook_info(call: Call) -> dict[str, Any]:
    hook, queue = call.bot.hook, call.bot.queue
    info = {
        "url": hook.url if hook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(queue.pending),
    }
    if hook is not None:
        info |= {"max_connections": hook.max_connections, "ip_address": "127.0.0.1"}
        if hook.last_error is not None:
            info |= {"last_error_date": hook.last_error_date, "last_error_message": hook.last_error}
    return {**info, "allowed_updates": sorted(queue.allowed)} if queue.allowed else info


def get_file(call: Call) -> dict[str, Any]:
    file_id = words(call.params, "file_id")
    if not file_id:
        raise bad_request("file_id not specified")
    kept = call.world.files.find(call.bot.id, file_id)
    if kept is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if kept.size > DOWNLOAD_LIMIT:
        raise bad_request("file is too big")
    return {**kept.facts(), "file_path": kept.path}


def get_chat(call: Call) -> dict[str, Any]:
    chat = call.chat()
    return {**chat.as_chat(), **CHAT_FACTS, "accepted_gift_types": dict.fromkeys(GIFTS, False)}


def send_chat_action(call: Call) -> bool:
    call.chat()
    if not words(call.params, "action"):
        raise bad_request("wrong parameter action in request")
    return True


def leave_chat(call: Call) -> bool:
    call.chat().trouble = "not_member"
    return True


def set_my_commands(call: Call) -> bool:
    commands = structure(call.params, "commands", "can't parse commands JSON object")
    if not isinstance(commands, list):
        raise bad_request("can't parse commands JSON object")
    if len(commands) > 100:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not COMMAND.fullmatch(str(command.get("command", "")).removeprefix("/")):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    call.bot.kept[commands_key(call)] = commands
    return True


def get_my_commands(call: Call) -> list[Any]:
    return list(call.bot.kept.get(commands_key(call), ()))


def delete_my_commands(call: Call) -> bool:
    call.bot.kept.pop(commands_key(call), None)
    return True


def commands_key(call: Call) -> str:
    """Return under which name the commands of a language and a scope are kept."""
    scope = structure(call.params, "scope", "can't parse BotCommandScope") or {"type": "default"}
    return f"commands {words(call.params, 'language_code')} {json.dumps(scope, sort_keys=True)}"


def setter(name: str) -> Method:
    """Return a method that keeps one text of the bot per language."""

    def keep(call: Call) -> bool:
        language = words(call.params, "language_code")
        call.bot.kept[f"{name} {language}".strip()] = words(call.params, name)
        return True

    return keep


def getter(name: str) -> Method:
    def give(call: Call) -> dict[str, Any]:
        language = words(call.params, "language_code")
        return {name: call.bot.kept.get(f"{name} {language}".strip(), "")}

    return give


TEXTS = ("name", "description", "short_description")
METHODS: Mapping[str, Method | Callable[[Call], Awaitable[Any]]] = {
    "getMe": get_me,
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "sendMessage": sending.send_message,
    "sendPhoto": sending.send_photo,
    "sendDocument": sending.send_document,
    "sendMediaGroup": sending.send_media_group,
    "sendChatAction": send_chat_action,
    "editMessageText": editing.edit_message_text,
    "editMessageCaption": editing.edit_message_caption,
    "editMessageReplyMarkup": editing.edit_message_reply_markup,
    "deleteMessage": editing.delete_message,
    "deleteMessages": editing.delete_messages,
    "answerCallbackQuery": editing.answer_callback_query,
    "getFile": get_file,
    "getChat": get_chat,
    "leaveChat": leave_chat,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    **{f"setMy{''.join(map(str.title, name.split('_')))}": setter(name) for name in TEXTS},
    **{f"getMy{''.join(map(str.title, name.split('_')))}": getter(name) for name in TEXTS},
}
NAMES = {name.lower(): name for name in METHODS}
"""Methods are found whatever the case of their letters."""
