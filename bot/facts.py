"""What a turn needs to know, read once for a whole batch: who they are, what they hold, what was shown to them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.book import Book
from bot.events import IN_GROUP
from dialogue.messages import Button, Capabilities
from handlers.content import Content
from handlers.context import VIETNAM, Context, Post
from storage import appointments, consents, contacts, deliveries, installation, members, sessions
from storage.database import Connection
from storage.inbox import Waiting
from storage.sessions import Session


def _no_link(_channel: str) -> str | None:
    return None


def _nowhere() -> str | None:
    return None


@dataclass(frozen=True)
class Desk:
    """What a turn needs besides its row: the conversations, the content, the channels' abilities, a clock."""

    book: Book
    content: Content
    channels: Mapping[str, Capabilities]
    clock: Callable[[], datetime]
    chat_link: Callable[[str], str | None] = _no_link  # by the channel's name
    chat_links: Callable[[], tuple[str, ...]] = tuple  # of all channels, with {payload} in each
    web_address: Callable[[], str | None] = _nowhere  # of the chat page; ends in a stroke


@dataclass(frozen=True)
class Facts:
    """What a batch of turns needs, each kind read once for all."""

    people: Mapping[int, contacts.Contact]
    sessions: Mapping[int, Session]
    posts: Mapping[int, Sequence[appointments.Appointment]]
    memberships: Mapping[int, Sequence[tuple[int, str]]]
    buttons: Mapping[int, deliveries.Shown]
    place: installation.Installation
    last_said_at: Mapping[int, datetime]  # by the id of a group's address
    agreed_to_transfer: Collection[int]  # contacts who write from a channel abroad and consented to it

    @classmethod
    def read(cls, db: Connection, desk: Desk, rows: Sequence[Waiting]) -> Facts:
        ids = [row.contact_id for row in rows]
        today = desk.clock().astimezone(VIETNAM).date()
        groups = [row.address_id for row in rows if row.body.get("event") == IN_GROUP]
        abroad = [row.contact_id for row in rows if desk.channels[row.channel].data_abroad]
        pressed = [delivery_id for row in rows if (delivery_id := _pressed_delivery(row)) is not None]
        return cls(
            people=contacts.get_many(db, ids),
            sessions=sessions.load(db, ids),
            posts=appointments.of_contacts(db, ids, today),
            memberships=members.units_of_contacts(db, ids, today),
            buttons=deliveries.shown(db, pressed) if pressed else {},
            place=installation.get(db),
            last_said_at=deliveries.last_said_at(db, groups) if groups else {},
            agreed_to_transfer=consents.given_by(db, abroad, consents.TRANSFER_ABROAD) if abroad else (),
        )

    def pressed(self, row: Waiting) -> Button | None:
        """The button she pressed, as we showed it to her; one of somebody else's message counts as unknown."""
        if not row.body.get("pressed"):
            return None
        delivery_id = _pressed_delivery(row)
        shown = self.buttons.get(delivery_id) if delivery_id is not None else None
        index = int(str(row.body["pressed"]).partition(".")[2] or 0) if shown else 0
        if shown is None or row.contact_id != shown.contact_id or index >= len(shown.buttons):
            return Button(None, "")
        button = shown.buttons[index]
        return Button(button["value"], button["label"], button.get("ask"))

    def proved(self, row: Waiting) -> int | None:
        """The delivery that was in doubt and arrived, since she presses a button of it."""
        delivery_id = _pressed_delivery(row)
        shown = self.buttons.get(delivery_id) if delivery_id is not None else None
        return delivery_id if shown is not None and shown.in_doubt and shown.contact_id == row.contact_id else None

    def context(self, desk: Desk, row: Waiting) -> Context:
        """The facts of one turn."""
        person = self.people[row.contact_id]
        return Context(
            now=row.sent_at,
            contact_id=person.id,
            language=person.language,
            content=desk.content,
            channel=row.channel,
            capabilities=desk.channels[row.channel],
            inbox_id=row.id,
            name=person.name,
            stopped=person.stopped,
            demo=self.place.kind == "demo",
            controller=self.place.controller,
            posts=tuple(_post(desk, post) for post in self.posts.get(person.id, ())),
            member_of=tuple(self.memberships.get(person.id, ())),
            chat_link=desk.chat_link(row.channel) if row.body.get("event") == IN_GROUP else None,
            chat_links=desk.chat_links(),
            web_address=desk.web_address(),
            transfer_agreed=person.id in self.agreed_to_transfer,
        )


def _pressed_delivery(row: Waiting) -> int | None:
    number, _, index = str(row.body.get("pressed") or "").partition(".")
    plausible = number.isdecimal() and index.isdecimal() and len(number) < 19 and len(index) < 4
    return int(number) if plausible else None


def _post(desk: Desk, post: appointments.Appointment) -> Post:
    role = desk.content.roles.get(post.role)
    can = role.can if role else frozenset[str]()
    return Post(post.unit_id, post.unit_name, post.level, post.role, can)
