"""Rename the tables of learned sizes and of listings after the modules that query them."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Rename both tables, and the column that holds the digest of a listing's request; rows stay."""
    op.rename_table("learned_sizes", "report_sizes")
    op.rename_table("listings", "listing_sweeps")
    op.alter_column("listing_sweeps", "asked", new_column_name="request_digest")


def downgrade() -> None:
    """Give both tables their earlier names."""
    op.alter_column("listing_sweeps", "request_digest", new_column_name="asked")
    op.rename_table("listing_sweeps", "listings")
    op.rename_table("report_sizes", "learned_sizes")
