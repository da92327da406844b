"""Webhooks: the inbox, when a receiver was up, gaps, subscriptions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables; webhooks fill them."""
    op.create_table(
        "webhook_changes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("object", sa.String, nullable=False),
        sa.Column("entry_id", sa.String, nullable=False),
        sa.Column("field", sa.String, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("value_digest", sa.String, nullable=False),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("received_at", _AT, nullable=False),
        sa.Column("processed_at", _AT),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_try_at", _AT),
        sa.Column("run_key", sa.String),
        sa.Column("outcome", sa.String),
        sa.UniqueConstraint("object", "entry_id", "field", "time", "value_digest", name="uq_webhook_changes"),
    )
    op.create_index("ix_webhook_changes_status", "webhook_changes", ["status"])
    op.create_table(
        "webhook_receivers",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("first_up_at", _AT, nullable=False),
        sa.Column("last_up_at", _AT, nullable=False),
    )
    op.create_table(
        "webhook_gaps",
        sa.Column("began_at", _AT, primary_key=True),
        sa.Column("ended_at", _AT, nullable=False),
        sa.Column("read_again_at", _AT),
        sa.Column("outcome", sa.String),
    )
    op.create_table(
        "webhook_subscriptions",
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("subject_id", sa.String, primary_key=True),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("ordered_at", _AT, nullable=False),
        sa.Column("checked_at", _AT),
    )


def downgrade() -> None:
    """Changes that were received are forgotten; polls read them all the same."""
    for name in ("webhook_subscriptions", "webhook_gaps", "webhook_receivers", "webhook_changes"):
        op.drop_table(name)
