"""The tables. Words as in docs/glossary.md; migrations are tested to end at exactly this."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from storage.types import Amount, Instant, RowId

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[Any]:
    return Column("id", RowId, primary_key=True, autoincrement=True)


def _ref(name: str, target: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, RowId, ForeignKey(f"{target}.id"), nullable=nullable)


# --- The installation and the tree of units ------------------------------------------------------

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

unit = Table("unit", metadata, _id(), Column("code", String(64), nullable=False, unique=True))

unit_version = Table(
    "unit_version",
    metadata,
    _id(),
    _ref("unit_id", "unit"),
    _ref("parent_id", "unit", nullable=True),
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
    _id(),
    _ref("from_unit_id", "unit"),
    _ref("to_unit_id", "unit"),
    Column("on_date", Date, nullable=False),
    Column("kind", String(16), nullable=False),  # merge | split | rename
    UniqueConstraint("from_unit_id", "to_unit_id", "on_date"),
)

peer_group = Table(
    "peer_group",
    metadata,
    _id(),
    Column("code", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("year", Integer, nullable=False),
    _ref("leader_id", "unit", nullable=True),
    _ref("deputy_id", "unit", nullable=True),
    UniqueConstraint("code", "year"),
)

peer_group_unit = Table(
    "peer_group_unit",
    metadata,
    Column("peer_group_id", RowId, ForeignKey("peer_group.id"), primary_key=True),
    Column("unit_id", RowId, ForeignKey("unit.id"), primary_key=True),
)

# --- People --------------------------------------------------------------------------------------

contact = Table(
    "contact",
    metadata,
    _id(),
    Column("name", Text),
    Column("language", String(8), nullable=False, default="vi"),
    Column("stopped_at", Instant),  # she said stop: nothing but answers to her own messages
    Column("erased_at", Instant),
    Column("created_at", Instant, nullable=False),
)

address = Table(
    "address",
    metadata,
    _id(),
    _ref("contact_id", "contact"),
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
    _id(),
    Column("uid", String(32), nullable=False, unique=True),  # binds the sealed columns to this row
    _ref("contact_id", "contact", nullable=True),
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
    _id(),
    _ref("member_id", "member"),
    _ref("unit_id", "unit"),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("reason", Text),
    Index("ix_membership_member_id", "member_id"),
    Index("ix_membership_unit_id", "unit_id"),
)

application = Table(
    "application",
    metadata,
    _id(),
    Column("uid", String(32), nullable=False, unique=True),
    Column("code", String(16), nullable=False, unique=True),
    _ref("contact_id", "contact"),
    _ref("unit_id", "unit"),
    Column("full_name", Text, nullable=False),
    Column("birth_sealed", LargeBinary),
    Column("phone_sealed", LargeBinary),
    Column("phone_index", LargeBinary),
    Column("state", String(16), nullable=False),  # submitted | admitted | declined | withdrawn
    Column("reason", Text),
    _ref("decided_by", "contact", nullable=True),
    Column("decided_at", Instant),
    Column("created_at", Instant, nullable=False),
    Index("ix_application_contact_id", "contact_id"),
)

appointment = Table(
    "appointment",
    metadata,
    _id(),
    _ref("contact_id", "contact"),
    _ref("unit_id", "unit"),
    Column("role", String(32), nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Index("ix_appointment_contact_id", "contact_id"),
    Index("ix_appointment_unit_id", "unit_id"),
)

consent = Table(
    "consent",
    metadata,
    _id(),
    _ref("contact_id", "contact"),
    Column("purpose", String(32), nullable=False),
    Column("text_version", String(32), nullable=False),
    Column("text_shown", Text, nullable=False),
    Column("channel", String(32), nullable=False),
    _ref("recorded_by", "contact"),
    Column("given_at", Instant, nullable=False),
    Column("withdrawn_at", Instant),
    Index("ix_consent_contact_id", "contact_id"),
)

invitation = Table(
    "invitation",
    metadata,
    _id(),
    Column("code_hash", LargeBinary, nullable=False, unique=True),
    _ref("unit_id", "unit", nullable=True),
    Column("role", String(32)),
    _ref("contact_id", "contact", nullable=True),  # set: a door to an existing person instead of a new role
    _ref("created_by", "contact", nullable=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    _ref("used_by", "contact", nullable=True),
)

code_try = Table(
    "code_try",
    metadata,
    _id(),
    _ref("contact_id", "contact"),
    Column("at", Instant, nullable=False),  # a wrong invitation code; a few an hour, then none is looked at
    Index("ix_code_try_contact_id_at", "contact_id", "at"),
)

call_for_help = Table(
    "call_for_help",
    metadata,
    _id(),
    Column("uid", String(32), nullable=False, unique=True),
    Column("code", String(16), nullable=False, unique=True),
    _ref("contact_id", "contact"),
    _ref("unit_id", "unit"),  # whose officers are told
    Column("words_sealed", LargeBinary),  # how it is safe to reach her; blanked once read and after a day
    Column("state", String(8), nullable=False),  # waiting | read | erased
    _ref("read_by", "contact", nullable=True),
    Column("read_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("erase_after", Instant, nullable=False),
    Index("ix_call_for_help_contact_id", "contact_id"),
)

# --- Reports -------------------------------------------------------------------------------------

report = Table(
    "report",
    metadata,
    _id(),
    Column("code", String(16), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),  # figures | nil
    _ref("unit_id", "unit", nullable=True),
    _ref("peer_group_id", "peer_group", nullable=True),
    _ref("author_id", "contact", nullable=True),
    Column("state", String(16), nullable=False),  # submitted | approved | returned | withdrawn
    Column("period", String(16), nullable=False),  # label of the contract: 2025-03-09, 2025-03, 2025-Q1 …
    Column("first_day", Date, nullable=False),  # of the period
    Column("last_day", Date, nullable=False),
    Column("source_text", Text),
    Column("reason", Text),
    _ref("decided_by", "contact", nullable=True),
    Column("decided_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False, default=1),
    CheckConstraint("(unit_id is null) <> (peer_group_id is null)", name="one_subject"),
    Index("ix_report_unit_id_state", "unit_id", "state"),
    Index("ix_report_author_id", "author_id"),
)

figure = Table(
    "figure",
    metadata,
    _id(),
    _ref("report_id", "report"),
    _ref("unit_id", "unit", nullable=True),
    _ref("peer_group_id", "peer_group", nullable=True),
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
    _ref("replaces_id", "figure", nullable=True),
    Column("replaced", Boolean, nullable=False, default=False),
    Index("ix_figure_report_id", "report_id"),
    Index("ix_figure_roll_up", "indicator", "unit_id", "last_day"),
)

target = Table(
    "target",
    metadata,
    _id(),
    _ref("unit_id", "unit", nullable=True),
    _ref("peer_group_id", "peer_group", nullable=True),
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
    _id(),
    Column("received_sha256", String(64), nullable=False),
    Column("state", String(8), nullable=False, default="received"),  # received | kept | refused
    Column("sha256", String(64)),
    Column("width", Integer),
    Column("height", Integer),
    Column("size_bytes", Integer),
    Column("reason", String(64)),
    Column("attempts", Integer, nullable=False, default=0),
    _ref("contact_id", "contact", nullable=True),
    _ref("report_id", "report", nullable=True),
    Column("created_at", Instant, nullable=False),
    Index("ix_attachment_report_id", "report_id"),
    Index("ix_attachment_waiting", "id", sqlite_where=text("state = 'received'"), postgresql_where=text("state = 'received'")),
)

# --- The way in ----------------------------------------------------------------------------------

inbox = Table(
    "inbox",
    metadata,
    _id(),
    Column("channel", String(32), nullable=False),
    Column("key", String(200), nullable=False),  # the platform's or the page's own id of the message
    _ref("address_id", "address"),
    Column("body", JSON),  # blanked 30 days after it is done
    Column("sent_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("state", String(8), nullable=False, default="open"),  # open | done | dead
    Column("process", String(32), nullable=False),  # who took it in; another one's rows are treated with care
    Column("attempt", Integer, nullable=False, default=1),
    Column("not_before", Instant),
    Column("reason", Text),
    Column("restricted", Boolean, nullable=False, default=False),
    Column("done_at", Instant),
    UniqueConstraint("channel", "key"),
    Index("ix_inbox_open", "address_id", "id", sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
    Index("ix_inbox_dead", "id", sqlite_where=text("state = 'dead'"), postgresql_where=text("state = 'dead'")),
)

session = Table(
    "session",
    metadata,
    Column("contact_id", RowId, ForeignKey("contact.id"), primary_key=True, autoincrement=False),
    Column("talk", JSON),  # {conversation, start, answers} or empty
    Column("parked", JSON),  # talks left open under it, oldest first
    Column("shown", JSON),  # the buttons last shown, in order
    Column("updated_at", Instant, nullable=False),
)

# --- The way out ---------------------------------------------------------------------------------

campaign = Table(
    "campaign",
    metadata,
    _id(),
    Column("code", String(16), nullable=False, unique=True),  # runs of it add a number: TN-7K3M-2
    _ref("created_by", "contact"),
    _ref("unit_id", "unit"),  # the audience is this unit's subtree
    Column("role", String(32)),  # and, if set, only who holds this role
    Column("texts", JSON, nullable=False),  # language -> text; the first is the base
    _ref("attachment_id", "attachment", nullable=True),
    Column("sort", String(16), nullable=False, default="broadcast"),  # broadcast | alert
    Column("client_key", String(64), nullable=False, unique=True),  # a double click on Send makes one
    Column("created_at", Instant, nullable=False),
)

schedule = Table(
    "schedule",
    metadata,
    _id(),
    _ref("campaign_id", "campaign"),
    Column("rule", String(100), nullable=False),  # once | cron text
    Column("next_due_at", Instant),
    Column("catch_up_s", Integer, nullable=False),
    Column("state", String(8), nullable=False, default="active"),  # active | paused | ended
    Index("ix_schedule_due", "next_due_at", sqlite_where=text("state = 'active'"), postgresql_where=text("state = 'active'")),
)

firing = Table(
    "firing",
    metadata,
    _id(),
    _ref("schedule_id", "schedule"),
    Column("due_at", Instant, nullable=False),
    Column("fired_at", Instant, nullable=False),
    Column("outcome", String(8), nullable=False),  # fired | skipped
    UniqueConstraint("schedule_id", "due_at"),
)

broadcast = Table(
    "broadcast",
    metadata,
    _id(),
    Column("code", String(16), nullable=False, unique=True),
    _ref("campaign_id", "campaign"),
    _ref("firing_id", "firing", nullable=True),
    Column("state", String(10), nullable=False),  # freezing | running | paused | cancelled | done
    Column("frozen_to", RowId),  # last contact id looked at for the audience
    Column("frozen_at", Instant),  # the audience is complete
    Column("reason", Text),  # why it paused by itself; empty when an officer paused it
    Column("failed_in_row", Integer, nullable=False, default=0),  # like failures one after the other
    Column("failed_reason", Text),
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("told_at", Instant),  # its pause or its final account went to its owner
    Index("ix_broadcast_open", "state", sqlite_where=text("told_at is null"), postgresql_where=text("told_at is null")),
)

delivery = Table(
    "delivery",
    metadata,
    _id(),
    _ref("contact_id", "contact"),
    _ref("address_id", "address", nullable=True),
    _ref("broadcast_id", "broadcast", nullable=True),
    Column("lane", Integer, nullable=False),  # 0 replies, 1 broadcasts
    Column("sort", String(16), nullable=False),  # reply | receipt | code | alert | broadcast
    Column("body", JSON),  # rendered reply; empty for broadcasts, rendered when sending
    Column("state", String(10), nullable=False, default="ready"),
    Column("owner", String(32)),
    Column("attempt", Integer, nullable=False, default=0),  # how often claimed: the fence
    Column("tries", Integer, nullable=False, default=0),  # attempts that count; "wait a moment" does not
    Column("lease_until", Instant),
    Column("due_at", Instant, nullable=False),
    Column("message_id", String(64)),
    Column("reason", Text),
    Column("restricted", Boolean, nullable=False, default=False),
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    UniqueConstraint("broadcast_id", "contact_id"),
    CheckConstraint(
        "state in ('ready', 'sending', 'sent', 'failed', 'unknown', 'cancelled', 'skipped')", name="state"
    ),
    Index("ix_delivery_ready", "lane", "broadcast_id", "due_at", "id", sqlite_where=text("state = 'ready'"), postgresql_where=text("state = 'ready'")),
    Index("ix_delivery_sending", "lease_until", sqlite_where=text("state = 'sending'"), postgresql_where=text("state = 'sending'")),
    # One in flight per person, in order; and how many broadcasts reached her today.
    Index(
        "ix_delivery_contact_open",
        "contact_id",
        "id",
        sqlite_where=text("state in ('ready', 'sending')"),
        postgresql_where=text("state in ('ready', 'sending')"),
    ),
    Index("ix_delivery_contact_day", "contact_id", "settled_at", sqlite_where=text("lane = 1"), postgresql_where=text("lane = 1")),
    Index("ix_delivery_address_id", "address_id", "id"),
)

attempt = Table(
    "attempt",
    metadata,
    _id(),
    _ref("delivery_id", "delivery"),
    Column("number", Integer, nullable=False),
    _ref("address_id", "address"),
    Column("owner", String(32), nullable=False),
    Column("result", String(10), nullable=False),  # accepted | refused | unknown
    Column("reason", Text),
    Column("ended_at", Instant, nullable=False),
    UniqueConstraint("delivery_id", "number"),
)

mailbox = Table(
    "mailbox",
    metadata,
    _id(),  # rises in commit order: a page asks for what came after the last one it has
    _ref("address_id", "address"),
    _ref("delivery_id", "delivery"),
    Column("body", JSON),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("delivery_id"),
    Index("ix_mailbox_address_id", "address_id", "id"),
)

channel_halt = Table(
    "channel_halt",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("halted_until", Instant, nullable=False),
)

# --- Trust ---------------------------------------------------------------------------------------

audit = Table(
    "audit",
    metadata,
    _id(),
    Column("at", Instant, nullable=False),
    _ref("actor_id", "contact", nullable=True),
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
    _id(),
    Column("person_index", LargeBinary, nullable=False, unique=True),  # keyed digest; no personal data
    Column("erased_at", Instant, nullable=False),
)
