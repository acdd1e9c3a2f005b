"""The methods that put a message into a chat."""

from __future__ import annotations

from typing import Any

from tests.fakes.ledger import Entry
from tests.fakes.telegram.chats import Chat
from tests.fakes.telegram.errors import WRONG_FILE, bad_request, too_many_requests
from tests.fakes.telegram.markup import CAPTION_UNITS, TEXT_UNITS, formatted, reply_markup, shown
from tests.fakes.telegram.wire import Params, Upload, structure, whole_number, words
from tests.fakes.telegram.world import Bot, Call, World

ATTACHED = "attach://"
ALBUM_LEAST, ALBUM_MOST = 2, 10
ALBUM_WAIT_S = 5


def send_message(call: Call) -> dict[str, Any]:
    chat = call.chat()
    text, entities = formatted(call.params, "text", TEXT_UNITS, too_long="message is too long")
    if not text:
        raise bad_request("message text is empty")
    content: dict[str, Any] = {"text": text}
    if entities:
        content["entities"] = entities
    return say(call, chat, content)


def send_photo(call: Call) -> dict[str, Any]:
    chat = call.chat()
    return say(call, chat, photo(call, call.params.get("photo")) | caption(call.params))


def send_document(call: Call) -> dict[str, Any]:
    chat = call.chat()
    return say(call, chat, document(call, call.params.get("document")) | caption(call.params))


def send_media_group(call: Call) -> list[dict[str, Any]]:
    chat = call.chat()
    items = structure(call.params, "media", "can't parse media JSON object")
    if not isinstance(items, list) or not ALBUM_LEAST <= len(items) <= ALBUM_MOST:
        raise bad_request("media group must include 2-10 items")
    contents = [album_item(call, item) | caption(item) for item in items]
    album, kept = call.bot.next_album(), len(contents) if call.breaks_after is None else call.breaks_after
    said = [say(call, chat, content, album=album) for content in contents[:kept]]
    if kept < len(contents):
        why = too_many_requests(ALBUM_WAIT_S).description
        raise bad_request(f'Failed to send message #{kept + 1} with the error message "{why}"')
    return said


def album_item(call: Call, item: Any) -> dict[str, Any]:
    makers = {"photo": photo, "document": document}
    if not isinstance(item, dict) or item.get("type") not in makers:
        raise bad_request("can't parse InputMedia: type must be one of photo, document")
    return makers[item["type"]](call, item.get("media"))


def caption(params: Params) -> dict[str, Any]:
    text, entities = formatted(params, "caption", CAPTION_UNITS, too_long="message caption is too long")
    return {"caption": text, **({"caption_entities": entities} if entities else {})} if text else {}


def photo(call: Call, said: Any) -> dict[str, Any]:
    world, bot = call.world, call.bot
    if upload := uploaded(call, said):
        return {"photo": world.files.keep_photo(bot.id, upload.content)}
    kept = world.files.find(bot.id, str(said))
    if kept is None or kept.kind != "photo":
        raise bad_request(WRONG_FILE if said else "there is no photo in the request")
    return {"photo": world.files.photo_again(kept)}


def document(call: Call, said: Any) -> dict[str, Any]:
    world, bot = call.world, call.bot
    if upload := uploaded(call, said):
        facts = {"name": upload.filename, "media_type": upload.media_type}
        return {"document": world.files.keep(bot.id, "document", upload.content, **facts).as_document()}
    kept = world.files.find(bot.id, str(said))
    if kept is None:
        raise bad_request(WRONG_FILE if said else "there is no document in the request")
    return {"document": kept.as_document()}


def uploaded(call: Call, said: Any) -> Upload | None:
    """Return the file that came with the call, under the parameter's own name or by `attach://`."""
    if isinstance(said, str) and said.startswith(ATTACHED):
        said = call.params.get(said.removeprefix(ATTACHED))
        if not isinstance(said, Upload):
            raise bad_request("wrong file identifier/HTTP URL specified")
    if isinstance(said, Upload) and not said.content:
        raise bad_request("file must be non-empty")
    return said if isinstance(said, Upload) else None


def say(call: Call, chat: Chat, content: dict[str, Any], album: str | None = None) -> dict[str, Any]:
    """Accept a message: from here on it is in the chat, whatever becomes of the answer."""
    world = call.world
    markup = reply_markup(call.params) if "reply_markup" in call.params else None
    if "reply_parameters" in call.params or "reply_to_message_id" in call.params:
        check_reply(call, chat)
    entry = Entry(
        call=call.number,
        bot_id=call.bot.id,
        chat_id=chat.id,
        message_id=chat.next_message_id(),
        method=call.method,
        date=int(world.wall()),
        content=content,
        markup=markup,
        album=album,
    )
    world.ledger.keep(entry)
    return as_message(world, call.bot, entry, chat)


def check_reply(call: Call, chat: Chat) -> None:
    reply = structure(call.params, "reply_parameters", "can't parse reply parameters JSON object") or call.params
    name = "message_id" if reply is not call.params else "reply_to_message_id"
    message_id = whole_number(reply, name)
    is_there = message_id in chat.incoming or call.world.ledger.find(chat.id, message_id)
    if not is_there and not words(reply, "allow_sending_without_reply").lower() == "true":
        raise bad_request("message to be replied not found")


def as_message(world: World, bot: Bot, entry: Entry, chat: Chat | None = None) -> dict[str, Any]:
    """Return Telegram's message object of a message of the bot."""
    message = {
        "message_id": entry.message_id,
        "from": bot.as_user(),
        "chat": (chat or world.chats.open(entry.chat_id)).as_chat(),
        "date": entry.date,
        **entry.content,
    }
    if entry.album is not None:
        message["media_group_id"] = entry.album
    if entry.edits:
        message["edit_date"] = entry.edits[-1]["date"]
    if (buttons := shown(entry.markup)) is not None:
        message["reply_markup"] = buttons
    return message
