"""Campaigns: what is sent, to whom and by whom. A broadcast (`storage/broadcasts.py`) is one run of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, or_, select

from storage import units
from storage.codes import insert_coded
from storage.schema import campaign

PREFIX = "TN"
"""Of the codes of campaigns: tin nhắn."""


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """A plan. `texts` maps languages to texts, the base first; without `role` everybody in the subtree is meant.

    `client_key` stands for one wish: asking twice with the same key makes one campaign. Danger to life makes it an
    `alert`, with the reason why.
    """

    created_by: int
    unit_id: int
    role: str | None
    texts: Mapping[str, str]
    client_key: str
    attachment_id: int | None = None
    sort: str = "broadcast"
    alert_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Campaign:
    """A plan as stored."""

    id: int
    code: str
    created_by: int
    unit_id: int
    role: str | None
    texts: Mapping[str, str]
    attachment_id: int | None
    created_at: datetime
    sort: str = "broadcast"
    alert_reason: str | None = None
    linked_at: datetime | None = None

    @property
    def text(self) -> str:
        """The text in its base language."""
        return next(iter(self.texts.values()))


_COLUMNS = tuple(campaign.c[name] for name in Campaign.__dataclass_fields__)


def create(db: Connection, new: NewCampaign, *, at: datetime) -> tuple[Campaign, bool]:
    """Insert a campaign and tell whether it is new: the same wish again gives back what it made the first time."""
    known = db.execute(select(*_COLUMNS).where(campaign.c.client_key == new.client_key)).first()
    if known is not None:
        return Campaign(*known), False
    values = {
        "created_by": new.created_by,
        "unit_id": new.unit_id,
        "role": new.role,
        "texts": dict(new.texts),
        "attachment_id": new.attachment_id,
        "sort": new.sort,
        "alert_reason": new.alert_reason,
        "client_key": new.client_key,
        "created_at": at,
    }
    campaign_id, _ = insert_coded(db, campaign, PREFIX, values)
    made = get(db, campaign_id)
    assert made is not None
    return made, True


def get(db: Connection, campaign_id: int) -> Campaign | None:
    """Return a campaign by its id."""
    row = db.execute(select(*_COLUMNS).where(campaign.c.id == campaign_id)).first()
    return None if row is None else Campaign(*row)


def by_code(db: Connection, code: str) -> Campaign | None:
    """Return a campaign by its code."""
    row = db.execute(select(*_COLUMNS).where(campaign.c.code == code)).first()
    return None if row is None else Campaign(*row)


def shared_texts(db: Connection, code: str) -> Mapping[str, str] | None:
    """Return the texts of a campaign that its officer gave a link to; None for any other and for an unknown code."""
    query = select(campaign.c.texts).where(campaign.c.code == code, campaign.c.linked_at.is_not(None))
    texts: Mapping[str, str] | None = db.scalar(query)
    return texts


def visible_to(contact_id: int, scope_ids: Sequence[int], on: date) -> ColumnElement[bool]:
    """The condition that an officer may see and steer a campaign: her own, or one for her scope."""
    return or_(campaign.c.created_by == contact_id, campaign.c.unit_id.in_(units.subtree(scope_ids, on)))


def listed(
    db: Connection, contact_id: int, scope_ids: Sequence[int], on: date, *, most: int, before: int | None = None
) -> list[Campaign]:
    """Return the campaigns an officer may see, newest first; `before` is the id the page goes on from."""
    query = select(*_COLUMNS).where(visible_to(contact_id, scope_ids, on))
    if before is not None:
        query = query.where(campaign.c.id < before)
    return [Campaign(*row) for row in db.execute(query.order_by(campaign.c.id.desc()).limit(most))]


def seen(db: Connection, campaign_id: int, contact_id: int, scope_ids: Sequence[int], on: date) -> Campaign | None:
    """Return a campaign if this officer may see it; None as well if there is none."""
    query = select(*_COLUMNS).where(campaign.c.id == campaign_id, visible_to(contact_id, scope_ids, on))
    row = db.execute(query).first()
    return None if row is None else Campaign(*row)


def change(db: Connection, before: Campaign, *, text: str, attachment_id: int | None) -> bool:
    """Change the base text and the photo for later runs; False if they are not as in `before` any more."""
    now = get(db, before.id)
    if now is None or (now.texts, now.attachment_id) != (before.texts, before.attachment_id):
        return False
    texts = dict(before.texts) | {next(iter(before.texts)): text}
    changed = campaign.update().where(campaign.c.id == before.id)
    db.execute(changed.values(texts=texts, attachment_id=attachment_id))
    return True


def link(db: Connection, campaign_id: int, *, at: datetime) -> None:
    """Let whoever has a campaign's code read it from now on."""
    unlinked = (campaign.c.id == campaign_id, campaign.c.linked_at.is_(None))
    db.execute(campaign.update().where(*unlinked).values(linked_at=at))
