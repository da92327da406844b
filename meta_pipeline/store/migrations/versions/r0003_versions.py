"""Earlier versions of landed days, and when a day was read last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """A new table and a new column."""
    op.add_column("landed_files", sa.Column("read_at", sa.DateTime(timezone=True)))
    op.create_table(
        "landed_versions",
        sa.Column("report", sa.String, primary_key=True),
        sa.Column("node_id", sa.String, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("landed_at", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
    )


def downgrade() -> None:
    """The files stay where they are."""
    op.drop_table("landed_versions")
    op.drop_column("landed_files", "read_at")
