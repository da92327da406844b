"""Sessions are signed with the password they were started with, so that their rows need not say which it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """End every session, because its cookie is not signed: operators sign in again."""
    op.execute(sa.table("web_sessions").delete())
    op.drop_column("web_sessions", "password_mac")


def downgrade() -> None:
    """End every session: operators sign in again."""
    op.execute(sa.table("web_sessions").delete())
    op.add_column("web_sessions", sa.Column("password_mac", sa.String, nullable=False, server_default=""))
