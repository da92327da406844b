"""Tables of people who open links and sign in, and of invitations to customers. Links are stored as digests."""

from __future__ import annotations

import sqlalchemy as sa

from meta_pipeline.store.schema.metadata import Utc, metadata

web_sessions = sa.Table(
    "web_sessions", metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("person", sa.String),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("ends_at", Utc, nullable=False),
)

sign_in_links = sa.Table(
    "sign_in_links", metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("person", sa.String, nullable=False),
    sa.Column("issued_at", Utc, nullable=False),
    sa.Column("ends_at", Utc, nullable=False),
)

reconnect_links = sa.Table(
    "reconnect_links", metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("subject_id", sa.String, nullable=False),
    sa.Column("phase", sa.Integer, nullable=False),
    sa.Column("issued_at", Utc, nullable=False),
    sa.Column("ends_at", Utc, nullable=False),
    sa.Column("onboarding_id", sa.String),
)

invitations = sa.Table(
    "invitations", metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("tenant", sa.String, nullable=False),
    sa.Column("kinds", sa.JSON, nullable=False),
    sa.Column("language", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("state_at", Utc, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("ends_at", Utc, nullable=False),
    sa.Column("way", sa.String),
    sa.Column("browser", sa.String),
    sa.Column("onboarding_id", sa.String),
    sa.Column("token_ref", sa.String),
    sa.Column("next_check_at", Utc),
    sa.Column("checks", sa.Integer, nullable=False),
    sa.Column("assets", sa.JSON, nullable=False),
)

invitation_links = sa.Table(
    "invitation_links", metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("invitation_id", sa.String, nullable=False),
    sa.Column("is_status", sa.Boolean, nullable=False),
    sa.Column("issued_at", Utc, nullable=False),
    sa.Column("ends_at", Utc, nullable=False),
    sa.Column("replaced_at", Utc),
)

invitation_events = sa.Table(
    "invitation_events", metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("invitation_id", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("actor", sa.String, nullable=False),
    sa.Index("invitation_events_of", "invitation_id"),
)
