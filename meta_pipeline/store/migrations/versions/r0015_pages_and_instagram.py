"""The posts and media of a node and when each was read, and the metrics that Meta answers for a node."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add both tables; reading Pages and Instagram accounts fills them."""
    op.create_table(
        "snapshot_objects",
        sa.Column("node_id", sa.String, primary_key=True),
        sa.Column("report", sa.String, primary_key=True),
        sa.Column("object_id", sa.String, primary_key=True),
        sa.Column("created_on", sa.Date),
        sa.Column("kind", sa.String),
        sa.Column("read_on", sa.Date),
        sa.Column("read_before_on", sa.Date),
        sa.Column("gone_on", sa.Date),
    )
    op.create_table(
        "metric_states",
        sa.Column("node_id", sa.String, primary_key=True),
        sa.Column("report", sa.String, primary_key=True),
        sa.Column("applies_to", sa.String, primary_key=True),
        sa.Column("metric", sa.String, primary_key=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("empty_since", sa.DateTime(timezone=True)),
        sa.Column("dead_since", sa.DateTime(timezone=True)),
        sa.Column("probed_at", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.String),
    )


def downgrade() -> None:
    """Drop both tables: posts are listed whole again, and dead metrics are found again."""
    op.drop_table("metric_states")
    op.drop_table("snapshot_objects")
