"""Units over time, people, and what they said yes to."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from storage.schema.base import metadata, reference, row_id
from storage.types import Instant, RowId

installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(8), nullable=False),  # demo | real
    Column("controller", Text, nullable=False),  # who answers for personal data; named in the consent text
    Column("hold", Boolean, nullable=False, default=False),  # after a restore: nothing is sent
    Column("created_at", Instant, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    CheckConstraint("kind in ('demo', 'real')", name="kind"),
)

unit = Table("unit", metadata, row_id(), Column("code", String(64), nullable=False, unique=True))

unit_version = Table(
    "unit_version",
    metadata,
    row_id(),
    reference("unit_id", "unit"),
    reference("parent_id", "unit", nullable=True),
    Column("level", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("short_name", Text, nullable=False),
    Column("search_key", Text, nullable=False),  # folded names and aliases, for look-up while typing
    Column("gso_code", String(16)),
    Column("valid_from", Date),  # empty: since ever
    Column("valid_to", Date),  # last day; empty: until further notice
    Index("ix_unit_version_parent_id", "parent_id"),
    Index("ix_unit_version_unit_id", "unit_id"),
)

succession = Table(
    "succession",
    metadata,
    row_id(),
    reference("from_unit_id", "unit"),
    reference("to_unit_id", "unit"),
    Column("on_date", Date, nullable=False),
    Column("kind", String(16), nullable=False),  # merge | split | rename
    UniqueConstraint("from_unit_id", "to_unit_id", "on_date"),
)

peer_group = Table(
    "peer_group",
    metadata,
    row_id(),
    Column("code", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("year", Integer, nullable=False),
    reference("leader_id", "unit", nullable=True),
    reference("deputy_id", "unit", nullable=True),
    UniqueConstraint("code", "year"),
)

peer_group_unit = Table(
    "peer_group_unit",
    metadata,
    Column("peer_group_id", RowId, ForeignKey("peer_group.id"), primary_key=True),
    Column("unit_id", RowId, ForeignKey("unit.id"), primary_key=True),
)

contact = Table(
    "contact",
    metadata,
    row_id(),
    Column("name", Text),
    Column("language", String(8), nullable=False, default="vi"),
    Column("stopped_at", Instant),  # she said stop: nothing but answers to her own messages
    Column("erased_at", Instant),
    Column("created_at", Instant, nullable=False),
)

address = Table(
    "address",
    metadata,
    row_id(),
    reference("contact_id", "contact"),
    Column("channel", String(32), nullable=False),
    Column("external_id", String(128), nullable=False),
    Column("state", String(8), nullable=False, default="live"),  # live | dead
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("channel", "external_id"),
    Index("ix_address_contact_id", "contact_id"),
)

member = Table(
    "member",
    metadata,
    row_id(),
    Column("uid", String(32), nullable=False, unique=True),  # binds the sealed columns to this row
    reference("contact_id", "contact", nullable=True),
    Column("full_name", Text, nullable=False),
    Column("search_key", Text, nullable=False),
    Column("birth_sealed", LargeBinary),
    Column("phone_sealed", LargeBinary),
    Column("phone_index", LargeBinary),
    Column("erased_at", Instant),
    Column("created_at", Instant, nullable=False),
    Index("ix_member_phone_index", "phone_index"),
    Index("ix_member_contact_id", "contact_id"),
)

membership = Table(
    "membership",
    metadata,
    row_id(),
    reference("member_id", "member"),
    reference("unit_id", "unit"),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("reason", Text),
    Index("ix_membership_member_id", "member_id"),
    Index("ix_membership_unit_id", "unit_id"),
)

application = Table(
    "application",
    metadata,
    row_id(),
    Column("uid", String(32), nullable=False, unique=True),
    Column("code", String(16), nullable=False, unique=True),
    reference("contact_id", "contact"),
    reference("unit_id", "unit"),
    Column("full_name", Text, nullable=False),
    Column("birth_sealed", LargeBinary),
    Column("phone_sealed", LargeBinary),
    Column("phone_index", LargeBinary),
    Column("state", String(16), nullable=False),  # submitted | admitted | declined | withdrawn
    Column("reason", Text),
    reference("decided_by", "contact", nullable=True),
    Column("decided_at", Instant),
    Column("created_at", Instant, nullable=False),
    Index("ix_application_contact_id", "contact_id"),
)

appointment = Table(
    "appointment",
    metadata,
    row_id(),
    reference("contact_id", "contact"),
    reference("unit_id", "unit"),
    Column("role", String(32), nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Index("ix_appointment_contact_id", "contact_id"),
    Index("ix_appointment_unit_id", "unit_id"),
)

consent = Table(
    "consent",
    metadata,
    row_id(),
    reference("contact_id", "contact"),
    Column("purpose", String(32), nullable=False),
    Column("text_version", String(32), nullable=False),
    Column("text_shown", Text, nullable=False),
    Column("channel", String(32), nullable=False),
    reference("recorded_by", "contact"),
    Column("given_at", Instant, nullable=False),
    Column("withdrawn_at", Instant),
    Index("ix_consent_contact_id", "contact_id"),
)

invitation = Table(
    "invitation",
    metadata,
    row_id(),
    Column("code_hash", LargeBinary, nullable=False, unique=True),
    reference("unit_id", "unit", nullable=True),
    Column("role", String(32)),
    reference("contact_id", "contact", nullable=True),  # set: a door to an existing person instead of a new role
    reference("created_by", "contact", nullable=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    reference("used_by", "contact", nullable=True),
)

code_try = Table(
    "code_try",
    metadata,
    row_id(),
    reference("contact_id", "contact"),
    Column("at", Instant, nullable=False),  # a wrong invitation code; a few an hour, then none is looked at
    Index("ix_code_try_contact_id_at", "contact_id", "at"),
)

call_for_help = Table(
    "call_for_help",
    metadata,
    row_id(),
    Column("uid", String(32), nullable=False, unique=True),
    Column("code", String(16), nullable=False, unique=True),
    reference("contact_id", "contact"),
    reference("unit_id", "unit"),  # whose officers are told
    Column("words_sealed", LargeBinary),  # how it is safe to reach her; blanked once read and after a day
    Column("state", String(8), nullable=False),  # waiting | read | erased
    reference("read_by", "contact", nullable=True),
    Column("read_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("erase_after", Instant, nullable=False),
    Index("ix_call_for_help_contact_id", "contact_id"),
)
