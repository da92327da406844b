"""Add the learned sizes: how much Meta returns at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """A new table."""
    op.create_table(
        "learned_sizes",
        sa.Column("node_id", sa.String, primary_key=True),
        sa.Column("report", sa.String, primary_key=True),
        sa.Column("page", sa.Integer, nullable=False),
        sa.Column("page_refused", sa.Integer),
        sa.Column("days", sa.Integer),
        sa.Column("days_refused", sa.Integer),
        sa.Column("rows_per_day", sa.Float),
        sa.Column("sync_refused", sa.Integer),
        sa.Column("refused_at", sa.DateTime(timezone=True)),
    )


def downgrade() -> None:
    """It is learned again."""
    op.drop_table("learned_sizes")
