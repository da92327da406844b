"""Tables of webhooks: the inbox, the times at which the receiver was up and those at which it was not, and the
subscriptions as they were last checked."""

from __future__ import annotations

import sqlalchemy as sa

from meta_pipeline.store.schema.metadata import Utc, metadata

# `id` is the order of arrival. Names and texts of people are not stored: `value` has only ids, verbs and figures.
webhook_changes = sa.Table(
    "webhook_changes", metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("object", sa.String, nullable=False),
    sa.Column("entry_id", sa.String, nullable=False),
    sa.Column("field", sa.String, nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("value_digest", sa.String, nullable=False),
    sa.Column("value", sa.JSON, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("received_at", Utc, nullable=False),
    sa.Column("processed_at", Utc),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_try_at", Utc),
    sa.Column("run_key", sa.String),
    sa.Column("outcome", sa.String),
    sa.UniqueConstraint("object", "entry_id", "field", "time", "value_digest", name="uq_webhook_changes"),
    sa.Index("ix_webhook_changes_status", "status"),
)

# `name` is always "receiver": one row with the first and the last time at which a receiver was up.
webhook_receivers = sa.Table(
    "webhook_receivers", metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("first_up_at", Utc, nullable=False),
    sa.Column("last_up_at", Utc, nullable=False),
)

webhook_gaps = sa.Table(
    "webhook_gaps", metadata,
    sa.Column("began_at", Utc, primary_key=True),
    sa.Column("ended_at", Utc, nullable=False),
    sa.Column("read_again_at", Utc),
    sa.Column("outcome", sa.String),
)

webhook_subscriptions = sa.Table(
    "webhook_subscriptions", metadata,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("subject_id", sa.String, primary_key=True),
    sa.Column("fields", sa.JSON, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("reason", sa.String),
    sa.Column("ordered_at", Utc, nullable=False),
    sa.Column("checked_at", Utc),
)
