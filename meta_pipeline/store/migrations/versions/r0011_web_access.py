"""Sessions and invitations as rows; no sealed token once it is retired."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables; remove the ciphertext of every retired token."""
    op.create_table(
        "web_sessions",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("password_mac", sa.String, nullable=False),
        sa.Column("started_at", _AT, nullable=False),
        sa.Column("ends_at", _AT, nullable=False),
    )
    op.create_table(
        "invitations",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("subject_id", sa.String, nullable=False),
        sa.Column("phase", sa.Integer, nullable=False),
        sa.Column("issued_at", _AT, nullable=False),
        sa.Column("ends_at", _AT, nullable=False),
        sa.Column("onboarding_id", sa.String),
    )
    tokens = sa.table("tokens", sa.column("sealed", sa.LargeBinary), sa.column("retired_at", _AT))
    op.execute(tokens.update().where(tokens.c.retired_at.is_not(None)).values(sealed=b""))


def downgrade() -> None:
    """Operators sign in again; invitations that were sent end."""
    op.drop_table("invitations")
    op.drop_table("web_sessions")
