"""Tables that every call to Graph reads or writes: budgets and their queues, leases, the audit."""

from __future__ import annotations

import sqlalchemy as sa

from meta_pipeline.store.schema.metadata import Utc, metadata

budgets = sa.Table(
    "budgets", metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("window_s", sa.Float, nullable=False),
    sa.Column("percent", sa.Float),
    sa.Column("read_at", Utc),
    sa.Column("low_at", Utc),
    sa.Column("answers", sa.Integer, nullable=False),
    sa.Column("cost_percent", sa.Float, nullable=False),
    sa.Column("slowness", sa.Integer, nullable=False),
    sa.Column("blocked_until", Utc),
    sa.Column("block_s", sa.Float, nullable=False),
)

reservations = sa.Table(
    "reservations", metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("operations", sa.Integer, nullable=False),
    sa.Column("holder", sa.String, nullable=False),
    sa.Column("expires_at", Utc, nullable=False),
)

waiters = sa.Table(
    "waiters", metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("ticket", sa.String, primary_key=True),
    sa.Column("holder", sa.String, nullable=False),
    sa.Column("since", Utc, nullable=False),
    sa.Column("expires_at", Utc, nullable=False),
)

leases = sa.Table(
    "leases", metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("holder", sa.String, nullable=False),
    sa.Column("expires_at", Utc, nullable=False),
)

audit_calls = sa.Table(
    "audit_calls", metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", Utc, nullable=False),
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
    sa.Column("warning", sa.String),
    sa.Column("operations", sa.Integer),
    sa.Column("rows", sa.Integer),
    sa.Column("node_id", sa.String),
    sa.Column("report", sa.String),
    sa.Column("run_id", sa.String),
    sa.Column("backfill_id", sa.String),
    sa.Column("plan_id", sa.String),
    sa.Index("audit_calls_at", "at"),
    sa.Index("audit_calls_fbtrace_id", "fbtrace_id"),
)
