"""Tables of people and nodes that leave: callbacks that were received, erasures, nodes that must not come back."""

from __future__ import annotations

import sqlalchemy as sa

from meta_pipeline.store.schema.metadata import Utc, metadata

signed_requests = sa.Table(
    "signed_requests", metadata,
    sa.Column("callback", sa.String, primary_key=True),
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("received_at", Utc, nullable=False),
    sa.Column("code", sa.String),
)

# The vault seals the subject and the plan, and they are removed when the erasure has ended: the store never has them in
# plain text.
erasures = sa.Table(
    "erasures", metadata,
    sa.Column("code", sa.String, primary_key=True),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("subject_kind", sa.String, nullable=False),
    sa.Column("sealed_subject", sa.LargeBinary),
    sa.Column("subject_digest", sa.String, nullable=False),
    sa.Column("origin", sa.String, nullable=False),
    sa.Column("requested_at", Utc, nullable=False),
    sa.Column("started_at", Utc),
    sa.Column("ended_at", Utc),
    sa.Column("sealed_plan", sa.LargeBinary),
    sa.Column("steps_done", sa.JSON, nullable=False),
    sa.Column("reason", sa.String),
)

erased_nodes = sa.Table(
    "erased_nodes", metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("erased_at", Utc, nullable=False),
)

# Leads and messages that were erased: Meta still returns them, and they are not stored again.
erased_records = sa.Table(
    "erased_records", metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("erased_at", Utc, nullable=False),
)

installation_keys = sa.Table(
    "installation_keys", metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("public", sa.String, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("made_at", Utc, nullable=False),
)
