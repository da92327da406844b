"""Tables of plans: changes at Meta that are listed first and applied afterwards, and their steps."""

from __future__ import annotations

import sqlalchemy as sa

from meta_pipeline.store.schema.metadata import Utc, metadata

plans = sa.Table(
    "plans", metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("node_id", sa.String, nullable=False),
    sa.Column("token_ref", sa.String, nullable=False),
    sa.Column("spec_digest", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("reason", sa.String),
    sa.Column("details", sa.JSON, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("changed_at", Utc, nullable=False),
)

plan_steps = sa.Table(
    "plan_steps", metadata,
    sa.Column("plan_id", sa.String, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("node_id", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("object_kind", sa.String, nullable=False),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("object_id", sa.String),
    sa.Column("sent_at", Utc),
    sa.Column("progress", sa.JSON, nullable=False),
)
