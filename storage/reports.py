"""Reports and their figures. A figure is never changed: a correction adds rows that replace the earlier ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update

from storage import appointments, units
from storage.codes import insert_coded
from storage.schema import attachment, figure, report

PREFIX = "BC"
OPEN_TO_AUTHOR = ("submitted", "returned", "approved")
"""States in which the author may still correct: what was approved goes back to waiting."""

Number = int | Decimal


@dataclass(frozen=True, slots=True)
class NewFigure:
    """One figure to store. Money is whole đồng; `series` is what tells it from others of the same indicator."""

    indicator: str
    period: str
    first_day: date
    last_day: date
    value: Number
    unit_of_measure: str
    mode: str = "increment"
    series: str = ""
    qualifier: str | None = None
    breakdown: Mapping[str, Any] | None = None
    place: str | None = None
    of_value: Number | None = None


@dataclass(frozen=True, slots=True)
class NewReport:
    """A report to store: of a unit or of a peer group, `kind` figures or nil."""

    period: str
    first_day: date
    last_day: date
    figures: tuple[NewFigure, ...] = ()
    kind: str = "figures"
    unit_id: int | None = None
    peer_group_id: int | None = None
    author_id: int | None = None
    source_text: str | None = None
    inbox_id: int | None = None  # the message it was written in


@dataclass(frozen=True, slots=True)
class StoredFigure:
    """A figure in force of a report."""

    id: int
    indicator: str
    period: str
    value: Number
    unit_of_measure: str
    mode: str
    series: str
    qualifier: str | None
    breakdown: Mapping[str, Any] | None
    place: str | None
    of_value: Number | None


@dataclass(frozen=True, slots=True)
class Report:
    """A report as it stands. `photos` counts its attachments that were not refused."""

    id: int
    code: str
    kind: str
    unit_id: int | None
    peer_group_id: int | None
    author_id: int | None
    state: str
    period: str
    reason: str | None
    decided_by: int | None
    decided_at: datetime | None
    created_at: datetime
    version: int
    figures: tuple[StoredFigure, ...] = field(default=())
    photos: int = 0


def submit(db: Connection, new: NewReport, *, at: datetime, state: str = "submitted") -> tuple[int, str]:
    """Insert a report with its figures and return (id, code)."""
    values = {
        "kind": new.kind,
        "unit_id": new.unit_id,
        "peer_group_id": new.peer_group_id,
        "author_id": new.author_id,
        "state": state,
        "period": new.period,
        "first_day": new.first_day,
        "last_day": new.last_day,
        "source_text": new.source_text,
        "inbox_id": new.inbox_id,
        "created_at": at,
        "version": 1,
    }
    report_id, code = insert_coded(db, report, PREFIX, values)
    _insert_figures(db, report_id, new, {})
    return report_id, code


def _insert_figures(db: Connection, report_id: int, new: NewReport, replaced: Mapping[tuple[str, str], int]) -> None:
    subject = {"report_id": report_id, "unit_id": new.unit_id, "peer_group_id": new.peer_group_id}
    rows = [
        subject
        | {name: getattr(each, name) for name in NewFigure.__dataclass_fields__}
        | {"replaces_id": replaced.get((each.indicator, each.series))}
        for each in new.figures
    ]
    if rows:
        db.execute(figure.insert(), rows)


def correct(db: Connection, code: str, new: NewReport, *, version: int) -> int | None:
    """Replace the figures of the author's own report and submit it again; return its id.

    None, and nothing changed, if it is not hers, was withdrawn, or is no longer at `version`.
    """
    change = (
        update(report)
        .where(
            report.c.code == code,
            report.c.author_id == new.author_id,
            report.c.version == version,
            report.c.state.in_(OPEN_TO_AUTHOR),
        )
        .values(
            state="submitted",
            kind=new.kind,
            version=report.c.version + 1,
            period=new.period,
            first_day=new.first_day,
            last_day=new.last_day,
            reason=None,
            decided_by=None,
            decided_at=None,
        )
        .returning(report.c.id)
    )
    report_id = db.execute(change).scalar()
    if report_id is None:
        return None
    earlier = {(each.indicator, each.series): each.id for each in _figures(db, [report_id]).get(report_id, ())}
    db.execute(update(figure).where(figure.c.report_id == report_id).values(replaced=True))
    _insert_figures(db, report_id, new, earlier)
    return int(report_id)


def decide(
    db: Connection, code: str, state: str, *, version: int, by: int, at: datetime, reason: str | None = None
) -> bool:
    """Approve or return a waiting report as it was seen (`version`); False if somebody was quicker or it is her own."""
    change = (
        update(report)
        .where(
            report.c.code == code,
            report.c.state == "submitted",
            report.c.version == version,
            report.c.author_id.is_distinct_from(by),
        )
        .values(state=state, decided_by=by, decided_at=at, reason=reason)
    )
    return db.execute(change).rowcount == 1


def withdraw(db: Connection, code: str, author_id: int) -> bool:
    """Take back the author's own report that nobody approved; False if that is not possible any more."""
    change = (
        update(report)
        .where(
            report.c.code == code,
            report.c.author_id == author_id,
            report.c.state.in_(("submitted", "returned")),
        )
        .values(state="withdrawn", version=report.c.version + 1)
    )
    return db.execute(change).rowcount == 1


def find(db: Connection, code: str) -> Report | None:
    """Return the report with this code, without regard to who asks: see `visible`."""
    row = db.execute(_reports().where(report.c.code == code)).first()
    return None if row is None else _with_figures(db, [row])[0]


def visible(db: Connection, code: str, *, to: int, roles: Collection[str], on: date) -> Report | None:
    """Return a report if it is the contact's own or of a unit where she, or above which she, holds one of `roles`."""
    found = find(db, code)
    if found is None or found.author_id == to:
        return found
    may_see = found.unit_id is not None and appointments.may(db, to, found.unit_id, roles, on)
    return found if may_see else None


def of_messages(db: Connection, inbox_ids: Collection[int], *, author_id: int) -> str | None:
    """Return the code of the author's report that was written in one of these messages, the latest if several."""
    query = select(report.c.code).where(report.c.inbox_id.in_(list(inbox_ids)), report.c.author_id == author_id)
    code: str | None = db.scalar(query.order_by(report.c.id.desc()).limit(1))
    return code


def of_author(db: Connection, author_id: int, *, most: int) -> list[Report]:
    """Return the latest reports of a contact, newest first."""
    query = _reports().where(report.c.author_id == author_id).order_by(report.c.id.desc()).limit(most)
    return _with_figures(db, list(db.execute(query)))


def waiting(
    db: Connection, contact_id: int, roles: Collection[str], on: date, *, most: int, after: int = 0
) -> list[Report]:
    """Return the reports a contact may decide on, oldest first, with ids above `after`; never her own."""
    scope = units.subtree(appointments.scope_of(db, contact_id, roles, on), on)
    query = (
        _reports()
        .where(
            report.c.state == "submitted",
            report.c.id > after,
            report.c.unit_id.in_(scope),
            report.c.author_id.is_distinct_from(contact_id),
        )
        .order_by(report.c.id)
        .limit(most)
    )
    return _with_figures(db, list(db.execute(query)))


def count_waiting(db: Connection, contact_id: int, roles: Collection[str], on: date) -> int:
    """Return how many reports a contact may decide on."""
    scope = units.subtree(appointments.scope_of(db, contact_id, roles, on), on)
    query = select(func.count()).where(
        report.c.state == "submitted",
        report.c.unit_id.in_(scope),
        report.c.author_id.is_distinct_from(contact_id),
    )
    return int(db.scalar(query) or 0)


def alike(db: Connection, author_id: int, unit_id: int, figures: Sequence[tuple[str, str, Number]]) -> str | None:
    """Return the code of the author's latest report of the unit that already holds every (indicator, period, value)."""
    if not figures:
        return None
    query = (
        select(report.c.code, figure.c.indicator, figure.c.period, figure.c.value)
        .join(figure, figure.c.report_id == report.c.id)
        .where(
            report.c.author_id == author_id,
            report.c.unit_id == unit_id,
            report.c.state.in_(("submitted", "approved")),
            figure.c.replaced.is_(False),
            figure.c.indicator.in_({indicator for indicator, _, _ in figures}),
            figure.c.period.in_({period for _, period, _ in figures}),
        )
        .order_by(report.c.id)
    )
    held: dict[str, set[tuple[str, str, Number]]] = {}
    for code, indicator, period, value in db.execute(query):
        held.setdefault(code, set()).add((indicator, period, value))
    same = [code for code, facts in held.items() if facts >= set(figures)]
    return same[-1] if same else None


def kinds_in(db: Connection, unit_id: int, first_day: date, last_day: date) -> list[tuple[str, str]]:
    """Return (kind, code) of a unit's reports that touch the span and are not returned or withdrawn."""
    query = (
        select(report.c.kind, report.c.code)
        .where(
            report.c.unit_id == unit_id,
            report.c.state.in_(("submitted", "approved")),
            report.c.first_day <= last_day,
            report.c.last_day >= first_day,
        )
        .order_by(report.c.id)
    )
    return [(row.kind, row.code) for row in db.execute(query)]


_COLUMNS = tuple(name for name in Report.__dataclass_fields__ if name not in {"figures", "photos"})
_FIGURE_COLUMNS = tuple(StoredFigure.__dataclass_fields__)


def _reports() -> Select[Any]:
    return select(*(report.c[name] for name in _COLUMNS))


def _with_figures(db: Connection, rows: Sequence[Row[Any]]) -> list[Report]:
    ids = [int(row.id) for row in rows]
    figures, photos = _figures(db, ids), _photos(db, ids)
    return [_report(row, figures.get(row.id, ()), photos.get(row.id, 0)) for row in rows]


def _report(row: Row[Any], figures: tuple[StoredFigure, ...], photos: int) -> Report:
    return Report(**row._mapping, figures=figures, photos=photos)


def _figures(db: Connection, report_ids: Sequence[int]) -> dict[int, tuple[StoredFigure, ...]]:
    query = (
        select(figure.c.report_id, *(figure.c[name] for name in _FIGURE_COLUMNS))
        .where(figure.c.report_id.in_(report_ids), figure.c.replaced.is_(False))
        .order_by(figure.c.id)
    )
    found: dict[int, tuple[StoredFigure, ...]] = {}
    for report_id, *values in db.execute(query):
        found[report_id] = (*found.get(report_id, ()), StoredFigure(*values))
    return found


def _photos(db: Connection, report_ids: Sequence[int]) -> dict[int, int]:
    query = (
        select(attachment.c.report_id, func.count())
        .where(attachment.c.report_id.in_(report_ids), attachment.c.state != "refused")
        .group_by(attachment.c.report_id)
    )
    return {int(report_id): int(count) for report_id, count in db.execute(query)}
