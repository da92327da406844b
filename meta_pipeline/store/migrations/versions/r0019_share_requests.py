"""Requests for nodes of partners, and our nodes that partners use."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0016"

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table; requests fill it."""
    op.create_table(
        "share_requests",
        sa.Column("node_id", sa.String, primary_key=True),
        sa.Column("business_id", sa.String, primary_key=True),
        sa.Column("direction", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("tasks", sa.JSON, nullable=False),
        sa.Column("is_sent", sa.Boolean, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("sentence", sa.String, nullable=False),
        sa.Column("requested_at", _AT, nullable=False),
        sa.Column("ends_at", _AT, nullable=False),
        sa.Column("checks", sa.Integer, nullable=False),
        sa.Column("was_pending", sa.Boolean, nullable=False),
        sa.Column("checked_at", _AT),
        sa.Column("next_check_at", _AT),
    )


def downgrade() -> None:
    """Requests are forgotten; what was shared stays shared."""
    op.drop_table("share_requests")
