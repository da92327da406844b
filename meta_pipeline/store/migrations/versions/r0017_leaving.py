"""People and nodes that leave: signed requests that were received, erasures, and the key that signs their receipts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"


def upgrade() -> None:
    """Add the tables; callbacks and erasures fill them."""
    op.create_table(
        "signed_requests",
        sa.Column("callback", sa.String, primary_key=True),
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.String),
    )
    op.create_table(
        "erasures",
        sa.Column("code", sa.String, primary_key=True),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("subject_kind", sa.String, nullable=False),
        sa.Column("sealed_subject", sa.LargeBinary),
        sa.Column("subject_digest", sa.String, nullable=False),
        sa.Column("origin", sa.String, nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("sealed_plan", sa.LargeBinary),
        sa.Column("steps_done", sa.JSON, nullable=False),
        sa.Column("reason", sa.String),
    )
    op.create_table(
        "erased_nodes",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "installation_keys",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("public", sa.String, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Drop the tables: receipts that were written can't be verified any longer."""
    for name in ("installation_keys", "erased_nodes", "erasures", "signed_requests"):
        op.drop_table(name)
