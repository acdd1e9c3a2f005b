"""Reports, their figures and files, targets, and the audit."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from storage.schema.base import metadata, partial_index, reference, row_id
from storage.types import Amount, Instant

report = Table(
    "report",
    metadata,
    row_id(),
    Column("code", String(16), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),  # figures | nil
    reference("unit_id", "unit", nullable=True),
    reference("peer_group_id", "peer_group", nullable=True),
    reference("author_id", "contact", nullable=True),
    Column("state", String(16), nullable=False),  # submitted | approved | returned | withdrawn
    Column("period", String(16), nullable=False),  # label of the contract: 2025-03-09, 2025-03, 2025-Q1 …
    Column("first_day", Date, nullable=False),  # of the period
    Column("last_day", Date, nullable=False),
    Column("source_text", Text),
    Column("reason", Text),
    reference("decided_by", "contact", nullable=True),
    Column("decided_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False, default=1),
    reference("inbox_id", "inbox", nullable=True),  # the message it was written in
    CheckConstraint("(unit_id is null) <> (peer_group_id is null)", name="one_subject"),
    Index("ix_report_unit_id_state", "unit_id", "state"),
    Index("ix_report_author_id", "author_id"),
    partial_index("ix_report_inbox_id", "inbox_id", where="inbox_id is not null"),
)

figure = Table(
    "figure",
    metadata,
    row_id(),
    reference("report_id", "report"),
    reference("unit_id", "unit", nullable=True),
    reference("peer_group_id", "peer_group", nullable=True),
    Column("indicator", String(64), nullable=False),
    Column("period", String(16), nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("value", Amount, nullable=False),
    Column("unit_of_measure", String(16), nullable=False),
    Column("mode", String(16), nullable=False, default="increment"),  # increment | cumulative
    Column("series", String(200), nullable=False, default=""),  # what tells figures of one indicator apart, folded
    Column("qualifier", String(8)),  # min | max | approx
    Column("breakdown", JSON),
    Column("place", Text),
    Column("of_value", Amount),
    reference("replaces_id", "figure", nullable=True),
    Column("replaced", Boolean, nullable=False, default=False),
    Index("ix_figure_report_id", "report_id"),
    Index("ix_figure_roll_up", "indicator", "unit_id", "last_day"),
)

target = Table(
    "target",
    metadata,
    row_id(),
    reference("unit_id", "unit", nullable=True),
    reference("peer_group_id", "peer_group", nullable=True),
    Column("indicator", String(64), nullable=False),
    Column("period", String(16), nullable=False),
    Column("value", Amount, nullable=False),
    Column("source", Text, nullable=False),
    Column("confirmed", Boolean, nullable=False),
    UniqueConstraint("unit_id", "peer_group_id", "indicator", "period"),
)

attachment = Table(
    "attachment",
    metadata,
    row_id(),
    Column("received_sha256", String(64), nullable=False),
    Column("state", String(8), nullable=False, default="received"),  # received | kept | refused
    Column("sha256", String(64)),
    Column("width", Integer),
    Column("height", Integer),
    Column("size_bytes", Integer),
    Column("reason", String(64)),
    Column("attempts", Integer, nullable=False, default=0),
    reference("contact_id", "contact", nullable=True),
    reference("report_id", "report", nullable=True),
    Column("created_at", Instant, nullable=False),
    Index("ix_attachment_report_id", "report_id"),
    partial_index("ix_attachment_waiting", "id", where="state = 'received'"),
)

audit = Table(
    "audit",
    metadata,
    row_id(),
    Column("at", Instant, nullable=False),
    reference("actor_id", "contact", nullable=True),
    Column("channel", String(32)),
    Column("act", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("before_digest", LargeBinary),
    Column("after_digest", LargeBinary),
    Column("chain", LargeBinary),  # set by the sealer, over this row and the one before
)

tombstone = Table(
    "tombstone",
    metadata,
    row_id(),
    Column("person_index", LargeBinary, nullable=False, unique=True),  # keyed digest; no personal data
    Column("erased_at", Instant, nullable=False),
)
