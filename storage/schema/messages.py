"""The way in and the way out: inbox, sessions, campaigns, deliveries, mailboxes."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from storage.schema.base import metadata, partial_index, reference, row_id
from storage.types import Instant, RowId

inbox = Table(
    "inbox",
    metadata,
    row_id(),
    Column("channel", String(32), nullable=False),
    Column("key", String(200), nullable=False),  # the platform's or the page's own id of the message
    reference("address_id", "address"),
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
    Column("album", String(128)),  # what the platform calls the set this photo belongs to; its rows are one message
    UniqueConstraint("channel", "key"),
    partial_index("ix_inbox_open", "address_id", "id", where="state = 'open'"),
    partial_index("ix_inbox_dead", "id", where="state = 'dead'"),
    partial_index("ix_inbox_album", "address_id", "album", where="album is not null"),
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

campaign = Table(
    "campaign",
    metadata,
    row_id(),
    Column("code", String(16), nullable=False, unique=True),  # runs of it add a number: TN-7K3M-2
    reference("created_by", "contact"),
    reference("unit_id", "unit"),  # the audience is this unit's subtree
    Column("role", String(32)),  # and, if set, only who holds this role
    Column("texts", JSON, nullable=False),  # language -> text; the first is the base
    reference("attachment_id", "attachment", nullable=True),
    Column("sort", String(16), nullable=False, default="broadcast"),  # broadcast | alert
    Column("client_key", String(64), nullable=False, unique=True),  # a double click on Send makes one
    Column("created_at", Instant, nullable=False),
    Column("alert_reason", Text),  # why this one may pass quiet hours and "stop": danger to life
    Column("linked_at", Instant),  # its officer asked for a link: whoever has the code may read it from then on
)

schedule = Table(
    "schedule",
    metadata,
    row_id(),
    reference("campaign_id", "campaign"),
    Column("rule", String(100), nullable=False),  # once | cron text
    Column("next_due_at", Instant),
    Column("catch_up_s", Integer, nullable=False),
    Column("state", String(8), nullable=False, default="active"),  # active | paused | ended
    partial_index("ix_schedule_due", "next_due_at", where="state = 'active'"),
)

firing = Table(
    "firing",
    metadata,
    row_id(),
    reference("schedule_id", "schedule"),
    Column("due_at", Instant, nullable=False),
    Column("fired_at", Instant, nullable=False),
    Column("outcome", String(8), nullable=False),  # fired | skipped
    UniqueConstraint("schedule_id", "due_at"),
)

broadcast = Table(
    "broadcast",
    metadata,
    row_id(),
    Column("code", String(16), nullable=False, unique=True),
    reference("campaign_id", "campaign"),
    reference("firing_id", "firing", nullable=True),
    Column("state", String(10), nullable=False),  # freezing | running | paused | cancelled | done
    Column("frozen_to", RowId),  # last contact id looked at for the audience
    Column("frozen_at", Instant),  # the audience is complete
    Column("reason", Text),  # why it paused by itself; empty when an officer paused it
    Column("failed_in_row", Integer, nullable=False, default=0),  # like failures one after the other
    Column("failed_reason", Text),
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("told_at", Instant),  # its pause or its final account went to its owner
    Column("texts", JSON),  # as they were when it began: a campaign edited later changes only later runs
    reference("attachment_id", "attachment", nullable=True),
    Column("audience", Integer),  # recipients, as far as it is frozen
    partial_index("ix_broadcast_open", "state", where="told_at is null"),
)

delivery = Table(
    "delivery",
    metadata,
    row_id(),
    reference("contact_id", "contact"),
    reference("address_id", "address", nullable=True),
    reference("broadcast_id", "broadcast", nullable=True),
    Column("lane", Integer, nullable=False),  # 0 replies, 1 broadcasts
    Column("sort", String(16), nullable=False),  # reply | receipt | code | alert | broadcast
    Column("body", JSON),  # rendered reply; empty for broadcasts, rendered when sending
    Column("state", String(10), nullable=False, default="ready"),
    Column("owner", String(32)),
    Column("attempt", Integer, nullable=False, default=0),  # how often claimed: the fence
    Column("tries", Integer, nullable=False, default=0),  # attempts that count; "wait a moment" does not
    Column("lease_until", Instant),
    Column("due_at", Instant, nullable=False),
    Column("message_id", String(64).with_variant(Text(), "postgresql")),  # of every part; only that server counts
    Column("reason", Text),
    Column("restricted", Boolean, nullable=False, default=False),
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("doubts", Integer, nullable=False, server_default=text("0")),  # attempts that may have arrived
    reference("edits_id", "delivery", nullable=True),  # set: this changes or erases the message of that one
    UniqueConstraint("broadcast_id", "contact_id"),
    CheckConstraint("state in ('ready', 'sending', 'sent', 'failed', 'unknown', 'cancelled', 'skipped')", name="state"),
    partial_index("ix_delivery_ready", "lane", "broadcast_id", "due_at", "id", where="state = 'ready'"),
    partial_index("ix_delivery_sending", "lease_until", where="state = 'sending'"),
    # One in flight per person, in order; and how many broadcasts reached her today.
    partial_index("ix_delivery_contact_open", "contact_id", "id", where="state in ('ready', 'sending')"),
    partial_index("ix_delivery_contact_day", "contact_id", "settled_at", where="lane = 1"),
    # Counts of a run without looking at its rows.
    partial_index(
        "ix_delivery_settled",
        "broadcast_id",
        "state",
        where="broadcast_id is not null and state not in ('ready', 'sending')",
    ),
    Index("ix_delivery_address_id", "address_id", "id"),
)

attempt = Table(
    "attempt",
    metadata,
    row_id(),
    reference("delivery_id", "delivery"),
    Column("number", Integer, nullable=False),
    reference("address_id", "address"),
    Column("owner", String(32), nullable=False),
    Column("result", String(10), nullable=False),  # accepted | refused | unknown
    Column("reason", Text),
    Column("ended_at", Instant, nullable=False),
    UniqueConstraint("delivery_id", "number"),
)

mailbox = Table(
    "mailbox",
    metadata,
    row_id(),  # rises in commit order: a page asks for what came after the last one it has
    reference("address_id", "address"),
    reference("delivery_id", "delivery"),
    Column("body", JSON),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("delivery_id"),
    Index("ix_mailbox_address_id", "address_id", "id"),
)

progress = Table(
    "progress",
    metadata,
    Column("broadcast_id", RowId, ForeignKey("broadcast.id"), primary_key=True, autoincrement=False),
    reference("delivery_id", "delivery"),  # the message that is edited while the run goes on
    Column("shown_at", Instant, nullable=False),
)

channel_account = Table(
    "channel_account",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("bot_id", String(64), nullable=False),  # who we are there; another token is another one
    Column("name", String(64), nullable=False),  # as it stands in links
    Column("heard_at", Instant),  # when taking messages in last worked, within a minute
)

rotating_token = Table(
    "rotating_token",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("uid", String(32), nullable=False),  # what the sealed values are bound to
    Column("version", Integer, nullable=False),  # counts the pairs
    Column("seed", LargeBinary, nullable=False),  # keyed digest of the configured token these came from
    Column("access_sealed", LargeBinary),
    Column("refresh_sealed", LargeBinary, nullable=False),  # holds for one call
    Column("refreshed_at", Instant),
    Column("expires_at", Instant),  # of the access token
    Column("begun_at", Instant),  # a call for the next pair may be under way, or was cut off
    Column("begun_by", String(32)),
    Column("lost", String(32)),  # why there will be no next pair
)

remote_file = Table(
    "remote_file",
    metadata,
    row_id(),
    Column("name", String(64), nullable=False, unique=True),  # the name it will be kept under
    Column("channel", String(32), nullable=False),
    Column("reference", Text, nullable=False),  # the platform's own name of it
    Column("state", String(8), nullable=False, default="waiting"),  # waiting | here | lost
    Column("tries", Integer, nullable=False, default=0),
    Column("due_at", Instant, nullable=False),
    Column("reason", String(64)),
    Column("created_at", Instant, nullable=False),
    partial_index("ix_remote_file_waiting", "due_at", "id", where="state = 'waiting'"),
)

sent_file = Table(
    "sent_file",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("bot_id", String(64), primary_key=True),
    Column("name", String(80), primary_key=True),  # of the file in data.folder
    Column("reference", Text, nullable=False),  # what stands for it there: uploaded once, sent by this
)

channel_halt = Table(
    "channel_halt",
    metadata,
    Column("channel", String(32), primary_key=True),
    Column("halted_until", Instant, nullable=False),
)
