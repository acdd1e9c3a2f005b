"""Turn what is to be said into delivery rows: the one place where a reply becomes a row."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dialogue.messages import Button, Rendered, Reply
from dialogue.text import Wording
from storage import contacts, deliveries, sessions
from storage.database import Connection
from storage.deliveries import REPLIES, NewDelivery


def stored(button: Button) -> dict[str, Any]:
    """Return a button as rows keep it."""
    return {"value": button.value, "label": button.label, "ask": button.ask}


def answer(
    contact_id: int, address_id: int | None, rendered: Rendered, *, at: datetime, restricted: bool = False
) -> NewDelivery:
    """Return the row of a reply; without an address it goes to her newest one."""
    buttons = [stored(button) for button in rendered.buttons]
    more: dict[str, Any] = {"file": rendered.file} if rendered.file is not None else {}
    if rendered.marks:
        more["marks"] = [list(mark) for mark in rendered.marks]
    return NewDelivery(
        contact_id=contact_id,
        address_id=address_id,
        lane=REPLIES,
        sort=rendered.sort,
        body={"text": rendered.text, "buttons": buttons, "picture": rendered.picture} | more,
        due_at=at,
        restricted=restricted,
    )


def is_wanted(db: Connection, contact_id: int, said: Reply) -> bool:
    """Tell whether somebody may be told what she did not ask for: not who said stop, unless there is danger to life."""
    return said.sort == "alert" or not contacts.get_many(db, [contact_id])[contact_id].stopped


def notice(db: Connection, wording: Wording, contact_id: int, said: Reply, *, at: datetime) -> NewDelivery:
    """Return the row of a message she did not ask for, in her language; its buttons count as shown to her."""
    reader = contacts.get_many(db, [contact_id])[contact_id]
    rendered = wording.render(said, reader.language)
    sessions.show(db, contact_id, [stored(button) for button in rendered.buttons], at=at)
    return answer(contact_id, None, rendered, at=at)


def tell(db: Connection, wording: Wording, contact_id: int, said: Reply, *, at: datetime) -> None:
    """Put a message she did not ask for among those to be sent, if she may be told."""
    if is_wanted(db, contact_id, said):
        deliveries.enqueue(db, [notice(db, wording, contact_id, said, at=at)], at=at)
