"""Record when listings of entities were read whole."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """A new table."""
    op.create_table(
        "listings",
        sa.Column("node_id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked", sa.String, nullable=False),
    )


def downgrade() -> None:
    """Everything is read whole once more."""
    op.drop_table("listings")
