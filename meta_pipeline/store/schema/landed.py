"""Tables of landed files and of the warehouse file that they are loaded into."""

from __future__ import annotations

import sqlalchemy as sa

from meta_pipeline.store.schema.metadata import Utc, metadata

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

listing_sweeps = sa.Table(
    "listing_sweeps", metadata,
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("swept_at", Utc, nullable=False),
    sa.Column("request_digest", sa.String, nullable=False),
)

snapshot_objects = sa.Table(
    "snapshot_objects", metadata,
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("report", sa.String, primary_key=True),
    sa.Column("object_id", sa.String, primary_key=True),
    sa.Column("created_on", sa.Date),
    sa.Column("kind", sa.String),
    sa.Column("read_on", sa.Date),
    sa.Column("read_before_on", sa.Date),
    sa.Column("gone_on", sa.Date),
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
