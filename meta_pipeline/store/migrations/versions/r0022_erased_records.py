"""Records of people that were erased, by digest: they are not stored again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from meta_pipeline.store.schema.metadata import Utc

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the table; nothing of the kind was erased so far."""
    op.create_table(
        "erased_records",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("erased_at", Utc, nullable=False),
    )


def downgrade() -> None:
    """Forget them: an earlier version reads no such records."""
    op.drop_table("erased_records")
