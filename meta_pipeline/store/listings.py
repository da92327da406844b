"""When a listing of entities was read whole the last time, and what was asked for then."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from meta_pipeline.store.schema import listings


def swept_at(engine: sa.Engine, *, node_id: str, kind: str, asked: str) -> dt.datetime | None:
    """When this listing was read whole; None when never, or when something else was `asked` for then: what is kept of
    it lacks fields."""
    query = sa.select(listings.c.swept_at).where(_here(node_id, kind), listings.c.asked == asked)
    with engine.connect() as connection:
        return connection.execute(query).scalar_one_or_none()


def note_sweep(engine: sa.Engine, *, node_id: str, kind: str, asked: str, at: dt.datetime) -> None:
    """This listing was read whole."""
    values = {"swept_at": at, "asked": asked}
    with engine.begin() as connection:
        if not connection.execute(listings.update().where(_here(node_id, kind)).values(values)).rowcount:
            connection.execute(listings.insert().values(node_id=node_id, kind=kind, **values))


def _here(node_id: str, kind: str) -> sa.ColumnElement[bool]:
    return sa.and_(listings.c.node_id == node_id, listings.c.kind == kind)
