"""How a message lies in the mailbox of the web chat, and how the page is told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dialogue.messages import Button, Rendered
from storage.mailbox import Posted


def mail(delivery_id: int, rendered: Rendered, *, name: str | None, size: tuple[int, int] | None) -> dict[str, Any]:
    """Return a message as it lies in the mailbox; `name` and `size` in pixels are those of its picture's file."""
    picture = None
    if name is not None and size is not None:
        alt = str((rendered.picture or {}).get("description") or "")
        picture = {"name": name, "width": size[0], "height": size[1], "alt": alt}
    body = {"text": rendered.text, "choices": _choices(delivery_id, rendered), "picture": picture}
    marks = {"marks": [list(mark) for mark in rendered.marks]} if rendered.marks else {}
    return body | marks | ({"file": rendered.file} if rendered.file is not None else {})


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
        **_parts(posted.body),
        "choices": posted.body["choices"],
        "picture": picture,
        "file": {"url": f"files/{file}", "name": file} if file else None,
        "at": posted.at.isoformat(),
    }


def _parts(body: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return a text with marks in `parts`: what is plain and what is marked by turns, plain first; empty without."""
    text, marks = body["text"], body.get("marks") or ()
    parts, at = [], 0
    for start, end in marks:
        parts += [text[at:start], text[start:end]]
        at = end
    return {"parts": [*parts, text[at:]]} if parts else {}
