"""The vault's access log: which token was revealed, when, for which flow and node, by which process."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from meta_pipeline.store.coordination.processes import identity
from meta_pipeline.store.schema.connections import token_reveals


def record(engine: sa.Engine, token_ref: str, *, flow: str, node_id: str | None, now: dt.datetime) -> None:
    """Record a reveal, before the token is revealed."""
    with engine.begin() as connection:
        connection.execute(
            token_reveals.insert().values(
                at=now, token_ref=token_ref, flow=flow, node_id=node_id, process=identity()
            )
        )


def find(engine: sa.Engine, *, token_ref: str | None = None, limit: int) -> list[dict[str, Any]]:
    """Return the newest reveals, newest first."""
    query = sa.select(token_reveals).order_by(token_reveals.c.id.desc()).limit(limit)
    if token_ref is not None:
        query = query.where(token_reveals.c.token_ref == token_ref)
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(query)]


def forget_before(engine: sa.Engine, at: dt.datetime) -> int:
    """Delete the reveals before `at`; return their number."""
    with engine.begin() as connection:
        return connection.execute(token_reveals.delete().where(token_reveals.c.at < at)).rowcount
