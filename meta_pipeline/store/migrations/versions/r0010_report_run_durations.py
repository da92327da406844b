"""Store how long report runs take, the largest page that was read, and the progress of each report run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Durations move to a table of their own: for the app, and for each account."""
    op.create_table(
        "report_run_durations",
        sa.Column("node_id", sa.String, primary_key=True),
        sa.Column("report", sa.String, primary_key=True),
        sa.Column("days", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seconds", sa.Float, nullable=False),
    )
    op.drop_column("learned_sizes", "seconds")
    op.add_column("learned_sizes", sa.Column("page_succeeded", sa.Integer))
    op.add_column("report_runs", sa.Column("previous_run_id", sa.String))
    op.add_column("report_runs", sa.Column("percent", sa.Integer))
    op.add_column("report_runs", sa.Column("changed_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Everything is learned again."""
    op.drop_column("report_runs", "changed_at")
    op.drop_column("report_runs", "percent")
    op.drop_column("report_runs", "previous_run_id")
    op.drop_column("learned_sizes", "page_succeeded")
    op.add_column("learned_sizes", sa.Column("seconds", sa.Float))
    op.drop_table("report_run_durations")
