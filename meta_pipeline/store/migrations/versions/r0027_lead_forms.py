"""The lead forms of Pages, and until when the leads of each were read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from meta_pipeline.store.schema.metadata import Utc

revision = "0027"
down_revision = "0024"


def upgrade() -> None:
    """Add the table; no form was read so far."""
    op.create_table(
        "lead_forms",
        sa.Column("page_id", sa.String, primary_key=True),
        sa.Column("form_id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("created_at", Utc),
        sa.Column("read_at", Utc),
        sa.Column("read_until", Utc),
        sa.Column("refusal", sa.String),
        sa.Column("changed_at", Utc, nullable=False),
        sa.Column("loaded_change_at", Utc),
    )


def downgrade() -> None:
    """Forget the forms: they are listed again."""
    op.drop_table("lead_forms")
