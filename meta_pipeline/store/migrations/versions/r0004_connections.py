"""Connections: who may read what through which token, what was granted, how onboarding goes, who was told what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """New tables and columns; the one token that read a node so far is its first access."""
    op.add_column("tokens", sa.Column("retired_subcode", sa.Integer))
    op.add_column("tokens", sa.Column("parent_ref", sa.String))
    op.add_column("tokens", sa.Column("inspected_at", _AT))
    op.create_table(
        "token_reveals",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", _AT, nullable=False),
        sa.Column("token_ref", sa.String, nullable=False),
        sa.Column("flow", sa.String, nullable=False),
        sa.Column("node_id", sa.String),
        sa.Column("process", sa.String, nullable=False),
        sa.Index("token_reveals_at", "at"),
    )
    op.create_table(
        "node_access",
        sa.Column("node_id", sa.String, primary_key=True),
        sa.Column("through_ref", sa.String, primary_key=True),
        sa.Column("token_ref", sa.String, nullable=False),
        sa.Column("tasks", sa.JSON, nullable=False),
        sa.Column("seen_at", _AT, nullable=False),
    )
    op.execute(
        "insert into node_access (node_id, through_ref, token_ref, tasks, seen_at) "
        "select id, token_ref, token_ref, tasks, linked_at from node_links"
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("token_ref", sa.String, nullable=False),
        sa.Column("subject_id", sa.String, nullable=False),
        sa.Column("subject_name", sa.String, nullable=False),
        sa.Column("phase", sa.Integer, nullable=False),
        sa.Column("asked", sa.JSON, nullable=False),
        sa.Column("granted", sa.JSON, nullable=False),
        sa.Column("declined", sa.JSON, nullable=False),
        sa.Column("through", sa.String, nullable=False),
        sa.Column("at", _AT, nullable=False),
    )
    op.create_table(
        "onboardings",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("step", sa.String, nullable=False),
        sa.Column("phase", sa.Integer, nullable=False),
        sa.Column("through", sa.String, nullable=False),
        sa.Column("browser", sa.String),
        sa.Column("holder", sa.String),
        sa.Column("token_ref", sa.String),
        sa.Column("started_at", _AT, nullable=False),
        sa.Column("ended_at", _AT),
        sa.Column("reason", sa.String),
        sa.Column("run_id", sa.String),
        sa.Column("result", sa.JSON, nullable=False),
    )
    op.create_table(
        "alerts",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("target", sa.String, primary_key=True),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("sent_at", _AT, nullable=False),
    )


def downgrade() -> None:
    """Tokens and links stay."""
    for table in ("alerts", "onboardings", "grants", "node_access", "token_reveals"):
        op.drop_table(table)
    for column in ("inspected_at", "parent_ref", "retired_subcode"):
        op.drop_column("tokens", column)
