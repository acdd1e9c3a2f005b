"""The methods that change or take away what is in a chat, and answer a press of a button."""

from __future__ import annotations

from typing import Any

from tests.fakes.ledger import Entry
from tests.fakes.telegram.chats import Chat
from tests.fakes.telegram.errors import NOT_MODIFIED, STALE_QUERY, bad_request
from tests.fakes.telegram.markup import CAPTION_UNITS, TEXT_UNITS, formatted, reply_markup
from tests.fakes.telegram.sending import as_message
from tests.fakes.telegram.wire import structure, whole_number, words
from tests.fakes.telegram.world import Call

ANSWER_UNITS = 200


def edit_message_text(call: Call) -> dict[str, Any]:
    entry = edited(call)
    if "text" not in entry.content:
        raise bad_request("there is no text in the message to edit")
    text, entities = formatted(call.params, "text", TEXT_UNITS, too_long="MESSAGE_TOO_LONG")
    if not text:
        raise bad_request("message text is empty")
    content: dict[str, Any] = {"text": text, **({"entities": entities} if entities else {})}
    return change(call, entry, content, reply_markup(call.params))


def edit_message_caption(call: Call) -> dict[str, Any]:
    entry = edited(call)
    if "text" in entry.content:
        raise bad_request("there is no caption in the message to edit")
    text, entities = formatted(call.params, "caption", CAPTION_UNITS, too_long="message caption is too long")
    rest = {name: value for name, value in entry.content.items() if not name.startswith("caption")}
    if text:
        rest |= {"caption": text, **({"caption_entities": entities} if entities else {})}
    return change(call, entry, rest, reply_markup(call.params))


def edit_message_reply_markup(call: Call) -> dict[str, Any]:
    entry = edited(call)
    return change(call, entry, entry.content, reply_markup(call.params))


def edited(call: Call) -> Entry:
    """Return the message to edit; refuses where it is not there or not the bot's."""
    chat = call.chat()
    message_id = whole_number(call.params, "message_id")
    entry = call.world.ledger.find(chat.id, message_id)
    if entry is None and message_id in chat.incoming:
        raise bad_request("message can't be edited")
    if entry is None or entry.bot_id != call.bot.id:
        raise bad_request("message to edit not found")
    return entry


def change(call: Call, entry: Entry, content: dict[str, Any], markup: dict[str, Any] | None) -> dict[str, Any]:
    if content == entry.content and buttons(markup) == buttons(entry.markup):
        raise bad_request(NOT_MODIFIED)
    entry.content, entry.markup = content, markup
    now = call.world.clock()
    entry.edits.append(
        {"text": entry.text, "reply_markup": markup, "at": now, "date": int(call.world.wall()), "call": call.number}
    )
    call.world.ledger.changed(entry.chat_id)
    return as_message(call.world, call.bot, entry)


def buttons(markup: dict[str, Any] | None) -> list[Any]:
    return list((markup or {}).get("inline_keyboard", ()))


def delete_message(call: Call) -> bool:
    chat = call.chat()
    if not delete(call, chat, whole_number(call.params, "message_id")):
        raise bad_request("message to delete not found")
    return True


def delete_messages(call: Call) -> bool:
    chat = call.chat()
    ids = structure(call.params, "message_ids", "can't parse message identifiers JSON object")
    if not isinstance(ids, list) or not ids:
        raise bad_request("message identifiers are not specified")
    if len(ids) > 100:
        raise bad_request("too many messages specified")
    for message_id in ids:
        delete(call, chat, int(message_id))
    return True


def delete(call: Call, chat: Chat, message_id: int) -> bool:
    ledger = call.world.ledger
    if chat.incoming.pop(message_id, None) is not None:
        return True
    entry = ledger.find(chat.id, message_id)
    if entry is None:
        return False
    entry.deleted_at = call.world.clock()
    ledger.changed(chat.id)
    return True


def answer_callback_query(call: Call) -> bool:
    query_id = words(call.params, "callback_query_id")
    deadline = call.bot.callbacks.get(query_id)
    if deadline is None or call.world.clock() > deadline:
        raise bad_request(STALE_QUERY)
    if len(words(call.params, "text")) > ANSWER_UNITS:
        raise bad_request("MESSAGE_TOO_LONG")
    call.bot.answered[query_id] = {**call.params, "at": call.world.clock()}
    call.world.ledger.changed()
    return True
