"""Messages delivered to the web chat: the page fetches from here, so what is here has arrived.

Since this provider is our own, a delivery that was being sent when a process died is never in doubt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from storage.contacts import find_address
from storage.schema import address, mailbox


@dataclass(frozen=True, slots=True)
class Post:
    """A message to put into the mailbox of a channel's own id. The same delivery twice is one message."""

    channel: str
    external_id: str
    delivery_id: int
    body: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class News:
    """What arrived after a message, oldest first, and the last id the page should go on from."""

    posted: Sequence[Posted]
    last_id: int


@dataclass(frozen=True, slots=True)
class Posted:
    """A message in a mailbox; ids rise in the order of arrival."""

    id: int
    delivery_id: int
    body: Mapping[str, Any]
    at: datetime


class NoSuchAddress(LookupError):
    """The mailbox's owner is not known."""


def put(db: Connection, posts: Sequence[Post]) -> list[int]:
    """Put messages into their mailboxes and return their ids; `NoSuchAddress` if one of the owners is not known."""
    there = arrived(db, [post.delivery_id for post in posts])
    new = {post.delivery_id: post for post in posts if post.delivery_id not in there}
    if new:
        owners = _owners(db, list(new.values()))
        rows = [_row(post, owners) for post in new.values()]
        insert = mailbox.insert().returning(mailbox.c.id, sort_by_parameter_order=True)
        there |= dict(zip(new, db.scalars(insert, rows), strict=True))
    return [there[post.delivery_id] for post in posts]


def _owners(db: Connection, posts: Sequence[Post]) -> dict[tuple[str, str], int]:
    query = select(address.c.channel, address.c.external_id, address.c.id).where(
        address.c.channel.in_({post.channel for post in posts}),
        address.c.external_id.in_({post.external_id for post in posts}),
    )
    return {(row.channel, row.external_id): row.id for row in db.execute(query)}


def _row(post: Post, owners: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    owner = owners.get((post.channel, post.external_id))
    if owner is None:
        raise NoSuchAddress
    return {
        "address_id": owner,
        "delivery_id": post.delivery_id,
        "body": dict(post.body),
        "created_at": post.at,
    }


def after(db: Connection, channel: str, external_id: str, last_id: int, *, most: int = 50) -> News:
    """Return what arrived for an address after `last_id`; nothing for an unknown one.

    A page that is ahead of us (we were restored from a backup) is told our real last id.
    """
    owner = find_address(db, channel, external_id)
    if owner is None:
        return News((), 0)
    query = (
        select(mailbox.c.id, mailbox.c.delivery_id, mailbox.c.body, mailbox.c.created_at)
        .where(mailbox.c.address_id == owner.id, mailbox.c.id > last_id, mailbox.c.body.is_not(None))
        .order_by(mailbox.c.id)
        .limit(most)
    )
    posted = [Posted(*row) for row in db.execute(query)]
    return News(posted, posted[-1].id if posted else min(last_id, _last_id(db, owner.id)))


def _last_id(db: Connection, address_id: int) -> int:
    return db.scalar(select(func.max(mailbox.c.id)).where(mailbox.c.address_id == address_id)) or 0


def arrived(db: Connection, delivery_ids: Sequence[int]) -> dict[int, int]:
    """Return which deliveries are in a mailbox, with their ids there."""
    query = select(mailbox.c.delivery_id, mailbox.c.id).where(mailbox.c.delivery_id.in_(delivery_ids))
    return {row.delivery_id: row.id for row in db.execute(query)}


def has_file(db: Connection, channel: str, external_id: str, name: str) -> bool:
    """Tell whether the link to a file of this name was sent to this address."""
    owner = find_address(db, channel, external_id)
    if owner is None:
        return False
    sent = (mailbox.c.address_id == owner.id, mailbox.c.body["file"].as_string() == name)
    return db.execute(select(mailbox.c.id).where(*sent).limit(1)).first() is not None


def has_picture(db: Connection, channel: str, external_id: str, name: str) -> bool:
    """Tell whether a picture of this name was sent to this address: nobody else may fetch it."""
    owner = find_address(db, channel, external_id)
    if owner is None:
        return False
    query = select(mailbox.c.id).where(
        mailbox.c.address_id == owner.id, mailbox.c.body["picture"]["name"].as_string() == name
    )
    return db.execute(query.limit(1)).first() is not None
