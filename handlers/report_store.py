"""Store a confirmed report: the report, its figures and photos, the receipt, word to whoever decides on it."""

from __future__ import annotations

from collections.abc import Sequence

from dialogue.messages import Notice, Phrase, Reply, Say, opening, reply
from dialogue.text import listed
from handlers.context import Context
from handlers.figures_text import Words, lines_of
from handlers.report_card import Draft
from handlers.report_records import figure_of, span_of
from storage import appointments, attachments, audit, reports
from storage.database import Connection
from storage.reports import NewReport, Report


def save(db: Connection, context: Context, draft: Draft | None) -> Sequence[Reply | Notice]:
    """Store what she confirmed, rights read again, and return the receipt and the notices to the officers."""
    if draft is None:
        return [reply("report.discarded")]
    if not appointments.may(db, context.contact_id, draft.unit_id, _reporters(context), context.today):
        return [reply("report.not_your_unit", unit=draft.unit_name)]
    stored = _stored(db, context, draft)
    if stored is None:
        return [
            reply("report.overtaken", opening("lookup", Say("report.see"), code=draft.corrects), code=draft.corrects)
        ]
    attachments.receive(db, draft.photos, contact_id=context.contact_id, report_id=stored.id, at=context.now)
    stored = reports.find(db, stored.code) or stored  # with its photos counted
    note(db, context, "report.corrected" if draft.corrects else "report.submitted", stored.code)
    officers = deciders(db, context, draft.unit_id)
    key = "report.notice_corrected" if draft.corrects else "report.notice"
    return [
        receipt(context, stored, draft.unit_name, is_read=bool(officers)),
        *(Notice(officer, notice(key, stored, draft.unit_name, len(draft.photos))) for officer in officers),
    ]


def _reporters(context: Context) -> frozenset[str]:
    return context.content.roles_that("report")


def _stored(db: Connection, context: Context, draft: Draft) -> Report | None:
    figures = tuple(figure_of(record, unit_name=draft.unit_name, today=context.today) for record in draft.records)
    period, first_day, last_day = span_of(figures)
    new = NewReport(
        period=period,
        first_day=first_day,
        last_day=last_day,
        figures=figures,
        unit_id=draft.unit_id,
        author_id=context.contact_id,
        source_text=draft.text,
        inbox_id=context.message_id,
    )
    if draft.corrects is None:
        _, code = reports.submit(db, new, at=context.now)
        return reports.find(db, code)
    corrected = reports.correct(db, draft.corrects, new, version=draft.version)
    return reports.find(db, draft.corrects) if corrected is not None else None


def deciders(db: Connection, context: Context, unit_id: int) -> list[int]:
    """Return who is to decide on a report of hers: the nearest officers who may, never herself."""
    roles = context.content.roles_that("approve")
    return appointments.nearest_holders(db, unit_id, roles, context.today, without=context.contact_id)


def receipt(context: Context, stored: Report, unit_name: str, *, is_read: bool) -> Reply:
    """Return what she gets for a report handed in: its code, what is in it, how to see and correct it."""
    words = Words(context.content, context.language)
    photos = (Say("report.photos", {"count": stored.photos}),) if stored.photos else ()
    figures = listed([lines_of(stored, words), *photos])
    told: dict[str, Phrase] = {"code": stored.code, "unit": unit_name, "figures": figures}
    return Reply(
        (
            Say("report.receipt", told),
            Say("report.receipt_read" if is_read else "report.receipt_unread"),
            Say("report.receipt_next", {"code": stored.code}),
        ),
        (
            opening("lookup", Say("report.see"), code=stored.code),
            opening("report", Say("report.correct"), correct=stored.code),
        ),
        sort="receipt",
    )


def notice(key: str, stored: Report, unit_name: str, photos: int) -> Reply:
    """Return the word to an officer: a code and a button, no figures, since it may go over a channel abroad."""
    told: dict[str, Phrase] = {"code": stored.code, "unit": unit_name, "count": len(stored.figures), "photos": photos}
    return Reply((Say(key, told),), (opening("review", Say("review.open"), code=stored.code),))


def note(db: Connection, context: Context, act: str, code: str) -> None:
    """Add to the audit trail who did what to which report.

    Without digests: the rows of figures are never changed and tell themselves what was before.
    """
    audit.record(
        db,
        at=context.now,
        actor_id=context.contact_id,
        channel=context.channel,
        act=act,
        subject=f"report:{code}",
        key=b"",
    )
