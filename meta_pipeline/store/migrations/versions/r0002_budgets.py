"""Budgets, reservations and waiters; what a call was made for; the range that waits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """New tables, new columns that older rows leave empty."""
    at = sa.DateTime(timezone=True)
    op.create_table(
        "budgets",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("window_s", sa.Float, nullable=False),
        sa.Column("percent", sa.Float),
        sa.Column("read_at", at),
        sa.Column("low_at", at),
        sa.Column("answers", sa.Integer, nullable=False),
        sa.Column("cost_percent", sa.Float, nullable=False),
        sa.Column("slowness", sa.Integer, nullable=False),
        sa.Column("blocked_until", at),
        sa.Column("block_s", sa.Float, nullable=False),
    )
    op.create_table(
        "reservations",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("operations", sa.Integer, nullable=False),
        sa.Column("holder", sa.String, nullable=False),
        sa.Column("expires_at", at, nullable=False),
    )
    op.create_table(
        "waiters",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("ticket", sa.String, primary_key=True),
        sa.Column("holder", sa.String, nullable=False),
        sa.Column("since", at, nullable=False),
        sa.Column("expires_at", at, nullable=False),
    )
    op.add_column("backfills", sa.Column("holder", sa.String))
    for name in ("since", "until"):
        op.add_column("deferred_ranges", sa.Column(name, sa.Date))
    for name, kind in (
        ("warning", sa.String), ("operations", sa.Integer), ("rows", sa.Integer), ("node_id", sa.String),
        ("report", sa.String), ("run_id", sa.String), ("backfill_id", sa.String),
    ):
        op.add_column("audit_calls", sa.Column(name, kind))
    op.create_index("audit_calls_at", "audit_calls", ["at"])
    op.create_index("audit_calls_fbtrace_id", "audit_calls", ["fbtrace_id"])


def downgrade() -> None:
    """Back to the first store."""
    op.drop_index("audit_calls_fbtrace_id", "audit_calls")
    op.drop_index("audit_calls_at", "audit_calls")
    for name in ("warning", "operations", "rows", "node_id", "report", "run_id", "backfill_id"):
        op.drop_column("audit_calls", name)
    op.drop_column("backfills", "holder")
    for name in ("since", "until"):
        op.drop_column("deferred_ranges", name)
    for name in ("waiters", "reservations", "budgets"):
        op.drop_table(name)
