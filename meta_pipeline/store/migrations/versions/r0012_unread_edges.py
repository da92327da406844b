"""The edges of each token that its newest discovery could not read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the table; the next discovery fills it."""
    op.create_table(
        "unread_edges",
        sa.Column("token_ref", sa.String, primary_key=True),
        sa.Column("path", sa.String, primary_key=True),
        sa.Column("kinds", sa.JSON, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("is_refused", sa.Boolean, nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Drop the table: unread edges are reported by the run that meets them only."""
    op.drop_table("unread_edges")
