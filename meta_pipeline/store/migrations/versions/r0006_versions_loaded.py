"""Record which earlier versions of days are in the warehouse."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """A new column."""
    op.add_column("landed_versions", sa.Column("loaded_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """The versions stay."""
    op.drop_column("landed_versions", "loaded_at")
