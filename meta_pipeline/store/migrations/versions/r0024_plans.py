"""Plans of changes at Meta, their steps, and the plan in the audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0022"

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables, and the plan of a call to the audit; no call so far was part of one."""
    op.create_table(
        "plans",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("node_id", sa.String, nullable=False),
        sa.Column("token_ref", sa.String, nullable=False),
        sa.Column("spec_digest", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("changed_at", _AT, nullable=False),
    )
    op.create_table(
        "plan_steps",
        sa.Column("plan_id", sa.String, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("node_id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("object_kind", sa.String, nullable=False),
        sa.Column("definition", sa.JSON, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("object_id", sa.String),
        sa.Column("sent_at", _AT),
        sa.Column("progress", sa.JSON, nullable=False),
    )
    op.add_column("audit_calls", sa.Column("plan_id", sa.String))


def downgrade() -> None:
    """Remove them: what was created at Meta stays there."""
    with op.batch_alter_table("audit_calls") as calls:
        calls.drop_column("plan_id")
    op.drop_table("plan_steps")
    op.drop_table("plans")
