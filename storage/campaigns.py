"""Campaigns: what is sent, to whom and by whom. A broadcast (`storage/broadcasts.py`) is one run of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from storage import units
from storage.appointments import held
from storage.codes import insert_coded
from storage.schema import address, appointment, campaign, contact, member, membership

PREFIX = "TN"
"""Of the codes of campaigns: tin nhắn."""


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """A plan. `texts` maps languages to texts, the base first; without `role` everybody in the subtree is meant.

    `client_key` stands for one wish: asking twice with the same key makes one campaign.
    """

    created_by: int
    unit_id: int
    role: str | None
    texts: Mapping[str, str]
    client_key: str
    attachment_id: int | None = None
    sort: str = "broadcast"


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


def audience(unit_id: int, role: str | None, on: date) -> ColumnElement[bool]:
    """The condition that a contact is meant and may be written to.

    Meant is who on that day is a member or holds a post in the subtree of `unit_id`, or with `role` only
    who holds that post. May be written to is who opened a channel herself and did not ask us to stop.
    """
    scope = units.subtree([unit_id], on)
    posts = [appointment.c.contact_id == contact.c.id, appointment.c.unit_id.in_(scope), held(on)]
    if role is not None:
        posts.append(appointment.c.role == role)
    meant: ColumnElement[bool] = exists().where(*posts)
    if role is None:
        meant = or_(meant, _is_member(scope, on))
    reachable = exists().where(address.c.contact_id == contact.c.id, address.c.state == "live")
    return and_(contact.c.erased_at.is_(None), contact.c.stopped_at.is_(None), reachable, meant)


def _is_member(scope: Any, on: date) -> ColumnElement[bool]:
    return exists().where(
        member.c.contact_id == contact.c.id,
        member.c.erased_at.is_(None),
        membership.c.member_id == member.c.id,
        membership.c.unit_id.in_(scope),
        membership.c.valid_from <= on,
        or_(membership.c.valid_to.is_(None), membership.c.valid_to >= on),
    )


def count_audience(db: Connection, unit_id: int, role: str | None, on: date) -> int:
    """Return how many people a campaign would reach if it ran on a day."""
    query = select(func.count()).select_from(contact).where(audience(unit_id, role, on))
    return int(db.scalar(query) or 0)


def roles_within(db: Connection, unit_id: int, on: date) -> list[str]:
    """Return the roles held in a unit or below on a day, those held by most people first."""
    query = (
        select(appointment.c.role)
        .where(appointment.c.unit_id.in_(units.subtree([unit_id], on)), held(on))
        .group_by(appointment.c.role)
        .order_by(func.count().desc(), appointment.c.role)
    )
    return list(db.scalars(query))
