"""The conversations of Pages, and how far each was read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from meta_pipeline.store.schema.metadata import Utc

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Add the table; no conversation was read so far."""
    op.create_table(
        "conversations",
        sa.Column("page_id", sa.String, primary_key=True),
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("platform", sa.String, nullable=False),
        sa.Column("updated_at", Utc, nullable=False),
        sa.Column("message_count", sa.Integer),
        sa.Column("unreadable", sa.Integer),
        sa.Column("read_at", Utc, nullable=False),
        sa.Column("changed_at", Utc, nullable=False),
        sa.Column("loaded_change_at", Utc),
    )


def downgrade() -> None:
    """Forget the conversations: they are listed again."""
    op.drop_table("conversations")
