"""Tables of the nodes: the links, which token reaches each, the listings of businesses, choices and changes."""

from __future__ import annotations

import sqlalchemy as sa

from meta_pipeline.store.schema.metadata import Utc, metadata

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
    sa.Column("owner_business_id", sa.String),
    sa.Column("lost_at", Utc),
)

node_access = sa.Table(
    "node_access", metadata,
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("through_ref", sa.String, primary_key=True),
    sa.Column("token_ref", sa.String, nullable=False),
    sa.Column("tasks", sa.JSON, nullable=False),
    sa.Column("seen_at", Utc, nullable=False),
    sa.Column("access", sa.String),
    sa.Column("owner_business", sa.String),
    sa.Column("owner_business_id", sa.String),
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

businesses = sa.Table(
    "businesses", metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("through_ref", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("seen_at", Utc, nullable=False),
)

business_assets = sa.Table(
    "business_assets", metadata,
    sa.Column("through_ref", sa.String, primary_key=True),
    sa.Column("business_id", sa.String, primary_key=True),
    sa.Column("edge", sa.String, primary_key=True),
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("owner_business", sa.String),
    sa.Column("seen_at", Utc, nullable=False),
)

node_versions = sa.Table(
    "node_versions", metadata,
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("valid_from", Utc, primary_key=True),
    sa.Column("valid_to", Utc),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("access", sa.String, nullable=False),
    sa.Column("owner_business_id", sa.String),
    sa.Column("owner_business", sa.String),
    sa.Column("tasks", sa.JSON, nullable=False),
    sa.Column("timezone", sa.String),
    sa.Column("currency", sa.String),
    sa.Column("is_reached", sa.Boolean, nullable=False),
)

link_changes = sa.Table(
    "link_changes", metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", Utc, nullable=False),
    sa.Column("node_id", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("change", sa.String, nullable=False),
    sa.Column("before", sa.String),
    sa.Column("after", sa.String),
    sa.Column("through_ref", sa.String),
    sa.Index("link_changes_node", "node_id", "at"),
)

node_choices = sa.Table(
    "node_choices", metadata,
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("choice", sa.String, nullable=False),
    sa.Column("chosen_at", Utc, nullable=False),
    sa.Column("chosen_by", sa.String, nullable=False),
)

share_requests = sa.Table(
    "share_requests", metadata,
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("business_id", sa.String, primary_key=True),
    sa.Column("direction", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("tasks", sa.JSON, nullable=False),
    sa.Column("is_sent", sa.Boolean, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("sentence", sa.String, nullable=False),
    sa.Column("requested_at", Utc, nullable=False),
    sa.Column("ends_at", Utc, nullable=False),
    sa.Column("checks", sa.Integer, nullable=False),
    sa.Column("was_pending", sa.Boolean, nullable=False),
    sa.Column("checked_at", Utc),
    sa.Column("next_check_at", Utc),
)
