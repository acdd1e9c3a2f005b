"""A message as the platform takes it: plain text without markup, so that nothing needs escaping, and its buttons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.channels.base import Outgoing, Unreachable
from bot.channels.telegram.api import as_json
from dialogue.fit import length
from dialogue.messages import Button, Rendered

SHORT_LABEL = 16
"""Letters of a label of which two fit side by side on a small phone."""

NO_PREVIEW = {"is_disabled": True}


_NO_PREVIEW = f',"link_preview_options":{as_json(NO_PREVIEW)}'


def chat_of(external_id: str) -> int:
    """Return the number of a chat; `Unreachable` if the address is none."""
    try:
        return int(external_id)
    except ValueError:
        raise Unreachable("no_such_chat") from None


def text_message(message: Outgoing) -> bytes:
    """Return the parameters of `sendMessage` as JSON, written straight: it is what is sent most."""
    text = as_json(message.rendered.text)
    marks = f',"entities":{as_json(underlined(message.rendered))}' if message.rendered.marks else ""
    buttons = keyboard(message.delivery_id, message.rendered.buttons)
    markup = f',"reply_markup":{as_json(buttons)}' if buttons is not None else ""
    written = f'{{"chat_id":{chat_of(message.external_id)},"text":{text}{marks}{_NO_PREVIEW}{markup}}}'
    return written.encode("utf-8", "replace")


def photo_message(message: Outgoing, reference: str) -> dict[str, Any]:
    """Return the parameters of `sendPhoto` for a picture the platform has already."""
    return {
        "chat_id": chat_of(message.external_id),
        "photo": reference,
        "caption": message.rendered.text or None,
        "reply_markup": keyboard(message.delivery_id, message.rendered.buttons),
    }


def underlined(rendered: Rendered) -> list[dict[str, Any]]:
    """Return the marks of a text as the platform counts them, in UTF-16 units."""
    return [
        {"type": "underline", "offset": length(rendered.text[:start], "utf16"), "length": length(part, "utf16")}
        for start, end in rendered.marks
        if (part := rendered.text[start:end])
    ]


def keyboard(delivery_id: int, buttons: Sequence[Button]) -> dict[str, Any] | None:
    """Return the buttons under a message, each with the delivery's row and its own place in it as what it sends.

    Two short ones that follow each other share a line.
    """
    lines: list[list[dict[str, str]]] = []
    room = False
    for index, button in enumerate(buttons):
        shown = {"text": button.label, "callback_data": f"{delivery_id}.{index}"}
        short = len(button.label) <= SHORT_LABEL
        if room and short:
            lines[-1].append(shown)
            room = False
        else:
            lines.append([shown])
            room = short
    return {"inline_keyboard": lines} if lines else None
