"""Tables of consents, tokens, logins in progress and alerts. The nodes that tokens reach are in `nodes.py`."""

from __future__ import annotations

import sqlalchemy as sa

from meta_pipeline.store.schema.metadata import Utc, metadata

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
    sa.Column("replaced_by", sa.String),
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

grants = sa.Table(
    "grants", metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("token_ref", sa.String, nullable=False),
    sa.Column("subject_id", sa.String, nullable=False),
    sa.Column("subject_name", sa.String, nullable=False),
    sa.Column("phase", sa.Integer, nullable=False),
    sa.Column("asked", sa.JSON, key="requested", nullable=False),
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

oauth_states = sa.Table(
    "oauth_states", metadata,
    sa.Column("nonce", sa.String, primary_key=True),
    sa.Column("issued_at", Utc, nullable=False),
    sa.Column("used_at", Utc),
)

alerts = sa.Table(
    "alerts", metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("target", sa.String, primary_key=True),
    sa.Column("text", sa.String, nullable=False),
    sa.Column("sent_at", Utc, nullable=False),
)
