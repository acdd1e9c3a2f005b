"""tokens that rotate."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forwards."""
    op.create_table(
        "rotating_token",
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("access_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("refresh_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("begun_by", sa.String(length=32), nullable=True),
        sa.Column("lost", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_rotating_token")),
    )
