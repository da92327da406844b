"""Owners by id, what businesses list, and the history and the choice of every node."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0018"

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add columns and tables; the next discovery fills them."""
    op.add_column("node_links", sa.Column("owner_business_id", sa.String))
    op.add_column("node_links", sa.Column("lost_at", _AT))
    op.add_column("node_access", sa.Column("access", sa.String))
    op.add_column("node_access", sa.Column("owner_business", sa.String))
    op.add_column("node_access", sa.Column("owner_business_id", sa.String))
    op.create_table(
        "businesses",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("through_ref", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("seen_at", _AT, nullable=False),
    )
    op.create_table(
        "business_assets",
        sa.Column("through_ref", sa.String, primary_key=True),
        sa.Column("business_id", sa.String, primary_key=True),
        sa.Column("edge", sa.String, primary_key=True),
        sa.Column("node_id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("owner_business", sa.String),
        sa.Column("seen_at", _AT, nullable=False),
    )
    op.create_table(
        "node_versions",
        sa.Column("node_id", sa.String, primary_key=True),
        sa.Column("valid_from", _AT, primary_key=True),
        sa.Column("valid_to", _AT),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("access", sa.String, nullable=False),
        sa.Column("owner_business_id", sa.String),
        sa.Column("owner_business", sa.String),
        sa.Column("tasks", sa.JSON, nullable=False),
        sa.Column("timezone", sa.String),
        sa.Column("currency", sa.String),
        sa.Column("is_reached", sa.Boolean, nullable=False),
    )
    op.create_table(
        "link_changes",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", _AT, nullable=False),
        sa.Column("node_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("change", sa.String, nullable=False),
        sa.Column("before", sa.String),
        sa.Column("after", sa.String),
        sa.Column("through_ref", sa.String),
    )
    op.create_index("link_changes_node", "link_changes", ["node_id", "at"])
    op.create_table(
        "node_choices",
        sa.Column("node_id", sa.String, primary_key=True),
        sa.Column("choice", sa.String, nullable=False),
        sa.Column("chosen_at", _AT, nullable=False),
        sa.Column("chosen_by", sa.String, nullable=False),
    )


def downgrade() -> None:
    """Every linked node is read again, and the history is lost."""
    for table in ("node_choices", "link_changes", "node_versions", "business_assets", "businesses"):
        op.drop_table(table)
    for name in ("owner_business_id", "owner_business", "access"):
        op.drop_column("node_access", name)
    for name in ("lost_at", "owner_business_id"):
        op.drop_column("node_links", name)
