"""Invitations to customers and their links, sign-in links of people; links to connect again have their own name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Rename the table of reconnect links; add the others, empty."""
    op.rename_table("invitations", "reconnect_links")
    op.add_column("web_sessions", sa.Column("person", sa.String))
    op.create_table(
        "sign_in_links",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("issued_at", _AT, nullable=False),
        sa.Column("ends_at", _AT, nullable=False),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("kinds", sa.JSON, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("state_at", _AT, nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("ends_at", _AT, nullable=False),
        sa.Column("way", sa.String),
        sa.Column("browser", sa.String),
        sa.Column("onboarding_id", sa.String),
        sa.Column("token_ref", sa.String),
        sa.Column("next_check_at", _AT),
        sa.Column("checks", sa.Integer, nullable=False),
        sa.Column("assets", sa.JSON, nullable=False),
    )
    op.create_table(
        "invitation_links",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("invitation_id", sa.String, nullable=False),
        sa.Column("is_status", sa.Boolean, nullable=False),
        sa.Column("issued_at", _AT, nullable=False),
        sa.Column("ends_at", _AT, nullable=False),
        sa.Column("replaced_at", _AT),
    )
    op.create_table(
        "invitation_events",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("invitation_id", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
    )
    op.create_index("invitation_events_of", "invitation_events", ["invitation_id"])


def downgrade() -> None:
    """Drop what was added: invitations end, and people sign in again."""
    op.drop_index("invitation_events_of", "invitation_events")
    for name in ("invitation_events", "invitation_links", "invitations", "sign_in_links"):
        op.drop_table(name)
    with op.batch_alter_table("web_sessions") as sessions:
        sessions.drop_column("person")
    op.rename_table("reconnect_links", "invitations")
