"""The first control store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Every table of the first version; a home made before migrations has them already."""
    op.create_table(
        "tokens",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("subject_id", sa.String, nullable=False),
        sa.Column("subject_name", sa.String, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("data_access_expires_at", sa.DateTime(timezone=True)),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True)),
        sa.Column("retired_because", sa.String),
        if_not_exists=True,
    )
    op.create_table(
        "node_links",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("access", sa.String, nullable=False),
        sa.Column("owner_business", sa.String),
        sa.Column("tasks", sa.JSON, nullable=False),
        sa.Column("timezone", sa.String),
        sa.Column("currency", sa.String),
        sa.Column("token_ref", sa.String, nullable=False),
        sa.Column("related", sa.JSON, nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "oauth_states",
        sa.Column("nonce", sa.String, primary_key=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        if_not_exists=True,
    )
    op.create_table(
        "landed_files",
        sa.Column("report", sa.String, primary_key=True),
        sa.Column("node_id", sa.String, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("backfill_id", sa.String),
        sa.Column("landed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True)),
        if_not_exists=True,
    )
    op.create_table(
        "report_runs",
        sa.Column("request_digest", sa.String, primary_key=True),
        sa.Column("backfill_id", sa.String, primary_key=True),
        sa.Column("report_run_id", sa.String, nullable=False),
        sa.Column("node_id", sa.String, nullable=False),
        sa.Column("report", sa.String, nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("until", sa.Date, nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "backfills",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("arguments_digest", sa.String, nullable=False),
        sa.Column("arguments", sa.JSON, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("status", sa.String, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "deferred_ranges",
        sa.Column("backfill_id", sa.String, primary_key=True),
        sa.Column("node_id", sa.String, primary_key=True),
        sa.Column("report", sa.String, primary_key=True),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("holder", sa.String, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "audit_calls",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("method", sa.String, nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("code", sa.Integer),
        sa.Column("subcode", sa.Integer),
        sa.Column("fbtrace_id", sa.String),
        sa.Column("fb_rev", sa.String),
        sa.Column("version", sa.String),
        sa.Column("usage", sa.JSON),
        sa.Column("duration_s", sa.Float, nullable=False),
        if_not_exists=True,
    )


def downgrade() -> None:
    """Nothing stays."""
    for name in (
        "tokens", "node_links", "oauth_states", "landed_files",
        "report_runs", "backfills", "deferred_ranges", "leases", "audit_calls",
    ):
        op.drop_table(name)
