"""Tokens that were replaced by newer ones and work until their own end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the ref of the newer token; no token that is stored so far was replaced."""
    op.add_column("tokens", sa.Column("replaced_by", sa.String))


def downgrade() -> None:
    """Replaced tokens are deleted: the newer ones read the same."""
    op.execute("delete from tokens where replaced_by is not null")
    with op.batch_alter_table("tokens") as tokens:
        tokens.drop_column("replaced_by")
