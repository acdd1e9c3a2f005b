"""Read texts and buttons as Telegram does, and refuse what it refuses."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.telegram.errors import bad_request
from tests.fakes.telegram.wire import Params, structure, words

TEXT_UNITS = 4096
CAPTION_UNITS = 1024
CALLBACK_BYTES = 64
TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)([^<>]*)>|&(amp|lt|gt|quot);")
TAGS = {"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "s": "strikethrough"}
TAGS |= {"code": "code", "pre": "pre", "a": "text_link", "blockquote": "blockquote"}
SIGNS = {"amp": "&", "lt": "<", "gt": ">", "quot": '"'}
COMMAND = re.compile(r"/[A-Za-z0-9_]{1,32}(?:@\w{3,32})?")
LINK = re.compile(r'href="([^"]*)"')


def units(text: str) -> int:
    """Return the length in UTF-16 units, which Telegram counts in."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def formatted(params: Params, name: str, limit: int, *, too_long: str) -> tuple[str, list[dict[str, Any]]]:
    """Return a text without its marks, and its entities; refuses what cannot be read or is too long."""
    text = words(params, name)
    entities: list[dict[str, Any]] = []
    mode = words(params, "parse_mode").lower()
    if mode == "html":
        text, entities = from_html(text)
    elif mode and not mode.startswith("markdown"):
        raise bad_request("unsupported parse_mode")
    elif not mode:
        entities = given_entities(params, units(text))
    if len(text) > limit // 2 and units(text) > limit:
        raise bad_request(too_long)
    return text.strip(), entities


def given_entities(params: Params, text_units: int) -> list[dict[str, Any]]:
    """Return the entities a program counted itself; refuses those that reach over the text."""
    given = structure(params, "entities", complaint="can't parse entities") or []
    for one in given:
        if one["offset"] < 0 or one["length"] < 1 or one["offset"] + one["length"] > text_units:
            raise bad_request("ENTITY_BOUNDS_INVALID")
    return list(given)


def from_html(text: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the text without tags, and the entities they stood for, with offsets in UTF-16 units."""
    plain, entities, still_open, end = "", [], [], 0
    for mark in TAG.finditer(text):
        plain += checked(text[end : mark.start()], end)
        end = mark.end()
        closing, tag, rest, sign = mark.groups()
        if sign:
            plain += SIGNS[sign]
        elif tag.lower() not in TAGS:
            raise unreadable(f'Unsupported start tag "{tag}" at byte offset {mark.start()}')
        elif not closing:
            still_open.append((tag.lower(), units(plain), rest))
        elif not still_open or still_open[-1][0] != tag.lower():
            raise unreadable(f"Unmatched end tag at byte offset {mark.start()}")
        else:
            entities.append(entity(*still_open.pop(), units(plain)))
    plain += checked(text[end:], end)
    if still_open:
        raise unreadable(f'Can\'t find end tag corresponding to start tag "{still_open[-1][0]}"')
    return plain, entities


def checked(piece: str, offset: int) -> str:
    if "<" in piece:
        raise unreadable(f"Unsupported start tag at byte offset {offset + piece.index('<')}")
    return piece


def entity(tag: str, start: int, rest: str, end: int) -> dict[str, Any]:
    found = {"type": TAGS[tag], "offset": start, "length": end - start}
    link = LINK.search(rest)
    return {**found, "url": link[1]} if tag == "a" and link else found


def unreadable(why: str) -> Exception:
    return bad_request(f"can't parse entities: {why}")


def commands_in(text: str) -> list[dict[str, Any]]:
    """Return the entities of commands somebody typed."""
    return [
        {"type": "bot_command", "offset": units(text[: found.start()]), "length": len(found[0])}
        for found in COMMAND.finditer(text)
        if found.start() == 0 or text[found.start() - 1].isspace()
    ]


def reply_markup(params: Params) -> dict[str, Any] | None:
    """Return the buttons under a message; refuses those Telegram refuses."""
    markup = structure(params, "reply_markup", "can't parse reply keyboard markup JSON object")
    if markup is None:
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    for row in markup.get("inline_keyboard", ()):
        for button in row:
            check_inline(button)
    return markup


def check_inline(button: dict[str, Any]) -> None:
    if not button.get("text"):
        raise bad_request("can't parse inline keyboard button: text is empty")
    actions = button.keys() - {"text", "style", "icon_custom_emoji_id"}
    if not actions:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if "callback_data" in button and not 1 <= len(str(button["callback_data"]).encode()) <= CALLBACK_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")


def shown(markup: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the buttons that are part of a message; keyboards under the line for writing are not."""
    return markup if markup and markup.get("inline_keyboard") else None
