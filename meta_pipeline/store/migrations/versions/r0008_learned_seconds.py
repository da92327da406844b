"""Record how long report runs took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """A new column."""
    op.add_column("learned_sizes", sa.Column("seconds", sa.Float))


def downgrade() -> None:
    """It is learned again."""
    op.drop_column("learned_sizes", "seconds")
