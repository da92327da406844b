"""The tables of the control store, on SQLite and Postgres alike. Days are ISO dates, times aware UTC."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

metadata = sa.MetaData()
REVISION = "0012"  # the newest of migrations/versions


class Utc(TypeDecorator[dt.datetime]):
    """An aware UTC datetime; SQLite stores it naive and gives it back aware."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:
        return None if value is None else value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


tokens = sa.Table(
    "tokens", metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("subject_id", sa.String, nullable=False),
    sa.Column("subject_name", sa.String, nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("expires_at", Utc),
    sa.Column("data_access_expires_at", Utc),
    sa.Column("kept_at", Utc, nullable=False),
    sa.Column("retired_at", Utc),
    sa.Column("retired_because", sa.String),
    sa.Column("retired_subcode", sa.Integer),
    sa.Column("parent_ref", sa.String),
    sa.Column("inspected_at", Utc),
)

token_reveals = sa.Table(
    "token_reveals", metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", Utc, nullable=False),
    sa.Column("token_ref", sa.String, nullable=False),
    sa.Column("flow", sa.String, nullable=False),
    sa.Column("node_id", sa.String),
    sa.Column("process", sa.String, nullable=False),
    sa.Index("token_reveals_at", "at"),
)

node_links = sa.Table(
    "node_links", metadata,
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
    sa.Column("linked_at", Utc, nullable=False),
)

node_access = sa.Table(
    "node_access", metadata,
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("through_ref", sa.String, primary_key=True),
    sa.Column("token_ref", sa.String, nullable=False),
    sa.Column("tasks", sa.JSON, nullable=False),
    sa.Column("seen_at", Utc, nullable=False),
)

unread_edges = sa.Table(
    "unread_edges", metadata,
    sa.Column("token_ref", sa.String, primary_key=True),
    sa.Column("path", sa.String, primary_key=True),
    sa.Column("kinds", sa.JSON, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("is_refused", sa.Boolean, nullable=False),
    sa.Column("failed_at", Utc, nullable=False),
)

grants = sa.Table(
    "grants", metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("token_ref", sa.String, nullable=False),
    sa.Column("subject_id", sa.String, nullable=False),
    sa.Column("subject_name", sa.String, nullable=False),
    sa.Column("phase", sa.Integer, nullable=False),
    sa.Column("asked", sa.JSON, nullable=False),
    sa.Column("granted", sa.JSON, nullable=False),
    sa.Column("declined", sa.JSON, nullable=False),
    sa.Column("through", sa.String, nullable=False),
    sa.Column("at", Utc, nullable=False),
)

onboardings = sa.Table(
    "onboardings", metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("step", sa.String, nullable=False),
    sa.Column("phase", sa.Integer, nullable=False),
    sa.Column("through", sa.String, nullable=False),
    sa.Column("browser", sa.String),
    sa.Column("holder", sa.String),
    sa.Column("token_ref", sa.String),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("ended_at", Utc),
    sa.Column("reason", sa.String),
    sa.Column("run_id", sa.String),
    sa.Column("result", sa.JSON, nullable=False),
)

alerts = sa.Table(
    "alerts", metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("target", sa.String, primary_key=True),
    sa.Column("text", sa.String, nullable=False),
    sa.Column("sent_at", Utc, nullable=False),
)

web_sessions = sa.Table(
    "web_sessions", metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("password_mac", sa.String, nullable=False),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("ends_at", Utc, nullable=False),
)

invitations = sa.Table(
    "invitations", metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("subject_id", sa.String, nullable=False),
    sa.Column("phase", sa.Integer, nullable=False),
    sa.Column("issued_at", Utc, nullable=False),
    sa.Column("ends_at", Utc, nullable=False),
    sa.Column("onboarding_id", sa.String),
)

oauth_states = sa.Table(
    "oauth_states", metadata,
    sa.Column("nonce", sa.String, primary_key=True),
    sa.Column("issued_at", Utc, nullable=False),
    sa.Column("used_at", Utc),
)

landed_files = sa.Table(
    "landed_files", metadata,
    sa.Column("report", sa.String, primary_key=True),
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("path", sa.String, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("backfill_id", sa.String),
    sa.Column("landed_at", Utc, nullable=False),
    sa.Column("loaded_at", Utc),
    sa.Column("read_at", Utc),
)

landed_versions = sa.Table(
    "landed_versions", metadata,
    sa.Column("report", sa.String, primary_key=True),
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("landed_at", Utc, primary_key=True),
    sa.Column("path", sa.String, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("loaded_at", Utc),
)

warehouse_state = sa.Table(
    "warehouse_state", metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),  # always 1: a control store has one warehouse
    sa.Column("identity", sa.String),
    sa.Column("loads", sa.Integer, nullable=False),
    sa.Column("load_id", sa.String),
    sa.Column("next_load_id", sa.String),
    sa.Column("read_until", Utc),
    sa.Column("is_reload_requested", sa.Boolean, nullable=False),
    sa.Column("built_load_id", sa.String),
    sa.Column("built_digest", sa.String),
    sa.Column("published_load_id", sa.String),
    sa.Column("published_digest", sa.String),
    sa.Column("published_bytes", sa.BigInteger),
    sa.Column("published_at", Utc),
)

report_runs = sa.Table(
    "report_runs", metadata,
    sa.Column("request_digest", sa.String, primary_key=True),
    sa.Column("backfill_id", sa.String, primary_key=True),
    sa.Column("report_run_id", sa.String, nullable=False),
    sa.Column("node_id", sa.String, nullable=False),
    sa.Column("report", sa.String, nullable=False),
    sa.Column("since", sa.Date, nullable=False),
    sa.Column("until", sa.Date, nullable=False),
    sa.Column("submitted_at", Utc, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("previous_run_id", sa.String),
    sa.Column("percent", sa.Integer),
    sa.Column("changed_at", Utc),
)

report_run_durations = sa.Table(
    "report_run_durations", metadata,
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("report", sa.String, primary_key=True),
    sa.Column("days", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seconds", sa.Float, nullable=False),
)

learned_sizes = sa.Table(
    "learned_sizes", metadata,
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("report", sa.String, primary_key=True),
    sa.Column("page", sa.Integer, nullable=False),
    sa.Column("page_refused", sa.Integer),
    sa.Column("days", sa.Integer),
    sa.Column("days_refused", sa.Integer),
    sa.Column("rows_per_day", sa.Float),
    sa.Column("sync_refused", sa.Integer),
    sa.Column("refused_at", Utc),
    sa.Column("page_succeeded", sa.Integer),
)

listings = sa.Table(
    "listings", metadata,
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("swept_at", Utc, nullable=False),
    sa.Column("asked", sa.String, nullable=False),
)

backfills = sa.Table(
    "backfills", metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("arguments_digest", sa.String, nullable=False),
    sa.Column("arguments", sa.JSON, nullable=False),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("ended_at", Utc),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("holder", sa.String),
)

deferred_ranges = sa.Table(
    "deferred_ranges", metadata,
    sa.Column("backfill_id", sa.String, primary_key=True),
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("report", sa.String, primary_key=True),
    sa.Column("retry_at", Utc, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("since", sa.Date),
    sa.Column("until", sa.Date),
)

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
    sa.Index("audit_calls_at", "at"),
    sa.Index("audit_calls_fbtrace_id", "fbtrace_id"),
)
