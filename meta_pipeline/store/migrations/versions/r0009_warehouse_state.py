"""Record which warehouse file the ledger is about, and what was published from it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the table; its one row is written with the next load."""
    op.create_table(
        "warehouse_state",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("identity", sa.String),
        sa.Column("loads", sa.Integer, nullable=False),
        sa.Column("load_id", sa.String),
        sa.Column("next_load_id", sa.String),
        sa.Column("read_until", sa.DateTime(timezone=True)),
        sa.Column("is_reload_requested", sa.Boolean, nullable=False),
        sa.Column("built_load_id", sa.String),
        sa.Column("built_digest", sa.String),
        sa.Column("published_load_id", sa.String),
        sa.Column("published_digest", sa.String),
        sa.Column("published_bytes", sa.BigInteger),
        sa.Column("published_at", sa.DateTime(timezone=True)),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("warehouse_state")
