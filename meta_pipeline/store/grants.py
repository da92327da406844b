"""Grants: what was consented to, by whom and when. They are never changed, only followed by later ones."""

from __future__ import annotations

import sqlalchemy as sa

from meta_pipeline.records import Grant
from meta_pipeline.store.schema import grants


def record(engine: sa.Engine, grant: Grant) -> None:
    """The grant is on record."""
    with engine.begin() as connection:
        connection.execute(
            grants.insert().values(
                token_ref=grant.token_ref, subject_id=grant.subject_id, subject_name=grant.subject_name,
                phase=grant.phase, asked=list(grant.asked), granted=list(grant.granted),
                declined=list(grant.declined), through=grant.through, at=grant.at,
            )
        )


def latest(engine: sa.Engine) -> dict[str, Grant]:
    """The newest grant of every token."""
    with engine.connect() as connection:
        return {row.token_ref: _grant(row) for row in connection.execute(sa.select(grants).order_by(grants.c.id))}


def _grant(row: sa.Row[tuple[object, ...]]) -> Grant:
    return Grant(
        row.token_ref, row.subject_id, row.subject_name, row.phase, tuple(row.asked), tuple(row.granted),
        tuple(row.declined), row.through, row.at,
    )
