"""Broadcasts: one run of a campaign, from freezing its audience to its final account.

`freezing → running ⇄ paused → done | cancelled`, and `done → running` where doubtful messages are sent again.
All changes name the state they start from, so two officers, or an officer and the program, never undo each other.
Work over many rows goes in bounded pages, a transaction each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, exists, func, literal_column, or_, select, update

from dialogue.campaign_text import ALERT
from storage import audiences
from storage.audiences import Audience, Page
from storage.deliveries import BROADCASTS, SETTLED
from storage.prepared import Reading
from storage.schema import attachment, broadcast, campaign, contact, delivery

PAGE, LEAST_PAGE, MOST_PAGE = 4_000, 500, 8_000
"""Contacts looked at in one transaction: some twenty-five milliseconds of the writer's time on a small machine."""

SWEEP_PAGE = 2_000

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A run. `reason` says why it paused by itself; `frozen_at` is empty while the audience is incomplete.

    `texts` and `attachment_id` are what the campaign said when the run began. `audience` counts its recipients, as
    far as they are known while it is being frozen.
    """

    id: int
    code: str
    campaign_id: int
    state: str
    reason: str | None
    frozen_at: datetime | None
    created_at: datetime
    settled_at: datetime | None
    texts: Mapping[str, str] | None
    attachment_id: int | None
    audience: int | None


_COLUMNS = tuple(broadcast.c[name] for name in Broadcast.__dataclass_fields__)
_READY: Any = literal_column("'ready'")
_SENDING: Any = literal_column("'sending'")
_LANE: Any = literal_column(str(BROADCASTS))


@dataclass(frozen=True, slots=True)
class Untold:
    """A run whose pause or end its owner does not know of yet."""

    id: int
    code: str
    campaign_id: int
    owner_id: int
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Todo:
    """The runs that need the next step: ids of those to freeze, to sweep, to settle, and those to tell of."""

    freezing: tuple[int, ...]
    cancelled: tuple[int, ...]
    finished: tuple[int, ...]
    untold: tuple[Untold, ...]


def start(db: Connection, campaign_id: int, firing_id: int | None, *, at: datetime) -> Broadcast:
    """Insert a run of a campaign; the second and later ones carry a number behind the campaign's code.

    What it says is copied: a campaign edited later changes only later runs.
    """
    earlier = db.scalar(select(func.count()).where(broadcast.c.campaign_id == campaign_id)) or 0
    query = select(campaign.c.code, campaign.c.texts, campaign.c.attachment_id).where(campaign.c.id == campaign_id)
    plan = db.execute(query).one()
    values = {
        "code": f"{plan.code}-{earlier + 1}" if earlier else plan.code,
        "texts": plan.texts,
        "attachment_id": plan.attachment_id,
        "campaign_id": campaign_id,
        "firing_id": firing_id,
        "state": "freezing",
        "created_at": at,
        "audience": 0,
    }
    return Broadcast(*db.execute(broadcast.insert().values(**values).returning(*_COLUMNS)).one())


def get(db: Connection, broadcast_id: int) -> Broadcast | None:
    """Return a run by its id."""
    row = db.execute(select(*_COLUMNS).where(broadcast.c.id == broadcast_id)).first()
    return None if row is None else Broadcast(*row)


def by_code(db: Connection, code: str) -> Broadcast | None:
    """Return a run by its code."""
    row = db.execute(select(*_COLUMNS).where(broadcast.c.code == code)).first()
    return None if row is None else Broadcast(*row)


def latest(db: Connection, campaign_id: int) -> Broadcast | None:
    """Return the last run of a campaign; None before the first."""
    query = select(*_COLUMNS).where(broadcast.c.campaign_id == campaign_id)
    row = db.execute(query.order_by(broadcast.c.id.desc()).limit(1)).first()
    return None if row is None else Broadcast(*row)


def todo(db: Connection) -> Todo:
    """Return what the next tick has to do."""
    by_state: dict[str, list[int]] = {}
    for row in _UNSETTLED.rows(db):
        by_state.setdefault(row.state, []).append(row.id)
    return Todo(
        tuple(by_state.get("freezing", ())),
        tuple(by_state.get("cancelled", ())),
        tuple(row.id for row in _FINISHED.rows(db)) if "running" in by_state else (),
        tuple(Untold(*row) for row in _UNTOLD.rows(db)),
    )


_own = delivery.alias("own")
_HAS_READY = exists().where(_own.c.lane == _LANE, _own.c.broadcast_id == broadcast.c.id, _own.c.state == _READY)
_HAS_SENDING = exists().where(_own.c.state == _SENDING, _own.c.broadcast_id == broadcast.c.id)

_NOT_TOLD = broadcast.c.told_at.is_(None)
_UNSETTLED = Reading(
    select(broadcast.c.id, broadcast.c.state)
    .where(_NOT_TOLD, broadcast.c.settled_at.is_(None))
    .order_by(broadcast.c.id)
)
_FINISHED = Reading(
    select(broadcast.c.id)
    .where(_NOT_TOLD, broadcast.c.state == "running", ~_HAS_READY, ~_HAS_SENDING)
    .order_by(broadcast.c.id)
)
_UNTOLD = Reading(
    select(
        broadcast.c.id,
        broadcast.c.code,
        broadcast.c.campaign_id,
        campaign.c.created_by,
        broadcast.c.state,
        broadcast.c.reason,
    )
    .join(campaign, campaign.c.id == broadcast.c.campaign_id)
    .where(
        _NOT_TOLD,
        or_(
            broadcast.c.settled_at.is_not(None),
            and_(broadcast.c.state == "paused", broadcast.c.reason.is_not(None)),
        ),
    )
    .order_by(broadcast.c.id)
)


@dataclass(frozen=True, slots=True)
class Beginning:
    """A run whose audience is still to be looked for: what it says, to whom, and whether its photo is to be had.

    `photo` is empty without one, else `received`, `kept` or `refused`; `urgent` is the code an urgent one carries.
    """

    id: int
    texts: Mapping[str, str]
    who: Audience
    photo: str | None
    urgent: str | None


def beginning(db: Connection, broadcast_ids: Sequence[int]) -> list[Beginning]:
    """Return those of the runs of which nobody is taken in yet."""
    query = (
        select(broadcast, campaign.c.unit_id, campaign.c.role, campaign.c.sort, attachment.c.state.label("photo"))
        .add_columns(campaign.c.code.label("plan_code"))
        .join(campaign, campaign.c.id == broadcast.c.campaign_id)
        .outerjoin(attachment, attachment.c.id == broadcast.c.attachment_id)
        .where(broadcast.c.id.in_(broadcast_ids), broadcast.c.frozen_to.is_(None))
    )
    return [
        Beginning(row.id, row.texts, who := _whom(row), row.photo, row.plan_code if who.is_alert else None)
        for row in db.execute(query)
    ]


def freeze_page(db: Connection, broadcast_id: int, *, at: datetime, page: int = PAGE) -> bool:
    """Take the next contacts into the audience and tell whether it is complete (or no longer wanted).

    How far it came is stored with the rows, so it goes on where it was after a kill. Whoever asked us to
    stop in the meantime is left out. Nothing is sent before the audience is complete. An audience that fits into one
    page costs what it costs alone; a larger one is found by going through all contacts, `page` of them at a time.
    """
    query = select(broadcast, campaign.c.unit_id, campaign.c.role, campaign.c.sort)
    query = query.join(campaign, campaign.c.id == broadcast.c.campaign_id)
    row = db.execute(query.where(broadcast.c.id == broadcast_id)).first()
    if row is None or row.state != "freezing":
        return True
    who = _whom(row)
    after = row.frozen_to or 0
    known = row.audience if row.audience is not None else _count(db, broadcast_id)
    last = db.scalar(select(func.max(contact.c.id))) or 0
    audiences.know_scope(db, broadcast_id, who)
    if after == 0 and audiences.has_at_most(db, broadcast_id, who, page):
        up_to, taken_in = last, audiences.take_in(db, Page(broadcast_id, who, at))
    else:
        up_to = after + page
        taken_in = audiences.take_in(db, Page(broadcast_id, who, at, after, up_to))
    complete = up_to >= last
    values: dict[str, Any] = {"frozen_to": up_to, "audience": known + taken_in}
    if complete:
        values |= {"state": "running", "frozen_at": at}
        audiences.forget_scope(db, broadcast_id)
    frozen = update(broadcast).where(broadcast.c.id == broadcast_id, broadcast.c.state == "freezing")
    db.execute(frozen.values(**values))
    return complete


def _whom(row: Any) -> Audience:
    on = row.created_at.astimezone(VIETNAM).date()
    return Audience(row.unit_id, row.role, on, is_alert=row.sort == ALERT)


def _count(db: Connection, broadcast_id: int) -> int:
    query = select(func.count()).select_from(delivery).where(delivery.c.broadcast_id == broadcast_id)
    return int(db.scalar(query) or 0)


def pause(db: Connection, broadcast_id: int) -> bool:
    """Stop taking messages of a run; those under way end. False if it is not running."""
    return _change(db, broadcast_id, ("running", "freezing"), state="paused", reason=None)


def resume(db: Connection, broadcast_id: int) -> bool:
    """Let a paused run go on from where it was. False if it is not paused."""
    fresh: dict[str, Any] = {"reason": None, "told_at": None, "failed_in_row": 0, "failed_reason": None}
    frozen = _change(db, broadcast_id, ("paused",), complete=True, state="running", **fresh)
    return frozen or _change(db, broadcast_id, ("paused",), state="freezing", **fresh)


def pause_for(db: Connection, broadcast_id: int, reason: str) -> bool:
    """Pause a run before it begins, for a reason its owner is told; False if it is not being frozen."""
    return _change(db, broadcast_id, ("freezing",), state="paused", reason=reason, told_at=None)


def send_again(db: Connection, broadcast_id: int, *, at: datetime) -> int:
    """Make the messages in doubt ready once more and let a run that was done go on; return how many they are.

    Besides later proof the only way back from `unknown`: an officer decided it, knowing that most of them arrived.
    None of a cancelled run. What was counted of their doubts stays.
    """
    alive = select(broadcast.c.id).where(
        broadcast.c.id == broadcast_id, broadcast.c.state.in_(("running", "paused", "done"))
    )
    doubtful = (delivery.c.broadcast_id.in_(alive), delivery.c.state == literal_column("'unknown'"), SETTLED)
    fresh: dict[str, Any] = {"state": "ready", "due_at": at, "tries": 0}
    fresh |= dict.fromkeys(("owner", "lease_until", "message_id", "reason", "settled_at"))
    again = db.execute(update(delivery).where(*doubtful).values(**fresh)).rowcount
    if again:
        open_again: dict[str, Any] = {"settled_at": None, "told_at": None, "failed_in_row": 0, "failed_reason": None}
        _change(db, broadcast_id, ("done",), state="running", **open_again)
    return again


def cancel(db: Connection, broadcast_id: int) -> bool:
    """End a run: nothing more of it is taken from now on; what waits is swept in pages. False if it has ended."""
    return _change(db, broadcast_id, ("freezing", "running", "paused"), state="cancelled", told_at=None)


def _change(
    db: Connection, broadcast_id: int, states: tuple[str, ...], *, complete: bool = False, **values: Any
) -> bool:
    changed = update(broadcast).where(broadcast.c.id == broadcast_id, broadcast.c.state.in_(states))
    if complete:
        changed = changed.where(broadcast.c.frozen_at.is_not(None))
    return db.execute(changed.values(**values)).rowcount == 1


def sweep_cancelled(db: Connection, broadcast_id: int, *, at: datetime, page: int = SWEEP_PAGE) -> bool:
    """Cancel waiting messages of a cancelled run; tell whether it is all settled, messages under way included."""
    if sweep_page(db, broadcast_id, at=at, page=page) == page:
        return False
    ended = (broadcast.c.id == broadcast_id, broadcast.c.state == "cancelled", ~_HAS_SENDING)
    return db.execute(update(broadcast).where(*ended).values(settled_at=at)).rowcount == 1


def sweep_page(db: Connection, broadcast_id: int, *, at: datetime, page: int = SWEEP_PAGE) -> int:
    """Cancel up to `page` waiting messages of a cancelled run and return how many they were."""
    run = select(broadcast.c.id).where(broadcast.c.id == broadcast_id, broadcast.c.state == "cancelled")
    waiting = (
        select(delivery.c.id)
        .where(delivery.c.lane == _LANE, delivery.c.broadcast_id.in_(run), delivery.c.state == _READY)
        .limit(page)
    )
    swept = update(delivery).where(delivery.c.id.in_(waiting)).values(state="cancelled", settled_at=at)
    return db.execute(swept).rowcount


def settle(db: Connection, broadcast_id: int, *, at: datetime) -> bool:
    """Call a run done once no message of it is open; tell whether it was."""
    over = (broadcast.c.id == broadcast_id, broadcast.c.state == "running", ~_HAS_READY, ~_HAS_SENDING)
    return db.execute(update(broadcast).where(*over).values(state="done", settled_at=at)).rowcount == 1


def mark_told(db: Connection, untold: Untold, *, at: datetime) -> bool:
    """Note that the owner is told, in the transaction that tells her; False if she was, or if it went on since."""
    same = (broadcast.c.id == untold.id, broadcast.c.state == untold.state, broadcast.c.told_at.is_(None))
    return db.execute(update(broadcast).where(*same).values(told_at=at)).rowcount == 1
