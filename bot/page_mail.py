"""How a message lies in the mailbox of the web chat, and how the page is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.channels.base import Outgoing
from dialogue.messages import Button, Rendered
from storage.mailbox import Posted


def mail(message: Outgoing) -> dict[str, Any]:
    """Return a message as it lies in the mailbox."""
    rendered = message.rendered
    picture = None
    if message.picture is not None:
        photo = message.picture
        alt = str((rendered.picture or {}).get("description") or "")
        picture = {"name": photo.path.name, "width": photo.width, "height": photo.height, "alt": alt}
    body = {"text": rendered.text, "choices": _choices(message.delivery_id, rendered), "picture": picture}
    return body | ({"file": rendered.file} if rendered.file is not None else {})


def _choices(delivery_id: int, rendered: Rendered) -> list[dict[str, str]]:
    """Buttons carry the delivery's row and their place in it, never what they do."""
    buttons: Sequence[Button] = rendered.buttons
    return [{"value": f"{delivery_id}.{index}", "label": button.label} for index, button in enumerate(buttons)]


def shown(posted: Posted) -> dict[str, Any]:
    """Return a message as the page shows it."""
    picture = posted.body.get("picture")
    if picture is not None:
        picture = {
            "url": f"pictures/{picture['name']}",
            "width": picture["width"],
            "height": picture["height"],
            "alt": picture["alt"],
        }
    file = posted.body.get("file")
    return {
        "id": posted.id,
        "text": posted.body["text"],
        "choices": posted.body["choices"],
        "picture": picture,
        "file": {"url": f"files/{file}", "name": file} if file else None,
        "at": posted.at.isoformat(),
    }
